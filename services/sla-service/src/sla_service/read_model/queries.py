"""Reading and writing histories and timers.

Timers are a pure function of history and terms, so a row never depends on the clock: whether a running timer is missed by now
is decided when it is read (``domain.timer.state_at``), and noticed once by ``watch``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database, upsert
from shared.events import Recorded, recorded
from shared.events.catalogue import AgreementPublished, CalendarPublished
from sla_service.domain.terms import PublishedTerms
from sla_service.domain.timer import Absent, Timer, TimerSet
from sla_service.read_model.tables import given, histories, terms, tickets, timers


class StoredTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's timers as stored."""

    provider: str
    ticket: str
    customer: str
    entitled: bool
    reason: str
    absent: tuple[Absent, ...]
    timers: tuple[Timer, ...]


class TimerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which timers to list; ``state`` is meant as of ``now``."""

    provider: str
    now: datetime
    state: str | None = None
    metric: str | None = None
    customer: str | None = None
    due_before: datetime | None = None
    by_deadline: bool = False
    after: str = ""
    limit: int = 50


class ReadModel:
    """Queries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ticket(self, provider: str, name: str) -> StoredTicket | None:
        """A ticket by id or reference, with its timers in the order of their start."""
        found = select(tickets).where(
            tickets.c.provider == provider, or_(tickets.c.ticket == name, tickets.c.reference == name)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(found)).first()
            if row is None:
                return None
            own = select(timers.c.document).where(timers.c.ticket == row.ticket).order_by(timers.c.place)
            documents = (await connection.execute(own)).scalars().all()
        return StoredTicket(
            provider=row.provider,
            ticket=row.ticket,
            customer=row.customer,
            entitled=row.entitled,
            reason=row.reason,
            absent=msgspec.json.decode(row.absent, type=tuple[Absent, ...]),
            timers=tuple(timer_in(document) for document in documents),
        )

    async def timers(self, query: TimerQuery) -> list[Timer]:
        """Timers of all tickets, in the order of id or of deadline; ``after`` is the last one's id."""
        statement = select(timers.c.document).where(timers.c.provider == query.provider)
        for column, value in (("metric", query.metric), ("customer", query.customer)):
            if value is not None:
                statement = statement.where(timers.c[column] == value)
        if query.due_before is not None:
            statement = statement.where(timers.c.due_at < query.due_before)
        if query.state is not None:
            statement = statement.where(_in_state(query.state, query.now))
        last = select(timers.c.due_at).where(timers.c.timer == query.after).scalar_subquery()
        if query.by_deadline:
            statement = statement.where(timers.c.due_at.is_not(None)).order_by(timers.c.due_at, timers.c.timer)
            if query.after:
                later = and_(timers.c.due_at == last, timers.c.timer > query.after)
                statement = statement.where(or_(timers.c.due_at > last, later))
        else:
            statement = statement.where(timers.c.timer > query.after).order_by(timers.c.timer)
        async with self._database.reading() as connection:
            documents = (await connection.execute(statement.limit(query.limit))).scalars().all()
        return [timer_in(document) for document in documents]

    async def timer(self, provider: str, timer: str) -> Timer | None:
        """One timer."""
        statement = select(timers.c.document).where(timers.c.provider == provider, timers.c.timer == timer)
        async with self._database.reading() as connection:
            document = (await connection.execute(statement)).scalar()
        return None if document is None else timer_in(document)

    async def detected(self, wanted: Sequence[str]) -> dict[str, datetime]:
        """When the misses of timers were noticed."""
        statement = select(given.c.timer, given.c.at).where(given.c.kind == "missed", given.c.timer.in_(wanted))
        async with self._database.reading() as connection:
            return {row.timer: row.at for row in await connection.execute(statement)}

    async def history(self, ticket: str) -> list[Recorded]:
        """Everything recorded of a ticket, in order."""
        async with self._database.reading() as connection:
            return (await stored_histories(connection, [ticket]))[ticket]

    async def published_terms(self, provider: str) -> PublishedTerms:
        """All versions of a provider's terms."""
        async with self._database.reading() as connection:
            return await stored_terms(connection, provider)


def _in_state(state: str, now: datetime) -> Any:
    """The state as of ``now`` in SQL; the same rule as ``domain.timer.state_at``."""
    ended = or_(timers.c.missed_at.is_not(None), timers.c.met_at.is_not(None), timers.c.cancelled_at.is_not(None))
    passed = and_(timers.c.due_at < now, timers.c.paused_since.is_(None))
    match state:
        case "missed":
            return or_(timers.c.missed_at.is_not(None), and_(~ended, passed))
        case "met":
            return and_(timers.c.missed_at.is_(None), timers.c.met_at.is_not(None))
        case "cancelled":
            return and_(timers.c.missed_at.is_(None), timers.c.met_at.is_(None), timers.c.cancelled_at.is_not(None))
        case "paused":
            return and_(~ended, timers.c.paused_since.is_not(None))
        case _:
            return and_(~ended, timers.c.paused_since.is_(None), or_(timers.c.due_at.is_(None), timers.c.due_at >= now))

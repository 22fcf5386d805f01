"""What is asked of the tables: a ticket's timers, lists of timers and tickets, histories.

A row never depends on the clock: whether a running timer is missed by now is decided here, in SQL,
or by ``domain.timer.state_at``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import and_, func, or_, select

from fristwerk_language.events import Recorded
from fristwerk_platform.health import Dependency
from fristwerk_platform.read_models import Database
from sla_service.domain.timers.timer import Timer
from sla_service.projections import parked_tickets
from sla_service.projections.tables import announced, timers
from sla_service.projections.tables import tickets as ticket_table
from sla_service.projections.writer import absent_in, stored_histories, timer_in
from sla_service.queries.one_ticket import StoredTicket, TicketReading, read_ticket

PAGE: Final = 500
"""Rows that a long scan reads at once: between pages others get their turn."""


class TimerFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which timers to list; ``state`` is meant as of ``now``. ``after`` is the last id, by deadline
    with the deadline.
    """

    provider: str
    now: datetime
    state: str | None = None
    metric: str | None = None
    customer: str | None = None
    due_before: datetime | None = None
    by_deadline: bool = False
    after: str = ""
    after_due_at: datetime | None = None
    limit: int = 50


class TicketFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets of a provider a report looks at; None: all. ``since`` counts, ``until`` does
    not, parked ones never do.
    """

    provider: str
    since: datetime | None = None
    until: datetime | None = None
    customer: str | None = None
    agreement: str | None = None
    entitled: bool | None = None


class ListedTimer(msgspec.Struct, frozen=True, kw_only=True):
    """A timer and whose ticket it is about."""

    customer: str
    timer: Timer


class ReadModel:
    """Queries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ticket(self, provider: str, name: str) -> TicketReading:
        """A ticket by id or reference, with its timers in the order of their metrics and starts."""
        return await read_ticket(self._database, provider, name)

    async def tickets_of_any_provider(self, name: str) -> list[StoredTicket]:
        """The tickets of that id or reference; two providers may use the same reference."""
        return await self._tickets(or_(ticket_table.c.ticket == name, ticket_table.c.reference == name.upper()))

    async def timers(self, query: TimerFilter) -> list[Timer]:
        """Timers of all tickets, in the order of id or of deadline."""
        statement = select(timers.c.document).where(timers.c.provider == query.provider)
        for column, value in (("metric", query.metric), ("customer", query.customer)):
            if value is not None:
                statement = statement.where(timers.c[column] == value)
        if query.due_before is not None:
            statement = statement.where(timers.c.due_at < query.due_before)
        if query.state is not None:
            statement = statement.where(_in_state(query.state, query.now))
        if not query.by_deadline:
            statement = statement.where(timers.c.timer > query.after).order_by(timers.c.timer)
        else:
            statement = statement.where(timers.c.due_at.is_not(None)).order_by(timers.c.due_at, timers.c.timer)
            if query.state == "running":
                statement = statement.where(timers.c.due_at >= query.now)  # where the page begins in the index
            if query.after_due_at is not None:
                later = and_(timers.c.due_at == query.after_due_at, timers.c.timer > query.after)
                statement = statement.where(or_(timers.c.due_at > query.after_due_at, later))
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
        statement = select(announced.c.timer, announced.c.at).where(
            announced.c.kind == "missed", announced.c.timer.in_(wanted)
        )
        async with self._database.reading() as connection:
            return {row.timer: row.at for row in await connection.execute(statement)}

    async def history(self, ticket: str) -> list[Recorded]:
        """Everything recorded of a ticket, in order."""
        return (await self.histories([ticket]))[ticket]

    async def histories(self, wanted: Sequence[str]) -> dict[str, list[Recorded]]:
        """Everything recorded of tickets, each in order."""
        async with self._database.reading() as connection:
            return await stored_histories(connection, wanted)

    async def timers_started(
        self, wanted: TicketFilter, metric: str | None = None
    ) -> AsyncIterator[Sequence[ListedTimer]]:
        """Timers by their start, page by page; ``since`` and ``until`` bound the start here, not
        the receipt.
        """
        at, name = timers.c.started_at, timers.c.timer
        relied_on = (timers.c.provider == wanted.provider, ~parked_tickets.is_parked(timers.c.ticket))
        statement = select(timers.c.customer, timers.c.document).where(*relied_on)
        statement = _between(statement, at, wanted).order_by(at, name).limit(PAGE)
        for column, value in (("metric", metric), ("customer", wanted.customer)):
            if value is not None:
                statement = statement.where(timers.c[column] == value)
        page: Any = statement
        while True:
            async with self._database.reading() as connection:
                rows = (await connection.execute(page)).all()
            listed = [ListedTimer(customer=row.customer, timer=timer_in(row.document)) for row in rows]
            if not listed:
                return
            yield listed
            page = statement.where(_behind(at, name, (listed[-1].timer.started_at, listed[-1].timer.id)))

    async def tickets_received(self, wanted: TicketFilter) -> AsyncIterator[Sequence[StoredTicket]]:
        """Tickets by their receipt, page by page."""
        after = None
        while page := await self.next_tickets(wanted, after, PAGE):
            yield page
            after = (page[-1].received_at, page[-1].ticket)

    async def next_tickets(
        self, wanted: TicketFilter, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[StoredTicket]:
        """The next tickets by their receipt, behind a receipt and an id."""
        at, name = ticket_table.c.received_at, ticket_table.c.ticket
        page = _received(select(name), wanted)
        if after is not None:
            page = page.where(_behind(at, name, after))
        return await self._tickets(name.in_(page.order_by(at, name).limit(limit)))

    async def count_received(self, wanted: TicketFilter) -> int:
        """How many tickets those are."""
        async with self._database.reading() as connection:
            statement = _received(select(func.count()).select_from(ticket_table), wanted)
            return (await connection.execute(statement)).scalar() or 0

    async def health(self) -> Dependency:
        """Whether every ticket could be derived; one that could not does not keep the service from
        its work.
        """
        async with self._database.reading() as connection:
            number = await parked_tickets.count(connection)
        return Dependency(
            ok=True, detail=f"{number} of the tickets cannot be derived and are parked" if number else None
        )

    async def count_parked(self) -> int:
        """How many tickets are parked."""
        async with self._database.reading() as connection:
            return await parked_tickets.count(connection)

    async def _tickets(self, *conditions: Any) -> list[StoredTicket]:
        async with self._database.reading() as connection:
            order = (ticket_table.c.received_at, ticket_table.c.ticket)
            rows = (await connection.execute(select(ticket_table).where(*conditions).order_by(*order))).all()
            own = select(timers.c.ticket, timers.c.document).where(timers.c.ticket.in_([row.ticket for row in rows]))
            documents: dict[str, list[bytes]] = {row.ticket: [] for row in rows}
            for row in await connection.execute(own.order_by(timers.c.ticket, timers.c.place)):
                documents[row.ticket].append(row.document)
        return [
            StoredTicket(
                provider=row.provider,
                ticket=row.ticket,
                reference=row.reference,
                customer=row.customer,
                agreement=row.agreement,
                received_at=row.received_at,
                entitled=row.entitled,
                reason=row.reason,
                absent=absent_in(row.absent),
                timers=tuple(timer_in(document) for document in documents[row.ticket]),
            )
            for row in rows
        ]


def _received(statement: Any, wanted: TicketFilter) -> Any:
    table = ticket_table.c
    statement = _between(statement.where(table.provider == wanted.provider), table.received_at, wanted)
    for column, value in ((table.customer, wanted.customer), (table.agreement, wanted.agreement)):
        if value is not None:
            statement = statement.where(column == value)
    statement = statement.where(~parked_tickets.is_parked(table.ticket))
    return statement if wanted.entitled is None else statement.where(table.entitled.is_(wanted.entitled))


def _between(statement: Any, at: Any, wanted: TicketFilter) -> Any:
    if wanted.since is not None:
        statement = statement.where(at >= wanted.since)
    return statement if wanted.until is None else statement.where(at < wanted.until)


def _behind(at: Any, name: Any, after: tuple[datetime, str]) -> Any:
    return or_(at > after[0], and_(at == after[0], name > after[1]))


def _in_state(state: str, now: datetime) -> Any:
    """The state as of ``now`` in SQL; the same rule as ``domain.timer.state_at``."""
    not_ended = and_(timers.c.met_at.is_(None), timers.c.missed_at.is_(None), timers.c.cancelled_at.is_(None))
    passed = and_(timers.c.due_at < now, timers.c.paused_since.is_(None))
    match state:
        case "missed":
            return or_(timers.c.missed_at.is_not(None), and_(not_ended, passed))
        case "met":
            return and_(timers.c.missed_at.is_(None), timers.c.met_at.is_not(None))
        case "cancelled":
            return and_(timers.c.missed_at.is_(None), timers.c.met_at.is_(None), timers.c.cancelled_at.is_not(None))
        case "paused":
            return and_(not_ended, timers.c.paused_since.is_not(None))
        case _:
            return and_(
                not_ended, timers.c.paused_since.is_(None), or_(timers.c.due_at.is_(None), timers.c.due_at >= now)
            )

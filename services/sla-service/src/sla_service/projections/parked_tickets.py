"""Tickets that are parked: their timers could not be derived. Their histories grow, the others go
on, and they are tried again.

Until then a parked ticket's timers stand still as they were, and none of its alarms fires: what is
known of it may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import in_list, store
from sla_service.projections.tables import parked, timers


class ParkedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Why a ticket is parked, since the event at which position; customer and reference where they
    could be read.
    """

    ticket: str
    provider: str
    customer: str | None
    reference: str | None
    error: str
    since: datetime
    position: int


async def tickets(connection: AsyncConnection, after: str = "", limit: int | None = None) -> list[str]:
    """The parked tickets in order, behind one of them."""
    statement = select(parked.c.ticket).where(parked.c.ticket > after).order_by(parked.c.ticket).limit(limit)
    return list((await connection.execute(statement)).scalars())


async def count(connection: AsyncConnection) -> int:
    """How many they are."""
    return (await connection.execute(select(func.count()).select_from(parked))).scalar() or 0


async def find(connection: AsyncConnection, provider: str, name: str) -> ParkedTicket | None:
    """The parked ticket of that id or reference."""
    named = or_(parked.c.ticket == name, parked.c.reference == name.upper())
    row = (await connection.execute(select(parked).where(parked.c.provider == provider, named))).first()
    return None if row is None else ParkedTicket(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


async def note(connection: AsyncConnection, tried: Sequence[str], failed: Mapping[str, ParkedTicket]) -> None:
    """Of the tickets that were tried just now only those that failed are parked; since when, stays
    as it was.
    """
    known = select(parked.c.ticket, parked.c.since, parked.c.position).where(
        in_list(connection, parked.c.ticket, tried)
    )
    before = {row.ticket: row for row in await connection.execute(known)} if tried else {}
    done = [ticket for ticket in before if ticket not in failed]
    if done:
        await connection.execute(delete(parked).where(in_list(connection, parked.c.ticket, done)))
    rows = [
        msgspec.structs.asdict(each)
        | ({"since": before[ticket].since, "position": before[ticket].position} if ticket in before else {})
        for ticket, each in failed.items()
    ]
    await store(connection, parked, rows)


def is_parked(ticket: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the ticket in a column is parked."""
    return select(1).select_from(parked).where(parked.c.ticket == ticket).exists()


def whose_ticket_is_parked(timer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the ticket of the timer in a column is parked."""
    of_timer = timers.alias("of_timer")
    return (
        select(1)
        .select_from(parked)
        .join(of_timer, of_timer.c.ticket == parked.c.ticket)
        .where(of_timer.c.timer == timer)
        .exists()
    )

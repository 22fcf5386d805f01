"""Tickets that are parked: their timers could not be derived. Their histories grow, the others go
on, and they are tried again.

Until then a parked ticket's timers stand still as they were, and none of its alarms fires: what is
known of it may be wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Write, removal
from sla_service.projections.stored_tickets import ParkedSince
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


async def tickets_of(connection: AsyncConnection, providers: Collection[str]) -> list[str]:
    """The parked tickets of some providers."""
    return list((await connection.execute(select(parked.c.ticket).where(parked.c.provider.in_(providers)))).scalars())


async def tickets(connection: AsyncConnection, after: str, limit: int) -> list[str]:
    """The parked tickets in order, behind one of them."""
    statement = select(parked.c.ticket).where(parked.c.ticket > after).order_by(parked.c.ticket).limit(limit)
    return list((await connection.execute(statement)).scalars())


async def count(connection: AsyncConnection) -> int:
    """How many they are."""
    return (await connection.execute(select(func.count()).select_from(parked))).scalar() or 0


def parked_writes(
    tried: Iterable[str], failed: Mapping[str, ParkedTicket], stored: Mapping[str, ParkedSince]
) -> list[Write]:
    """Of the tickets that were tried just now only those that failed are parked; since when, stays
    as it is ``stored``.
    """
    rows = [
        msgspec.structs.asdict(each) | (msgspec.structs.asdict(stored[ticket]) if ticket in stored else {})
        for ticket, each in failed.items()
    ]
    done = [ticket for ticket in tried if ticket in stored and ticket not in failed]
    return [Write("store", parked, rows), removal(parked.c.ticket, done)]


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

"""The next deadlines of the tickets whose timers changed from a position of the log on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Database, in_list
from sla_service.domain.timers.next_deadline import NextDeadline, next_deadline
from sla_service.domain.timers.timer import Timer
from sla_service.projections.projector import applied_position
from sla_service.projections.tables import deadline_positions, parked, timers
from sla_service.projections.writer import timer_in


class DeadlineCursor(msgspec.Struct, frozen=True, order=True):
    """Where a reader goes on: with the tickets of a position, behind one of them."""

    position: int
    after: str = ""


class TicketDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's next deadline, and where in the log its timers changed last. One that is ``parked``
    has none that could be relied on.
    """

    ticket: str
    provider: str
    position: int
    parked: bool
    next: NextDeadline | None


class DeadlinePage(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed. ``position``: as of which position of the ticket service's log. ``read_model``
    is another one after a rebuild, whose changes lie before positions that were read already.
    """

    position: int
    read_model: int
    items: list[TicketDeadline]
    next: DeadlineCursor


async def read_changed(
    database: Database, version: int, provider: str | None, cursor: DeadlineCursor, limit: int
) -> DeadlinePage:
    """The next changes of a provider's tickets, or of everybody's (None).

    The position is read first, and what lies behind it is left for the next time: where processes
    share the work, one that is slower may still derive what lies before that.
    """
    table = deadline_positions
    behind = and_(table.c.position == cursor.position, table.c.ticket > cursor.after)
    statement = (
        select(table.c.ticket, table.c.provider, table.c.position, parked.c.ticket.is_not(None).label("is_parked"))
        .join_from(table, parked, parked.c.ticket == table.c.ticket, isouter=True)
        .where(or_(table.c.position > cursor.position, behind))
        .order_by(table.c.position, table.c.ticket)
        .limit(limit)
    )
    if provider is not None:
        statement = statement.where(table.c.provider == provider)
    async with database.reading() as connection:
        position = await applied_position(connection)
        rows = (await connection.execute(statement.where(table.c.position <= position))).all()
        found = await _timers(connection, [row.ticket for row in rows if not row.is_parked])
    items = [
        TicketDeadline(
            ticket=row.ticket,
            provider=row.provider,
            position=row.position,
            parked=row.is_parked,
            next=next_deadline(found.get(row.ticket, ())),
        )
        for row in rows
    ]
    full = len(items) == limit
    following = DeadlineCursor(items[-1].position, items[-1].ticket) if full else DeadlineCursor(position)
    return DeadlinePage(position=position, read_model=version, items=items, next=following)


async def _timers(connection: AsyncConnection, wanted: Sequence[str]) -> dict[str, list[Timer]]:
    found: dict[str, list[Timer]] = {}
    if not wanted:
        return found
    statement: Any = select(timers.c.ticket, timers.c.document).where(in_list(connection, timers.c.ticket, wanted))
    for ticket, document in (await connection.execute(statement)).all():
        found.setdefault(ticket, []).append(timer_in(document))
    return found

"""What is stored of tickets and decides what a batch changes, read by one constant query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.read_models import Query, fetch, instant_of_stored

_STORED: Final = Query(
    "SELECT 'history' AS kind, ticket, CAST(NULL AS TEXT) AS timer, version AS number, CAST(NULL AS BIGINT) AS position,"
    " line FROM histories WHERE ticket IN LIST($1)"
    " UNION ALL SELECT 'timer', ticket, timer, place, NULL, document FROM timers WHERE ticket IN LIST($2)"
    " UNION ALL SELECT 'parked', ticket, NULL, since, position, NULL FROM parked WHERE ticket IN LIST($2)"
)


class StoredTimer(msgspec.Struct, frozen=True):
    """A timer as stored, and its place among those of its ticket."""

    document: bytes
    place: int


class ParkedSince(msgspec.Struct, frozen=True):
    """Since when, and since which position, a ticket is parked."""

    since: datetime
    position: int


class StoredTickets(msgspec.Struct):
    """By ticket: its recorded events in order, its timers by id, and since when it is parked."""

    histories: dict[str, Sequence[Recorded]]
    timers: dict[str, dict[str, StoredTimer]]
    parked: dict[str, ParkedSince]


async def stored_tickets(connection: AsyncConnection, wanted: Sequence[str], histories: Sequence[str]) -> StoredTickets:
    """What is stored of the tickets ``wanted``, with the histories of some of them."""
    found = StoredTickets({}, {}, {})
    lines: dict[str, list[tuple[int, bytes]]] = {ticket: [] for ticket in histories}
    for kind, ticket, timer, number, position, line in await fetch(connection, _STORED, list(histories), list(wanted)):
        match kind:
            case "history":
                lines[ticket].append((number, line))
            case "timer":
                found.timers.setdefault(ticket, {})[timer] = StoredTimer(line, number)
            case _:
                found.parked[ticket] = ParkedSince(instant_of_stored(number), position)
    for ticket, of_ticket in lines.items():
        of_ticket.sort()
        found.histories[ticket] = [decode_tolerantly(line) for _, line in of_ticket]
    return found

"""A ticket with all that an answer about its timers says, read by one constant query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from fristwerk_platform.read_models import Database, Query, instant_of_stored
from sla_service.domain.timers.timer import AbsentTimer, Timer
from sla_service.projections.parked_tickets import ParkedTicket
from sla_service.projections.writer import absent_in, timer_in

_NAMED: Final = "provider = $1 AND (ticket = $2 OR reference = $3)"
_TICKET: Final = Query(
    "SELECT 'ticket' AS kind, ticket AS name, reference, customer, agreement AS text, received_at AS number,"  # noqa: S608
    " CAST(CASE WHEN entitled THEN 1 ELSE 0 END AS BIGINT) AS other, reason, absent AS document"
    f" FROM tickets WHERE {_NAMED}"
    " UNION ALL SELECT 'timer', timers.ticket, NULL, NULL, NULL, notices_given.at, timers.place, timers.timer,"
    " timers.document FROM timers LEFT JOIN notices_given ON notices_given.timer = timers.timer"
    " AND notices_given.kind = 'missed' AND notices_given.rule = ''"
    f" WHERE timers.ticket IN (SELECT ticket FROM tickets WHERE {_NAMED})"
    " UNION ALL SELECT 'parked', ticket, reference, customer, error, since, position, NULL, NULL"
    f" FROM parked WHERE {_NAMED}"
    " UNION ALL SELECT 'terms', NULL, NULL, NULL, NULL, count(*), NULL, NULL, NULL FROM terms WHERE provider = $1"
)


class StoredTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's timers as stored."""

    provider: str
    ticket: str
    reference: str
    customer: str
    agreement: str
    received_at: datetime
    entitled: bool
    reason: str
    absent: tuple[AbsentTimer, ...]
    timers: tuple[Timer, ...]


class TicketReading(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a name: the ticket, why it is parked if it is, when misses of its timers were
    noticed, and how many versions of terms its provider has published.
    """

    ticket: StoredTicket | None
    parked: ParkedTicket | None
    detected: dict[str, datetime]
    published: int


async def read_ticket(database: Database, provider: str, name: str) -> TicketReading:
    """The ticket of that id or reference."""
    rows: dict[str, list[Sequence[Any]]] = {"ticket": [], "timer": [], "parked": [], "terms": []}
    for row in await database.fetch(_TICKET, provider, name, name.upper()):
        rows[row[0]].append(row)
    timers = sorted(rows["timer"], key=lambda row: row[6])
    tickets = sorted(rows["ticket"], key=lambda row: (row[5], row[1]))
    return TicketReading(
        ticket=_ticket(provider, tickets[0], timers) if tickets else None,
        parked=_parked(provider, rows["parked"][0]) if rows["parked"] else None,
        detected={row[7]: instant_of_stored(row[5]) for row in timers if row[5] is not None},
        published=rows["terms"][0][5],
    )


def _ticket(provider: str, row: Sequence[Any], timers: Sequence[Sequence[Any]]) -> StoredTicket:
    _, ticket, reference, customer, agreement, received_at, entitled, reason, absent = row
    return StoredTicket(
        provider=provider,
        ticket=ticket,
        reference=reference,
        customer=customer,
        agreement=agreement,
        received_at=instant_of_stored(received_at),
        entitled=bool(entitled),
        reason=reason,
        absent=absent_in(absent),
        timers=tuple(timer_in(each[8]) for each in timers if each[1] == ticket),
    )


def _parked(provider: str, row: Sequence[Any]) -> ParkedTicket:
    _, ticket, reference, customer, error, since, position, _, _ = row
    return ParkedTicket(
        ticket=ticket,
        provider=provider,
        customer=customer,
        reference=reference,
        error=error,
        since=instant_of_stored(since),
        position=position,
    )

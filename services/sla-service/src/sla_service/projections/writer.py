"""Writing what is derived, and reading what deriving rests on, inside the projector's transaction.

Timers are a pure function of history and terms, so a row never depends on the clock: whether a
running timer is missed by now is decided when it is read (``domain.timer.state_at``), and noticed
once by ``watch``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_platform.read_models import Write, in_list, removal, store
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.timer import AbsentTimer, Timer, TimerSet
from sla_service.projections.stored_tickets import StoredTimer
from sla_service.projections.tables import deadline_positions, histories, terms, tickets, timers

_log = structlog.get_logger()
_absent: Final = msgspec.json.Decoder(tuple[AbsentTimer, ...])
"""Made once: what is no struct is looked through each time, for longer than it takes to read it."""


async def stored_terms(connection: AsyncConnection, provider: str) -> PublishedTerms:
    """The provider's terms, inside a transaction. A version that this service cannot compile is
    unknown to it.
    """
    found = await connection.execute(select(terms.c.line).where(terms.c.provider == provider))
    return compiled_terms([decode_tolerantly(line) for line in found.scalars()])


def compiled_terms(published: Iterable[Recorded]) -> PublishedTerms:
    """The versions that this service can compile; on the others no ticket's timers can rest."""
    compiled = PublishedTerms()
    for recorded in published:
        event = recorded.event
        if not isinstance(event, AgreementPublished | CalendarPublished):
            continue
        try:
            compiled.publish(event, recorded.envelope.occurred_at)
        except Exception as error:  # noqa: BLE001 - one version must not stop the tickets of all the others
            _log.error("terms_not_compiled", terms=event.name, version=event.version, exc_info=error)
    return compiled


async def stored_histories(connection: AsyncConnection, wanted: Sequence[str]) -> dict[str, list[Recorded]]:
    """The histories of tickets, inside a transaction; ``domain.history`` refuses one with an event
    that cannot be read.
    """
    if not wanted:
        return {}
    statement = (
        select(histories.c.ticket, histories.c.line)
        .where(in_list(connection, histories.c.ticket, wanted))
        .order_by(histories.c.ticket, histories.c.version)
    )
    found: dict[str, list[Recorded]] = {ticket: [] for ticket in wanted}
    for ticket, line in (await connection.execute(statement)).all():
        found[ticket].append(decode_tolerantly(line))
    return found


async def store_terms(connection: AsyncConnection, batch: Sequence[Recorded]) -> set[str]:
    """Store the versions of terms that a batch publishes; returns the providers that published any."""
    rows: list[dict[str, Any]] = []
    providers: set[str] = set()
    for recorded in batch:
        event = recorded.event
        if isinstance(event, AgreementPublished | CalendarPublished):
            providers.add(recorded.envelope.provider)
            rows.append(
                {
                    "provider": recorded.envelope.provider,
                    "kind": "calendar" if isinstance(event, CalendarPublished) else "agreement",
                    "name": event.name,
                    "version": event.version,
                    "line": recorded.line,
                }
            )
    await store(connection, terms, rows)
    return providers


def history_write(by_ticket: Mapping[str, Sequence[Recorded]]) -> Write:
    """Adds events to the histories of tickets; those that are stored already stay as they are."""
    rows = [
        {"ticket": ticket, "version": recorded.envelope.version, "line": recorded.line}
        for ticket, events in by_ticket.items()
        for recorded in events
    ]
    return Write("store", histories, rows)


def position_write(providers: Mapping[str, str], tried_at: Mapping[str, int]) -> Write:
    """Notes at which position of the log each ticket, of which the provider is given, was derived last,
    or was tried to be.
    """
    rows = [
        {"ticket": ticket, "provider": provider, "position": tried_at[ticket]} for ticket, provider in providers.items()
    ]
    return Write("store", deadline_positions, rows)


class DerivedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What was derived of a ticket, with what stands in its own row. ``caused_at`` is when the fact
    occurred that was recorded last, and because of which it was derived. ``moved``: each timer's row
    names the customer that the ticket has now.
    """

    provider: str
    reference: str
    customer: str
    agreement: str
    received_at: datetime
    caused_at: datetime
    moved: bool = False
    derived: TimerSet


class TimerChange(msgspec.Struct, frozen=True, kw_only=True):
    """A timer before and after a derivation; None where it was not there, or is no more. The fact
    that changed it occurred at ``caused_at``.
    """

    provider: str
    timer: str
    caused_at: datetime
    before: Timer | None
    after: Timer | None


def timer_writes(
    derived: Sequence[DerivedTicket], stored: Mapping[str, Mapping[str, StoredTimer]]
) -> tuple[list[Write], list[TimerChange]]:
    """What replaces the ``stored`` timers of tickets by what was derived, leaving alone what stays
    the same, and what changed.
    """
    rows: list[dict[str, Any]] = []
    changes: list[TimerChange] = []
    for each in derived:
        before = dict(stored.get(each.derived.ticket, {}))
        for place, timer in enumerate(each.derived.timers):
            row = _row(each, place, timer)
            old = before.pop(timer.id, None)
            if old is None or old.document != row["document"]:
                changes.append(_change(each, timer.id, old, timer))
                rows.append(row)
            elif old.place != place or each.moved:
                rows.append(row)
        changes += [_change(each, name, old, None) for name, old in sorted(before.items())]
    gone = [change.timer for change in changes if change.after is None]
    return [Write("store", timers, rows), removal(timers.c.timer, gone)], changes


def ticket_write(rows: Iterable[Mapping[str, Any]]) -> Write:
    """What replaces the rows of tickets."""
    return Write("store", tickets, list(rows))


def _change(ticket: DerivedTicket, name: str, before: StoredTimer | None, after: Timer | None) -> TimerChange:
    old = None if before is None else timer_in(before.document)
    return TimerChange(provider=ticket.provider, timer=name, caused_at=ticket.caused_at, before=old, after=after)


def ticket_row(ticket: DerivedTicket) -> dict[str, Any]:
    return {
        "ticket": ticket.derived.ticket,
        "provider": ticket.provider,
        "reference": ticket.reference,
        "customer": ticket.customer,
        "agreement": ticket.agreement,
        "received_at": ticket.received_at,
        "entitled": ticket.derived.entitled,
        "reason": ticket.derived.reason,
        "absent": msgspec.json.encode(ticket.derived.absent),
    }


def _row(ticket: DerivedTicket, place: int, timer: Timer) -> dict[str, Any]:
    names = ("started_at", "due_at", "met_at", "missed_at", "cancelled_at", "paused_since", "metric", "ticket")
    return {name: getattr(timer, name) for name in names} | {
        "timer": timer.id,
        "provider": ticket.provider,
        "customer": ticket.customer,
        "place": place,
        "document": msgspec.json.encode(timer),
    }


def timer_in(document: bytes) -> Timer:
    """A timer from its stored form."""
    return msgspec.json.decode(document, type=Timer)


def absent_in(document: bytes) -> tuple[AbsentTimer, ...]:
    """The metrics without a timer from their stored form."""
    return _absent.decode(document)

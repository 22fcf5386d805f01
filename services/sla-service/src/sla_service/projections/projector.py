"""From the ticket service's feed to timers: histories grow, and each touched ticket's timers are
derived anew.

A new event never patches a timer. The function runs over the whole history, so late, repeated and
backdated events all end in the same state. A ticket that cannot be derived is parked and tried
again with its next event, with new terms, on the next start, and by ``replay --parked``; the others
go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.read_models import Database, Write, after_commit, write
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms, UnknownTermsError
from sla_service.projections import parked_tickets, writer
from sla_service.projections.parked_tickets import ParkedTicket
from sla_service.projections.recent_timelines import ReadTicket, RecentTimelines, read_ticket
from sla_service.projections.stored_tickets import StoredTickets, stored_tickets
from sla_service.projections.tables import checkpoints, partitions
from sla_service.projections.writer import DerivedTicket, TimerChange

SOURCE: Final = "ticket-service"
DERIVED_AT_ONCE: Final = 250
"""Tickets that are read, derived and written by the same statements: new terms may concern many thousand parked ones, and
the server ends a transaction of partitions that sends no statement for as long as a lease.
"""
_log = structlog.get_logger()


class Announces(Protocol):
    """Announces changed timers: the outbox, or the muted one during a rebuild."""

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> Sequence[Write]:
        """The writes that announce the changes, to be carried out in this transaction."""
        ...


class Projector:
    """Applies batches; keeps each provider's terms compiled between them, since a version never
    changes.
    """

    def __init__(self, outbox: Announces, applies: Callable[[str], bool] = lambda _: True) -> None:
        """``applies`` tells whether a ticket's stream is applied by this process at this moment."""
        self._outbox = outbox
        self._applies = applies
        self._terms: dict[str, PublishedTerms] = {}
        self._recent = RecentTimelines()

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> Sequence[Write]:
        """The effect of a batch, inside the follower's transaction."""
        news = _by_ticket(batch)
        touched = sorted(news)
        if providers := await self._publish(connection, batch):
            parked = await parked_tickets.tickets_of(connection, providers)
            touched = sorted({*touched, *(each for each in parked if self._applies(streams.TICKET.stream(each)))})
        last = batch[-1].envelope.position if batch else 0
        writes: Sequence[Write] = ()
        for start in range(0, len(touched), DERIVED_AT_ONCE):
            await write(connection, *writes)
            writes = await self._apply_to(connection, touched[start : start + DERIVED_AT_ONCE], news, last)
        return writes

    async def _apply_to(
        self, connection: AsyncConnection, touched: Sequence[str], news: Mapping[str, Sequence[Recorded]], last: int
    ) -> Sequence[Write]:
        """The effect on some of the tickets that a batch touches, which ends at position ``last``."""
        new = {ticket: news[ticket] for ticket in touched if ticket in news}
        read = self._recent.take(new)
        unread = [ticket for ticket in touched if ticket not in read]
        stored = await stored_tickets(connection, touched, unread)
        histories = {ticket: [*stored.histories[ticket], *new.get(ticket, ())] for ticket in unread}
        writes = await self._derived_writes(connection, touched, read, histories, stored)
        after_commit(connection, lambda: self._recent.keep(read))
        tried_at = {ticket: new[ticket][-1].envelope.position if ticket in new else last for ticket in touched}
        return [writer.history_write(new), *writes, writer.position_write(_providers(read, histories), tried_at)]

    async def retry_parked(self, database: Database) -> tuple[int, int]:
        """Try every parked ticket again, some in one transaction: how many they were, and how many
        still are.
        """
        self._terms.clear()
        tried, last = 0, ""
        while True:
            async with database.transaction() as connection:
                await checkpoints.hold(connection, SOURCE)
                await partitions.hold_all(connection, SOURCE)
                wanted = await parked_tickets.tickets(connection, last, DERIVED_AT_ONCE)
                if not wanted:
                    return tried, await parked_tickets.count(connection)
                stored = await stored_tickets(connection, wanted, wanted)
                writes = await self._derived_writes(connection, wanted, {}, stored.histories, stored)
                tried_at = dict.fromkeys(wanted, await applied_position(connection))
                await write(connection, *writes, writer.position_write(_providers({}, stored.histories), tried_at))
            tried, last = tried + len(wanted), wanted[-1]

    async def retry_at_start(self, database: Database) -> None:
        """The same for a service that starts: perhaps with the code that can do it."""
        try:
            tried, left = await self.retry_parked(database)
        except SQLAlchemyError as error:
            _log.warning("parked_not_tried", error=type(error).__name__)
        else:
            if tried:
                _log.info("parked_tried_again", tickets=tried, still_parked=left)

    async def _derived_writes(
        self,
        connection: AsyncConnection,
        tickets: Sequence[str],
        read: dict[str, ReadTicket],
        histories: Mapping[str, Sequence[Recorded]],
        stored: StoredTickets,
    ) -> list[Write]:
        """Derive tickets anew; those that cannot be derived are parked, the others no longer.

        Those that are not ``read`` yet are read from their ``histories``, and added.
        """
        derived: list[DerivedTicket] = []
        failed: dict[str, ParkedTicket] = {}
        read_again: set[str] = set()
        for ticket in tickets:
            try:
                if ticket not in read:
                    read[ticket] = read_ticket(histories[ticket])
                derived.append(await self._derived(connection, read[ticket], read_again))
            except SQLAlchemyError:
                raise
            except Exception as error:  # noqa: BLE001 - one ticket that cannot be derived must not stop the others
                # What lacks its terms is no mistake in the code: where it happened would tell nobody more.
                traced = None if isinstance(error, UnknownTermsError) else error
                _log.error("ticket_parked", ticket=ticket, error=str(error), exc_info=traced)
                failed[ticket] = _parked(ticket, read.get(ticket), histories.get(ticket, ()), error)
                if ticket in read:
                    read[ticket].row = None  # whoever tries again without it may write another one
        writes, changes = writer.timer_writes(derived, stored.timers)
        writes.append(_changed_rows(derived, read))
        writes += parked_tickets.parked_writes(tickets, failed, stored.parked)
        return [*writes, *await self._outbox.announce(connection, changes)]

    async def _publish(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> set[str]:
        """Store the versions that were published; returns the providers that published any."""
        providers = await writer.store_terms(connection, batch)
        for provider in providers:
            self._terms.pop(provider, None)
        return providers

    async def _derived(self, connection: AsyncConnection, ticket: ReadTicket, read_again: set[str]) -> DerivedTicket:
        """A ticket's timers. Raises UnknownTermsError.

        Where a version is missing, the provider's terms are read again, once for all tickets that are
        derived together: ``read_again`` are the providers whose terms were.
        """
        provider = ticket.provider
        try:
            return _derived_from(ticket, await self._provider_terms(connection, provider))
        except UnknownTermsError:
            if provider in read_again:
                raise
            read_again.add(provider)
            self._terms.pop(provider, None)  # another process may have applied what published them
            return _derived_from(ticket, await self._provider_terms(connection, provider))

    async def _provider_terms(self, connection: AsyncConnection, provider: str) -> PublishedTerms:
        if provider not in self._terms:
            self._terms[provider] = await writer.stored_terms(connection, provider)
        return self._terms[provider]


def concerns_all_tickets(recorded: Recorded) -> bool:
    """Whether an event is about no ticket: terms, which timers of all tickets may rest on."""
    return not streams.TICKET.includes(recorded.envelope.stream)


async def applied_position(connection: AsyncConnection) -> int:
    """The position of the log up to which everything is applied, 0 at the beginning; where processes
    share the work, that of the partition that is furthest behind.
    """
    shared = await partitions.position(connection, SOURCE)
    return await checkpoints.position(connection, SOURCE) if shared is None else shared


def _by_ticket(batch: Sequence[Recorded]) -> dict[str, list[Recorded]]:
    """The events of each ticket in the batch, in their order."""
    found: dict[str, list[Recorded]] = {}
    for each in batch:
        if streams.TICKET.includes(each.envelope.stream):
            found.setdefault(streams.TICKET.subject(each.envelope.stream), []).append(each)
    return found


def derived_ticket(recorded: Sequence[Recorded], terms: PublishedTerms) -> DerivedTicket:
    """What a ticket's history gives under the provider's terms. Raises NoTicketError,
    UnreadableHistoryError, UnknownTermsError. Pure.
    """
    return _derived_from(read_ticket(recorded), terms)


def _derived_from(ticket: ReadTicket, terms: PublishedTerms) -> DerivedTicket:
    timeline = ticket.growing.timeline()
    created = timeline.ground
    return DerivedTicket(
        provider=ticket.provider,
        reference=created.reference,
        customer=created.customer,
        agreement=created.agreement,
        received_at=created.received_at,
        caused_at=ticket.occurred_at,
        moved=timeline.ground is not timeline.created,
        derived=derive_timers(timeline, terms),
    )


def _changed_rows(derived: Sequence[DerivedTicket], read: Mapping[str, ReadTicket]) -> Write:
    """What stores the rows of tickets that are not as they were written last."""
    changed: list[Mapping[str, Any]] = []
    for each in derived:
        ticket, row = read[each.derived.ticket], writer.ticket_row(each)
        if ticket.row != row:
            ticket.row = row
            changed.append(row)
    return writer.ticket_write(changed)


def _providers(read: Mapping[str, ReadTicket], histories: Mapping[str, Sequence[Recorded]]) -> dict[str, str]:
    """The provider of each ticket of which anything is recorded."""
    unread = {ticket: recorded[0].envelope.provider for ticket, recorded in histories.items() if recorded}
    return unread | {ticket: each.provider for ticket, each in read.items()}


def _parked(ticket: str, read: ReadTicket | None, recorded: Sequence[Recorded], error: Exception) -> ParkedTicket:
    """The ticket parked since its last event, as far as that can be said."""
    assert read or recorded, "an event has touched it"
    last = read or recorded[-1].envelope
    created = read.growing.created if read else _created(recorded)
    return ParkedTicket(
        ticket=ticket,
        provider=last.provider,
        customer=None if created is None else created.customer,
        reference=None if created is None else created.reference,
        error=f"{type(error).__name__}: {error}",
        since=last.recorded_at,
        position=last.position,
    )


def _created(recorded: Sequence[Recorded]) -> TicketCreated | None:
    return next((each.event for each in recorded if isinstance(each.event, TicketCreated)), None)

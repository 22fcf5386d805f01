"""From the ticket service's feed to timers: histories grow, and each touched ticket's timers are
derived anew.

A new event never patches a timer. The function runs over the whole history, so late, repeated and
backdated events all end in the same state. A ticket that cannot be derived is parked and tried
again with its next event, with new terms, on the next start, and by ``replay --parked``; the others
go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.read_models import Database, Write, after_commit, write
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms, UnknownTermsError
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timeline_reader import NoTicketError, read_timeline
from sla_service.projections import parked_tickets, writer
from sla_service.projections.growing_timelines import GrowingTimelines
from sla_service.projections.parked_tickets import ParkedTicket
from sla_service.projections.recent_histories import RecentHistories
from sla_service.projections.stored_tickets import StoredTickets, stored_tickets
from sla_service.projections.tables import checkpoints, partitions
from sla_service.projections.writer import DerivedTicket, TimerChange

SOURCE: Final = "ticket-service"
RETRIED_AT_ONCE: Final = 200
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
        self._recent = RecentHistories()
        self._timelines = GrowingTimelines()

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> Sequence[Write]:
        """The effect of a batch, inside the follower's transaction."""
        news = _by_ticket(batch)
        touched = sorted(news)
        if await self._publish(connection, batch):
            parked = await parked_tickets.tickets(connection)
            touched = sorted({*touched, *(each for each in parked if self._applies(streams.TICKET.stream(each)))})
        if not touched:
            return ()
        kept = self._recent.before(news)
        stored = await stored_tickets(connection, touched, [ticket for ticket in touched if ticket not in kept])
        before = kept | stored.histories
        histories = {ticket: [*before[ticket], *news.get(ticket, ())] for ticket in touched}
        after_commit(connection, lambda: self._recent.keep(histories))
        writes = await self._derived_writes(connection, histories, stored)
        tried_at = {ticket: news.get(ticket, batch)[-1].envelope.position for ticket in touched}
        return [writer.history_write(news), *writes, writer.position_write(histories, tried_at)]

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
                wanted = await parked_tickets.tickets(connection, last, RETRIED_AT_ONCE)
                if not wanted:
                    return tried, await parked_tickets.count(connection)
                stored = await stored_tickets(connection, wanted, wanted)
                writes = await self._derived_writes(connection, stored.histories, stored)
                tried_at = dict.fromkeys(wanted, await applied_position(connection))
                await write(connection, *writes, writer.position_write(stored.histories, tried_at))
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
        self, connection: AsyncConnection, histories: Mapping[str, Sequence[Recorded]], stored: StoredTickets
    ) -> list[Write]:
        """Derive tickets anew; those that cannot be derived are parked, the others no longer."""
        derived: list[DerivedTicket] = []
        failed: dict[str, ParkedTicket] = {}
        for ticket, recorded in histories.items():
            try:
                derived.append(await self._derived(connection, ticket, recorded))
            except SQLAlchemyError:
                raise
            except Exception as error:  # noqa: BLE001 - one ticket that cannot be derived must not stop the others
                _log.error("ticket_parked", ticket=ticket, exc_info=error)
                failed[ticket] = _parked(ticket, recorded, error)
        writes, changes = writer.timer_writes(derived, stored.timers)
        writes += parked_tickets.parked_writes(histories, failed, stored.parked)
        return [*writes, *await self._outbox.announce(connection, changes)]

    async def _publish(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> bool:
        """Store the versions that were published; returns whether there were any."""
        providers = await writer.store_terms(connection, batch)
        for provider in providers:
            self._terms.pop(provider, None)
        return bool(providers)

    async def _derived(self, connection: AsyncConnection, ticket: str, recorded: Sequence[Recorded]) -> DerivedTicket:
        """A ticket's timers. Raises NoTicketError, UnknownTermsError."""
        if not recorded:
            raise NoTicketError
        provider = recorded[0].envelope.provider
        timeline = self._timelines.read(ticket, recorded)
        try:
            return _derived_from(timeline, recorded, await self._provider_terms(connection, provider))
        except UnknownTermsError:
            # Another process may have applied what published them.
            self._terms.pop(provider, None)
            return _derived_from(timeline, recorded, await self._provider_terms(connection, provider))

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
    UnknownTermsError. Pure.
    """
    return _derived_from(read_timeline(recorded), recorded, terms)


def _derived_from(timeline: Timeline, recorded: Sequence[Recorded], terms: PublishedTerms) -> DerivedTicket:
    created = timeline.ground
    return DerivedTicket(
        provider=recorded[0].envelope.provider,
        reference=created.reference,
        customer=created.customer,
        agreement=created.agreement,
        received_at=created.received_at,
        caused_at=max(recorded, key=lambda each: each.envelope.version).envelope.occurred_at,
        moved=timeline.ground is not timeline.created,
        derived=derive_timers(timeline, terms),
    )


def _parked(ticket: str, recorded: Sequence[Recorded], error: Exception) -> ParkedTicket:
    """The ticket parked since its last event, as far as that can be said."""
    assert recorded, "an event has touched it"
    created = next((each.event for each in recorded if isinstance(each.event, TicketCreated)), None)
    last = recorded[-1].envelope
    return ParkedTicket(
        ticket=ticket,
        provider=last.provider,
        customer=None if created is None else created.customer,
        reference=None if created is None else created.reference,
        error=f"{type(error).__name__}: {error}",
        since=last.recorded_at,
        position=last.position,
    )

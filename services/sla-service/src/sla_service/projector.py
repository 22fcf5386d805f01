"""From the ticket service's feed to timers: histories grow, and each touched ticket's timers are derived anew.

A new event never patches a timer. The function runs over the whole history, so late, repeated and backdated events all end in
the same state. A ticket that cannot be derived is set aside and tried again with its next event, with new terms and on the
next start; the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import upsert
from shared.events import Recorded
from shared.events.catalogue import AgreementPublished, CalendarPublished
from sla_service.domain.history import NoTicketError, history
from sla_service.domain.terms import PublishedTerms, UnknownTermsError
from sla_service.domain.timers import timers
from sla_service.read_model import set_aside, storing, tables
from sla_service.read_model.noticeboard import Noticeboard
from sla_service.read_model.storing import DerivedTicket

TICKET_STREAM: Final = "ticket-"
_log = structlog.get_logger()


class Projector:
    """Applies batches; keeps each provider's terms compiled between them, since a version never changes."""

    def __init__(self, noticeboard: Noticeboard) -> None:
        self._noticeboard = noticeboard
        self._terms: dict[str, PublishedTerms] = {}
        self._started = False

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch, inside the follower's transaction."""
        touched = await self._lengthen_histories(connection, batch)
        if await self._publish(connection, batch) or not self._started:
            touched = sorted({*touched, *await set_aside.tickets(connection)})
        derived: list[DerivedTicket] = []
        failed: dict[str, str] = {}
        for ticket, recorded in (await storing.stored_histories(connection, touched)).items():
            try:
                derived.append(await self._derived(connection, recorded))
            except SQLAlchemyError:
                raise
            except Exception as error:  # noqa: BLE001 - one ticket that cannot be derived must not stop the others
                _log.error("ticket_set_aside", ticket=ticket, exc_info=error)
                failed[ticket] = f"{type(error).__name__}: {error}"
        await set_aside.remember(connection, touched, failed)
        await self._noticeboard.announce(connection, await storing.store_timers(connection, derived))
        self._started = True

    async def _publish(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> bool:
        """Keep the versions that were published; whether there were any."""
        rows = []
        for each in batch:
            event = each.event
            if isinstance(event, AgreementPublished | CalendarPublished):
                rows.append(
                    {
                        "provider": each.envelope.provider,
                        "kind": "calendar" if isinstance(event, CalendarPublished) else "agreement",
                        "name": event.name,
                        "version": event.version,
                        "line": each.line,
                    }
                )
        if rows:
            await connection.execute(upsert(connection, tables.terms), rows)
        for row in rows:
            self._terms.pop(str(row["provider"]), None)
        return bool(rows)

    @staticmethod
    async def _lengthen_histories(connection: AsyncConnection, batch: Sequence[Recorded]) -> list[str]:
        rows = [
            {
                "ticket": each.envelope.stream.removeprefix(TICKET_STREAM),
                "version": each.envelope.version,
                "line": each.line,
            }
            for each in batch
            if each.envelope.stream.startswith(TICKET_STREAM)
        ]
        if rows:
            await connection.execute(upsert(connection, tables.histories), rows)
        return sorted({str(row["ticket"]) for row in rows})

    async def _derived(self, connection: AsyncConnection, recorded: Sequence[Recorded]) -> DerivedTicket:
        """A ticket's timers. Raises NoTicketError, UnknownTermsError."""
        if not recorded:
            raise NoTicketError
        provider = recorded[0].envelope.provider
        try:
            return derived_ticket(recorded, await self._provider_terms(connection, provider))
        except UnknownTermsError:
            # Another process may have applied what published them.
            self._terms.pop(provider, None)
            return derived_ticket(recorded, await self._provider_terms(connection, provider))

    async def _provider_terms(self, connection: AsyncConnection, provider: str) -> PublishedTerms:
        if provider not in self._terms:
            self._terms[provider] = await storing.stored_terms(connection, provider)
        return self._terms[provider]


def derived_ticket(recorded: Sequence[Recorded], terms: PublishedTerms) -> DerivedTicket:
    """What a ticket's history gives under the provider's terms. Raises NoTicketError, UnknownTermsError. Pure."""
    told = history(recorded)
    created = told.created
    return DerivedTicket(
        provider=recorded[0].envelope.provider,
        reference=created.reference,
        customer=created.customer,
        agreement=created.agreement,
        received_at=created.received_at,
        derived=timers(told, terms),
    )

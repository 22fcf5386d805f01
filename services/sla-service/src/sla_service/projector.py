"""From the ticket service's feed to timers: histories grow, and each touched ticket's timers are derived anew.

A new event never patches a timer. The function runs over the whole history, so late, repeated and backdated events all end in
the same state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import upsert
from shared.events import Recorded
from shared.events.catalogue import AgreementPublished, CalendarPublished
from shared.events.tickets import TicketCreated
from sla_service.domain.history import NoTicketError, history
from sla_service.domain.terms import PublishedTerms
from sla_service.domain.timers import timers
from sla_service.read_model import queries, tables
from sla_service.read_model.noticeboard import Noticeboard

TICKET_STREAM = "ticket-"
_log = structlog.get_logger()


class Projector:
    """Applies batches; keeps each provider's terms compiled between them, since a version never changes."""

    def __init__(self, noticeboard: Noticeboard) -> None:
        self._noticeboard = noticeboard
        self._terms: dict[str, PublishedTerms] = {}

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch, inside the follower's transaction."""
        await self._publish(connection, batch)
        touched = await self._lengthen_histories(connection, batch)
        for ticket, recorded in (await queries.stored_histories(connection, touched)).items():
            await self._derive(connection, ticket, recorded)

    async def _publish(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        rows = []
        for each in batch:
            event = each.event
            if isinstance(event, AgreementPublished | CalendarPublished):
                (await self.terms(connection, each.envelope.provider)).publish(event)
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

    async def _derive(self, connection: AsyncConnection, ticket: str, recorded: Sequence[Recorded]) -> None:
        try:
            told = history(recorded)
        except NoTicketError:
            _log.warning("ticket_without_beginning", ticket=ticket)
            return
        provider = recorded[0].envelope.provider
        row = ticket_row(provider, ticket, told.created)
        derived = timers(told, await self.terms(connection, provider))
        changes = await queries.store_timers(connection, row, derived)
        await self._noticeboard.announce(connection, provider, changes)

    async def terms(self, connection: AsyncConnection, provider: str) -> PublishedTerms:
        """The provider's terms, read from the database once and kept up to date."""
        if provider not in self._terms:
            self._terms[provider] = await queries.stored_terms(connection, provider)
        return self._terms[provider]


def ticket_row(provider: str, ticket: str, created: TicketCreated) -> dict[str, Any]:
    """The ticket's own columns."""
    return {
        "provider": provider,
        "ticket": ticket,
        "reference": created.reference,
        "customer": created.customer,
    }

"""Keeps the read model in step with the log: rows of a batch and the position after it share one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.customers import CustomerRegistered, PersonForgotten
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.phone import normalised_phone
from ticket_service.personal_data import PersonalData, Sealed
from ticket_service.projections.calls import forget_calls, write_calls
from ticket_service.projections.search import forget_words, write_search
from ticket_service.projections.writer import (
    CONTRACT_STATES,
    CUSTOMER_STATES,
    TICKET_STATES,
    KeptStates,
    Registration,
    delete_personal_rows,
    nothing_kept,
    write_dedicated_agents,
    write_open_when_closed,
    write_registrations,
    write_states,
    write_terms,
)


class Projector:
    """Applies the events of every stream to the tables of the read model."""

    def __init__(self, personal_data: PersonalData, kept_at: KeptStates = nothing_kept) -> None:
        """``kept_at`` gives the states that commands of this process have just made."""
        self._personal_data = personal_data
        self._kept_at = kept_at

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """Apply a batch inside the subscription's transaction."""
        tickets = await write_states(connection, batch, TICKET_STATES, self._kept_at)
        await write_open_when_closed(connection, batch, tickets)
        await write_states(connection, batch, CONTRACT_STATES, self._kept_at)
        customers = await write_states(connection, batch, CUSTOMER_STATES, self._kept_at)
        await write_terms(connection, batch)
        await write_dedicated_agents(connection, batch)
        await write_registrations(connection, await self._registrations(batch))
        await write_calls(connection, batch, self._personal_data)
        await write_search(connection, batch, self._personal_data)
        for each in batch:
            if isinstance(each.event, PersonForgotten):
                await self._forget(connection, customers[each.event.customer])

    async def _registrations(self, batch: Sequence[Recorded]) -> list[Registration]:
        registered = [each.envelope for each in batch if isinstance(each.event, CustomerRegistered)]
        envelopes = {streams.CUSTOMER.subject(envelope.stream): envelope for envelope in registered}
        sealed = [Sealed(each.id, each.personal) for each in envelopes.values() if each.personal is not None]
        contents = await self._personal_data.open(sealed, envelopes)
        return [
            Registration(
                customer=customer,
                event=envelope.id,
                sealed=envelope.personal,
                phone_index=self._phone_index(envelope.provider, contents.get(envelope.id, {})),
            )
            for customer, envelope in envelopes.items()
            if envelope.personal is not None
        ]

    def _phone_index(self, provider: str, content: Mapping[str, Any]) -> str | None:
        phone = content.get("contact", {}).get("phone")
        return self._personal_data.phone_index(provider, normalised_phone(phone)) if phone else None

    async def _forget(self, connection: AsyncConnection, customer: Customer) -> None:
        """Delete the keys again: the command has done so already, unless it crashed after the event was stored."""
        for subject in customer.forgotten_subjects:
            await self._personal_data.forget(subject)
        await delete_personal_rows(connection, customer)
        await forget_calls(connection, customer)
        await forget_words(connection, customer)

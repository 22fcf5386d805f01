"""Keeps the read model in step with the log: rows of a batch and the position after it share one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import upsert
from shared.events import Envelope, Event, Recorded
from shared.events.catalogue import AgreementPublished, CalendarPublished
from shared.events.customers import ContactAssigned, CustomerRegistered, PersonForgotten
from ticket_service import read_model
from ticket_service.domain.contract import Contract
from ticket_service.domain.folding import evolve_contract, evolve_ticket
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.state import Ticket
from ticket_service.personal_data import PersonalData

DEDICATED_AGENT = "dedicated_agent"


class Projector:
    """Applies events of every kind of stream to the tables of ``read_model``."""

    def __init__(self, personal_data: PersonalData) -> None:
        self._personal_data = personal_data

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch, inside the follower's transaction."""
        await self._fold(
            connection, batch, "ticket-", read_model.stored_ticket, evolve_ticket, read_model.tickets, _ticket_row
        )
        await self._fold(
            connection,
            batch,
            "contract-",
            read_model.stored_contract,
            evolve_contract,
            read_model.contracts,
            _contract_row,
        )
        for each in batch:
            match each.event:
                case CalendarPublished() | AgreementPublished() as event:
                    await _store(connection, read_model.terms, [_terms_row(each.envelope, event)])
                case CustomerRegistered() as event:
                    await self._register(connection, each.envelope, event)
                case ContactAssigned(role=role) as event if role == DEDICATED_AGENT:
                    row = {"customer": event.customer, "provider": each.envelope.provider, "agent": event.agent}
                    await _store(connection, read_model.dedicated, [row])
                case PersonForgotten() as event:
                    await self._forget(connection, event)
                case _:
                    pass

    @staticmethod
    async def _fold(
        connection: AsyncConnection,
        batch: Sequence[Recorded],
        prefix: str,
        stored: Callable[[AsyncConnection, str], Awaitable[Any]],
        evolve: Callable[[Any, Event, Envelope], Any],
        table: Any,
        row: Callable[[str, Any], dict[str, Any]],
    ) -> None:
        """Bring the states of one kind of stream forward, each written once per batch."""
        states: dict[str, Any] = {}
        providers: dict[str, str] = {}
        for each in batch:
            name = each.envelope.stream
            if not name.startswith(prefix):
                continue
            key = name.removeprefix(prefix)
            if key not in states:
                states[key] = await stored(connection, key)
            states[key] = evolve(states[key], each.event, each.envelope)
            providers[key] = each.envelope.provider
        await _store(
            connection, table, [row(providers[key], state) for key, state in states.items() if state is not None]
        )

    async def _register(self, connection: AsyncConnection, envelope: Envelope, event: CustomerRegistered) -> None:
        phone = None
        if envelope.personal is not None:
            content = (await self._personal_data.open({envelope.id: envelope.personal})).get(envelope.id, {})
            phone = content.get("contact", {}).get("phone")
        row = {
            "customer": event.customer,
            "provider": envelope.provider,
            "kind": event.kind,
            "phone_index": self._personal_data.phone_index(envelope.provider, normalised_phone(phone))
            if phone
            else None,
        }
        await _store(connection, read_model.customers, [row])

    async def _forget(self, connection: AsyncConnection, event: PersonForgotten) -> None:
        """The command has deleted the key already; here it is made sure, also in other processes and after a crash."""
        await self._personal_data.forget(event.customer)
        table = read_model.customers
        await connection.execute(update(table).where(table.c.customer == event.customer).values(phone_index=None))
        await connection.execute(delete(read_model.dedicated).where(read_model.dedicated.c.customer == event.customer))


async def _store(connection: AsyncConnection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(upsert(connection, table), rows)


def _ticket_row(provider: str, ticket: Ticket) -> dict[str, Any]:
    columns = [
        column.name for column in read_model.tickets.columns if column.name not in ("ticket", "provider", "document")
    ]
    row = {name: getattr(ticket, name) for name in columns}
    return row | {"ticket": ticket.id, "provider": provider, "document": msgspec.json.encode(ticket)}


def _contract_row(provider: str, contract: Contract) -> dict[str, Any]:
    return {
        "contract": contract.id,
        "provider": provider,
        "customer": contract.customer,
        "from_on": contract.from_on,
        "until_on": contract.until_on,
        "document": msgspec.json.encode(contract),
    }


def _terms_row(envelope: Envelope, event: CalendarPublished | AgreementPublished) -> dict[str, Any]:
    return {
        "provider": envelope.provider,
        "kind": "calendar" if isinstance(event, CalendarPublished) else "agreement",
        "name": event.name,
        "version": event.version,
        "digest": event.digest,
        "is_default": bool(event.document.get("default", False)),
        "published_at": envelope.recorded_at,
    }

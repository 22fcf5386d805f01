"""Keeps the read model in step with the log: rows of a batch and the position after it share one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Envelope, Recorded
from fristwerk_language.events.catalogue import AgreementPublished, CalendarPublished
from fristwerk_language.events.customers import ContactAssigned, CustomerRegistered, PersonForgotten
from fristwerk_platform.read_models import in_list, store
from ticket_service import read_model
from ticket_service.domain.contract.evolve import evolve as evolve_contract
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.evolve import evolve as evolve_customer
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.ticket.evolve import evolve as evolve_ticket
from ticket_service.domain.ticket.state import Ticket
from ticket_service.personal_data import PersonalData, Sealed
from ticket_service.read_model import DEDICATED_AGENT

State = TypeVar("State")
Row = dict[str, Any]


class Folded(msgspec.Struct, Generic[State], frozen=True, kw_only=True):
    """One kind of stream and its rows: the state of ``ticket-…`` stands in the table whose key is ``ticket``."""

    kind: str
    table: Table
    evolve: Callable[[State | None, Recorded], State | None]
    read: Callable[[bytes], State]
    columns: Callable[[State], Row]


class Projector:
    """Applies events of every kind of stream to the tables of ``read_model``."""

    def __init__(self, personal_data: PersonalData) -> None:
        self._personal_data = personal_data

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch, inside the follower's transaction."""
        await _fold(connection, batch, TICKETS)
        await _fold(connection, batch, CONTRACTS)
        customers = await _fold(connection, batch, CUSTOMERS)
        await store(connection, read_model.terms, _terms_rows(batch))
        await store(connection, read_model.dedicated, _dedicated_rows(batch))
        await store(connection, read_model.registrations, await self._registration_rows(batch))
        for each in batch:
            if isinstance(each.event, PersonForgotten):
                await self._forget(connection, customers[each.event.customer])

    async def _registration_rows(self, batch: Sequence[Recorded]) -> list[Row]:
        registered = [each for each in batch if isinstance(each.event, CustomerRegistered)]
        envelopes = {each.envelope.stream.removeprefix("customer-"): each.envelope for each in registered}
        sealed = [Sealed(each.id, each.personal) for each in envelopes.values() if each.personal is not None]
        contents = await self._personal_data.open(sealed, envelopes)
        return [
            {
                "customer": customer,
                "event": envelope.id,
                "sealed": envelope.personal,
                "phone_index": self._phone_index(envelope.provider, contents.get(envelope.id, {})),
            }
            for customer, envelope in envelopes.items()
            if envelope.personal is not None
        ]

    def _phone_index(self, provider: str, content: Mapping[str, Any]) -> str | None:
        phone = content.get("contact", {}).get("phone")
        return self._personal_data.phone_index(provider, normalised_phone(phone)) if phone else None

    async def _forget(self, connection: AsyncConnection, customer: Customer) -> None:
        """The command has deleted the key already; here it is made sure, also after a crash. A company keeps its agent."""
        for subject in customer.forgotten_subjects:
            await self._personal_data.forget(subject)
        tables = [read_model.registrations] + ([] if customer.kind == "company" else [read_model.dedicated])
        for table in tables:
            await connection.execute(delete(table).where(table.c.customer == customer.id))


async def _fold(connection: AsyncConnection, batch: Sequence[Recorded], folded: Folded[State]) -> dict[str, State]:
    """Bring the states of one kind of stream forward, each read and written once per batch; the states by their keys."""
    prefix = f"{folded.kind}-"
    own = [each for each in batch if each.envelope.stream.startswith(prefix)]
    begun = {each.envelope.stream for each in own if each.envelope.version == 1}
    continued = {each.envelope.stream for each in own} - begun
    states = await _stored(connection, folded, [stream.removeprefix(prefix) for stream in continued])
    last: dict[str, Envelope] = {}
    for each in own:
        key = each.envelope.stream.removeprefix(prefix)
        state = folded.evolve(states.get(key), each)
        if state is not None:
            states[key], last[key] = state, each.envelope
    await store(connection, folded.table, [_row(folded, key, state, last[key]) for key, state in states.items()])
    return states


async def _stored(connection: AsyncConnection, folded: Folded[State], keys: Sequence[str]) -> dict[str, State]:
    table = folded.table
    if not keys:
        return {}
    named = table.c[folded.kind]
    rows = await connection.execute(select(named, table.c.document).where(in_list(connection, named, keys)))
    return {key: folded.read(document) for key, document in rows.all()}


def _row(folded: Folded[State], key: str, state: State, last: Envelope) -> Row:
    surroundings = {"provider": last.provider, "version": last.version, "position": last.position}
    known = {name: value for name, value in surroundings.items() if name in folded.table.c}
    return {folded.kind: key, "document": msgspec.json.encode(state)} | known | folded.columns(state)


def _ticket_columns(ticket: Ticket) -> Row:
    return {name: getattr(ticket, name) for name in _OF_TICKETS}


_OF_TICKETS: Final = [
    column.name
    for column in read_model.tickets.c
    if column.name in Ticket.__struct_fields__ and column.name != "version"
]
TICKETS: Final = Folded[Ticket](
    kind="ticket", table=read_model.tickets, evolve=evolve_ticket, read=read_model.ticket_from, columns=_ticket_columns
)
CONTRACTS: Final = Folded[Contract](
    kind="contract",
    table=read_model.contracts,
    evolve=evolve_contract,
    read=read_model.contract_from,
    columns=lambda contract: {"customer": contract.customer},
)
CUSTOMERS: Final = Folded[Customer](
    kind="customer",
    table=read_model.customers,
    evolve=evolve_customer,
    read=read_model.customer_from,
    columns=lambda _: {},
)


def _dedicated_rows(batch: Sequence[Recorded]) -> list[Row]:
    return [
        {"customer": each.event.customer, "provider": each.envelope.provider, "agent": each.event.agent}
        for each in batch
        if isinstance(each.event, ContactAssigned) and each.event.role == DEDICATED_AGENT
    ]


def _terms_rows(batch: Sequence[Recorded]) -> list[Row]:
    return [
        {
            "provider": each.envelope.provider,
            "kind": "calendar" if isinstance(each.event, CalendarPublished) else "agreement",
            "name": each.event.name,
            "version": each.event.version,
            "digest": each.event.digest,
            "is_default": bool(each.event.document.get("default", False)),
            "published_at": each.envelope.recorded_at,
        }
        for each in batch
        if isinstance(each.event, CalendarPublished | AgreementPublished)
    ]

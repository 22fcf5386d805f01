"""All writes of the read model: the states of tickets, contracts and customers, published terms, and registrations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import CatalogueEvent, Envelope, Recorded, streams
from fristwerk_language.events.customers import ContactAssigned
from fristwerk_language.events.streams import StreamCategory
from fristwerk_language.events.terms import CalendarPublished
from fristwerk_platform.read_models import Write, in_list, removal, store, write
from ticket_service.domain.contract.evolve import evolve as evolve_contract
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.evolve import evolve as evolve_customer
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.tasks import is_open_when_closed
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.domain.ticket.evolve import evolve as evolve_ticket
from ticket_service.domain.ticket.state import Ticket
from ticket_service.projections import tables
from ticket_service.projections.documents import contract_from, customer_from, ticket_from

Subject = TypeVar("Subject")
Row = dict[str, Any]


class StateTable(msgspec.Struct, Generic[Subject], frozen=True, kw_only=True):
    """The table that holds the states of one category of streams, and how a state is read, changed and indexed.

    The column of the key is named like the category: ``ticket`` for ``ticket-…``.
    """

    category: StreamCategory
    table: Table
    evolve: Callable[[Subject | None, Recorded], Subject | None]
    read: Callable[[bytes], Subject]
    columns: Callable[[Subject], Row]


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer's registration sealed, that event's id, and the keyed digest of the contact's number."""

    customer: str
    event: str
    sealed: str
    phone_index: str | None


KeptStates = Callable[[StreamCategory, str, int], Any | None]
"""The state of a stream after exactly this version, if it is kept, so that it need not be made again."""


def nothing_kept(_category: StreamCategory, _stream: str, _version: int) -> None:
    """No state is kept: each is made from what is stored and its events."""


async def write_states(
    connection: AsyncConnection, batch: Sequence[Recorded], kind: StateTable[Subject], kept_at: KeptStates
) -> dict[str, Subject]:
    """Apply a batch to the states of one category, each read and written once. Returns the changed states by id."""
    own = [each for each in batch if kind.category.includes(each.envelope.stream)]
    ends = {each.envelope.stream: each.envelope for each in own}
    kept = {stream: kept_at(kind.category, stream, end.version) for stream, end in ends.items()}
    begun = {each.envelope.stream for each in own if each.envelope.version == 1}
    continued = {stream for stream, state in kept.items() if state is None} - begun
    states = await _stored(connection, kind, [kind.category.subject(stream) for stream in continued])
    last: dict[str, Envelope] = {}
    for each in own:
        key = kind.category.subject(each.envelope.stream)
        state = kept[each.envelope.stream] or kind.evolve(states.get(key), each)
        if state is not None:
            states[key], last[key] = state, each.envelope
    await store(connection, kind.table, [_row(kind, key, state, last[key]) for key, state in states.items()])
    return states


async def write_open_when_closed(
    connection: AsyncConnection, batch: Sequence[Recorded], states: Mapping[str, Ticket]
) -> None:
    """Which closed tickets still have an open escalation. Of the changed tickets only those that ever had one can."""
    providers = {each.envelope.stream: each.envelope.provider for each in batch}
    changed = [each for each in states.values() if each.escalations]
    await write(
        connection,
        removal(tables.open_when_closed.c.ticket, [each.id for each in changed if not is_open_when_closed(each)]),
        Write(
            "store",
            tables.open_when_closed,
            [
                {"ticket": each.id, "provider": providers[streams.TICKET.stream(each.id)]}
                for each in changed
                if is_open_when_closed(each)
            ],
        ),
    )


async def write_terms(connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
    """The newest versions of published calendars and agreements."""
    rows = [
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
        if isinstance(each.event, CatalogueEvent)
    ]
    await store(connection, tables.terms, rows)


async def write_dedicated_agents(connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
    """Which agent serves which customer as dedicated agent."""
    rows = [
        {"customer": each.event.customer, "provider": each.envelope.provider, "agent": each.event.agent}
        for each in batch
        if isinstance(each.event, ContactAssigned) and each.event.role == DEDICATED_AGENT
    ]
    await store(connection, tables.dedicated, rows)


async def write_registrations(connection: AsyncConnection, registrations: Sequence[Registration]) -> None:
    """What registrations sealed."""
    await store(connection, tables.registrations, [msgspec.structs.asdict(each) for each in registrations])


async def delete_personal_rows(connection: AsyncConnection, customer: Customer) -> None:
    """Delete a forgotten customer's registration and, unless it is a company, its dedicated agent."""
    personal = [tables.registrations] + ([] if customer.kind == "company" else [tables.dedicated])
    for table in personal:
        await connection.execute(delete(table).where(table.c.customer == customer.id))


async def _stored(connection: AsyncConnection, kind: StateTable[Subject], keys: Sequence[str]) -> dict[str, Subject]:
    table = kind.table
    if not keys:
        return {}
    key_column = table.c[kind.category.name]
    rows = await connection.execute(select(key_column, table.c.document).where(in_list(connection, key_column, keys)))
    return {key: kind.read(document) for key, document in rows.all()}


def _row(kind: StateTable[Subject], key: str, state: Subject, last: Envelope) -> Row:
    envelope = {"provider": last.provider, "version": last.version, "position": last.position}
    known = {name: value for name, value in envelope.items() if name in kind.table.c}
    return {kind.category.name: key, "document": msgspec.json.encode(state)} | known | kind.columns(state)


def _ticket_columns(ticket: Ticket) -> Row:
    return {name: getattr(ticket, name) for name in _TICKET_COLUMNS}


_TICKET_COLUMNS: Final = [
    column.name for column in tables.tickets.c if column.name in Ticket.__struct_fields__ and column.name != "version"
]
TICKET_STATES: Final = StateTable[Ticket](
    category=streams.TICKET, table=tables.tickets, evolve=evolve_ticket, read=ticket_from, columns=_ticket_columns
)
CONTRACT_STATES: Final = StateTable[Contract](
    category=streams.CONTRACT,
    table=tables.contracts,
    evolve=evolve_contract,
    read=contract_from,
    columns=lambda contract: {"customer": contract.customer},
)
CUSTOMER_STATES: Final = StateTable[Customer](
    category=streams.CUSTOMER,
    table=tables.customers,
    evolve=evolve_customer,
    read=customer_from,
    columns=lambda customer: {"language": customer.language},
)

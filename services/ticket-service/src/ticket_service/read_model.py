"""What the ticket service looks up: tickets by state and urgency, contracts of a customer, customers by number, published terms.

Everything here is made from the log and can be made again; personal content stays sealed in the log and never enters a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, Column, Date, Index, Integer, LargeBinary, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database, UtcDateTime
from shared.feed import Following
from ticket_service.domain.contract import Contract
from ticket_service.domain.state import Ticket

metadata: Final = MetaData()
following: Final = Following(metadata)
_ONE_DAY: Final = timedelta(days=1)
CLOSED_STATES: Final = ("resolved", "closed")

terms: Final = Table(
    "terms",
    metadata,
    Column("provider", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
)
customers: Final = Table(
    "customers",
    metadata,
    Column("customer", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("phone_index", String),
    Index("customers_by_phone", "phone_index"),
    Index("customers_by_provider", "provider", "customer"),
)
contracts: Final = Table(
    "contracts",
    metadata,
    Column("contract", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("document", LargeBinary, nullable=False),
    Index("contracts_by_customer", "customer"),
)
dedicated: Final = Table(
    "dedicated_agents",
    metadata,
    Column("customer", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("agent", String, nullable=False),
)
tickets: Final = Table(
    "tickets",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("reference", String, nullable=False, unique=True),
    Column("customer", String, nullable=False),
    Column("contract", String),
    Column("agreement", String, nullable=False),
    Column("state", String, nullable=False),
    Column("severity", String),
    Column("type", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("group", String),
    Column("assignee", String),
    Column("channel", String, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("tickets_by_provider", "provider", "ticket"),
    Index("tickets_by_state", "provider", "state"),
    Index("tickets_by_customer", "customer", "state"),
)
FILTERS: Final = ("state", "customer", "contract", "severity", "type", "group", "assignee", "channel", "agreement")


class TermsRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of a calendar or an agreement."""

    name: str
    version: int
    digest: str
    is_default: bool


class ReadModel:
    """Queries; each answers with domain states or plain rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def agreements(self, provider: str) -> list[TermsRow]:
        """The provider's agreements by name."""
        return await self.terms(provider, "agreement")

    async def terms(self, provider: str, kind: str) -> list[TermsRow]:
        """The newest versions of the provider's documents of one kind, by name."""
        statement = (
            select(terms.c.name, terms.c.version, terms.c.digest, terms.c.is_default)
            .where(terms.c.provider == provider, terms.c.kind == kind)
            .order_by(terms.c.name)
        )
        return [TermsRow(**row._mapping) for row in await self._rows(statement)]  # noqa: SLF001 - SQLAlchemy's public name

    async def contracts_of(self, customer: str) -> list[Contract]:
        """The customer's contracts, the earliest signed first."""
        statement = select(contracts.c.document).where(contracts.c.customer == customer).order_by(contracts.c.contract)
        return [contract_from(row.document) for row in await self._rows(statement)]

    async def contracts_in_force_around(self, provider: str, day: date) -> list[Contract]:
        """Every contract of the provider that may be in force on a UTC day somewhere: local days differ by one at most."""
        until = contracts.c.until_on
        statement = select(contracts.c.document).where(
            contracts.c.provider == provider,
            contracts.c.from_on <= day + _ONE_DAY,
            (until.is_(None)) | (until >= day - _ONE_DAY),
        )
        return [contract_from(row.document) for row in await self._rows(statement)]

    async def customers_by_phone(self, phone_index: str) -> list[str]:
        """Customers whose contact has the number with that keyed digest."""
        statement = (
            select(customers.c.customer).where(customers.c.phone_index == phone_index).order_by(customers.c.customer)
        )
        return [row.customer for row in await self._rows(statement)]

    async def customers(self, provider: str, *, after: str, limit: int) -> list[str]:
        """Ids of the provider's customers in the order of registration."""
        statement = (
            select(customers.c.customer)
            .where(customers.c.provider == provider, customers.c.customer > after)
            .order_by(customers.c.customer)
            .limit(limit)
        )
        return [row.customer for row in await self._rows(statement)]

    async def dedicated_customer(self, provider: str, agent: str) -> str | None:
        """The customer whom an agent serves as dedicated agent, if any."""
        statement = select(dedicated.c.customer).where(dedicated.c.provider == provider, dedicated.c.agent == agent)
        return next((row.customer for row in await self._rows(statement)), None)

    async def ticket_by_reference(self, provider: str, reference: str) -> str | None:
        """The id of the ticket with that reference."""
        statement = select(tickets.c.ticket).where(tickets.c.provider == provider, tickets.c.reference == reference)
        return next((row.ticket for row in await self._rows(statement)), None)

    async def tickets(self, provider: str, wanted: Mapping[str, str], *, after: str, limit: int) -> list[Ticket]:
        """Tickets in the order of creation, filtered by equality on columns named in ``FILTERS``."""
        statement = select(tickets.c.document).where(tickets.c.provider == provider, tickets.c.ticket > after)
        for column, value in wanted.items():
            assert column in FILTERS, "checked by the caller"
            statement = statement.where(tickets.c[column] == value)
        return [
            ticket_from(row.document) for row in await self._rows(statement.order_by(tickets.c.ticket).limit(limit))
        ]

    async def open_tickets(self, provider: str, customer: str | None = None) -> list[Ticket]:
        """Tickets neither resolved nor closed, of the provider or of one customer."""
        statement = select(tickets.c.document).where(
            tickets.c.provider == provider, tickets.c.state.not_in(CLOSED_STATES)
        )
        if customer is not None:
            statement = statement.where(tickets.c.customer == customer)
        return [ticket_from(row.document) for row in await self._rows(statement.order_by(tickets.c.ticket))]

    async def _rows(self, statement: Any) -> Sequence[Any]:
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).all()


async def stored_ticket(connection: AsyncConnection, ticket: str) -> Ticket | None:
    """The ticket as the read model has it, inside the projector's transaction."""
    row = (await connection.execute(select(tickets.c.document).where(tickets.c.ticket == ticket))).first()
    return None if row is None else ticket_from(row.document)


async def stored_contract(connection: AsyncConnection, contract: str) -> Contract | None:
    """The contract as the read model has it, inside the projector's transaction."""
    row = (await connection.execute(select(contracts.c.document).where(contracts.c.contract == contract))).first()
    return None if row is None else contract_from(row.document)


def ticket_from(document: bytes) -> Ticket:
    """A ticket's state from its stored form."""
    return msgspec.json.decode(document, type=Ticket)


def contract_from(document: bytes) -> Contract:
    """A contract's state from its stored form."""
    return msgspec.json.decode(document, type=Contract)

"""What the billing service keeps: the recorded facts of each account, and the terms they are rated under.

An account is a contract with its tickets, or a customer's tickets without one. What is owed is derived from its facts whenever it
is asked for: a pure function needs no stored copy that could disagree with it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, select

from shared.database import Database
from shared.events import Recorded, recorded
from shared.events.billing import ChargeDecided
from shared.events.catalogue import AgreementPublished
from shared.feed import Following
from shared.terms import AgreementDocument, agreement_document

metadata: Final = MetaData()
following: Final = Following(metadata)

agreements: Final = Table(
    "agreements",
    metadata,
    Column("provider", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)
accounts: Final = Table(
    "accounts",
    metadata,
    Column("account", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("kind", String, nullable=False),
    Index("accounts_by_customer", "provider", "customer"),
)
tickets: Final = Table(
    "tickets",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("account", String, nullable=False),
    Column("customer", String, nullable=False),
    Index("tickets_by_reference", "provider", "reference"),
)
facts: Final = Table(
    "facts",
    metadata,
    Column("account", String, primary_key=True),
    Column("stream", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)
decisions: Final = Table(
    "decisions",
    metadata,
    Column("account", String, primary_key=True),
    Column("charge", String, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account: ``kind`` is ``contract`` or ``customer``."""

    account: str
    provider: str
    customer: str
    kind: str


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    """Which account a ticket's work belongs to."""

    ticket: str
    account: str
    customer: str


class ReadModel:
    """Queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._documents: dict[tuple[str, str, int], AgreementDocument] = {}

    async def account(self, provider: str, account: str) -> AccountRow | None:
        """A contract's or customer's account."""
        found = await self._accounts(accounts.c.provider == provider, accounts.c.account == account)
        return found[0] if found else None

    async def accounts_of(self, provider: str, customer: str) -> list[AccountRow]:
        """All accounts of a customer: its contracts, and its work without one."""
        return await self._accounts(accounts.c.provider == provider, accounts.c.customer == customer)

    async def ticket(self, provider: str, name: str) -> TicketRow | None:
        """A ticket by id or reference."""
        statement = select(tickets.c.ticket, tickets.c.account, tickets.c.customer).where(
            tickets.c.provider == provider, (tickets.c.ticket == name) | (tickets.c.reference == name)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else TicketRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name

    async def facts(self, account: AccountRow) -> list[Recorded]:
        """Everything recorded that the account's bill rests on, the vendor's decisions included."""
        own = select(facts.c.line).where(facts.c.account == account.account)
        about = select(facts.c.line).where(
            facts.c.account == account.customer, facts.c.stream == f"customer-{account.customer}"
        )
        decided = select(decisions.c.line).where(decisions.c.account == account.account)
        async with self._database.reading() as connection:
            lines = [line for each in (own, about, decided) for line in (await connection.execute(each)).scalars()]
        return [recorded(line) for line in lines]

    async def decisions(self, account: str) -> dict[str, str]:
        """The account's decided charges, each with ``charge`` or ``waive``."""
        statement = select(decisions.c.charge, decisions.c.line).where(decisions.c.account == account)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        events = [(row.charge, recorded(row.line).event) for row in rows]
        return {charge: event.decision for charge, event in events if isinstance(event, ChargeDecided)}

    async def agreements(self, provider: str) -> dict[tuple[str, int], AgreementDocument]:
        """Every version of the provider's agreements; versions never change, so each is read once."""
        statement = select(agreements.c.name, agreements.c.version, agreements.c.line).where(
            agreements.c.provider == provider
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return {(row.name, row.version): self._document(provider, row) for row in rows}

    def _document(self, provider: str, row: Any) -> AgreementDocument:
        key = (provider, row.name, row.version)
        if key not in self._documents:
            event = recorded(row.line).event
            assert isinstance(event, AgreementPublished), "only agreements are stored here"
            self._documents[key] = agreement_document(event.document)
        return self._documents[key]

    async def _accounts(self, *conditions: Any) -> list[AccountRow]:
        statement = select(accounts).where(*conditions).order_by(accounts.c.account)
        async with self._database.reading() as connection:
            return [AccountRow(**row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001

"""Questions about accounts: whose they are, what was recorded for them, and under which terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, ColumnElement, bindparam, false, func, or_, select, true, union_all

from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.published import PublishedAgreement, published_agreement
from billing_service.projections.tables import (
    SOURCE,
    accounts,
    agreements,
    checkpoints,
    decisions,
    facts,
    partitions,
    tickets,
)
from fristwerk_language.events import TYPE_NAMES, Recorded, decode, streams
from fristwerk_language.events.billing import ChargeDecided, InvoiceBasis
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_language.events.tickets import AppointmentCancelled, AppointmentMissed
from fristwerk_platform.read_models import Database

_FIRST_TICKET: Final = streams.TICKET.stream("")
_OF_TICKETS: Final = (facts.c.stream > _FIRST_TICKET, facts.c.stream < streams.TICKET.stream("~"))
"""Facts that stand in the streams of tickets."""

_LOST: Final = tuple(f'"type":"{TYPE_NAMES[each]}"'.encode() for each in (AppointmentCancelled, AppointmentMissed))
"""How lines say that an appointment was called off or missed."""


class _Head(msgspec.Struct, frozen=True, gc=False):
    """As much of a line as says where it stands."""

    id: str
    position: int = 0


ALL: Final = 2**62
"""No position is beyond it."""
_head: Final = msgspec.json.Decoder(_Head)


class AccountTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Which account a ticket's work belongs to."""

    ticket: str
    account: str
    customer: str


class AccountQueries:
    """Queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._published: dict[tuple[str, str, int], PublishedAgreement] = {}

    async def account(self, provider: str, account: str) -> AccountRow | None:
        """A contract's or customer's account."""
        found = await self._accounts(accounts.c.provider == provider, accounts.c.account == account)
        return found[0] if found else None

    async def accounts_of(self, provider: str, customer: str) -> list[AccountRow]:
        """All accounts of a customer: its contracts, and its work without one."""
        return await self._accounts(accounts.c.provider == provider, accounts.c.customer == customer)

    async def billable(
        self, provider: str, *, account: str | None = None, after: str = "", limit: int | None = None
    ) -> list[AccountRow]:
        """Every account that may owe something (or that one), in order: contracts, and customers
        with a ticket outside of one, or that had one before it was moved.
        """
        worked_for = select(facts.c.stream).where(facts.c.account == accounts.c.account, *_OF_TICKETS).exists()
        conditions = [
            accounts.c.provider == provider,
            accounts.c.account > after,
            or_(accounts.c.kind == "contract", worked_for),
        ]
        if account is not None:
            conditions.append(accounts.c.account == account)
        return await self._accounts(*conditions, limit=limit)

    async def with_lost_appointments(
        self, provider: str, *, contract: str | None = None, customer: str | None = None
    ) -> list[AccountRow]:
        """Every account (of that contract, or of that customer) with an appointment that was called off or missed: no other
        charge ever waits for a decision. The lines are searched as they are stored, which is much less than rating them.
        """
        conditions = [accounts.c.provider == provider]
        if contract is not None:
            conditions += [accounts.c.account == contract, accounts.c.kind == "contract"]
        if customer is not None:
            conditions.append(accounts.c.customer == customer)
        async with self._database.reading() as connection:
            says = _says_on_postgresql if connection.dialect.name == "postgresql" else _says_on_sqlite
            lost = select(facts.c.stream).where(
                facts.c.account == accounts.c.account, *_OF_TICKETS, or_(*map(says, _LOST))
            )
            statement = select(accounts).where(*conditions, lost.exists())
            return [AccountRow(**row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001

    async def providers(self) -> list[str]:
        """Every provider with an account."""
        statement = select(accounts.c.provider).distinct().order_by(accounts.c.provider)
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def ticket(self, provider: str, name: str) -> AccountTicket | None:
        """A ticket by id or reference."""
        statement = select(tickets.c.ticket, tickets.c.account, tickets.c.customer).where(
            tickets.c.provider == provider, (tickets.c.ticket == name) | (tickets.c.reference == name)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else AccountTicket(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name

    async def references(self, accounts_named: Iterable[str]) -> dict[str, str]:
        """The references that people know the accounts' tickets by, those included that were moved to another one."""
        named: Any = bindparam("named", expanding=True)
        ever_here = select(func.substr(facts.c.stream, len(_FIRST_TICKET) + 1))
        statement = select(tickets.c.ticket, tickets.c.reference).where(
            or_(
                tickets.c.account.in_(named),
                tickets.c.ticket.in_(ever_here.where(facts.c.account.in_(named), *_OF_TICKETS)),
            )
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(statement, {"named": list(accounts_named)})
            return {row.ticket: row.reference for row in rows}

    async def followed(self) -> int:
        """The position up to which the ticket service's log is applied: what is read afterwards has everything up to there.

        Where processes share the work, that of the partition that is furthest behind.
        """
        async with self._database.reading() as connection:
            shared = await partitions.position(connection, SOURCE)
            return await checkpoints.position(connection, SOURCE) if shared is None else shared

    async def facts(self, account: AccountRow, up_to: int = ALL) -> list[Recorded]:
        """Everything recorded that the account's bill rests on, the vendor's decisions included."""
        return [decode(line) for line in await self.fact_lines(account, up_to)]

    async def fact_lines(self, account: AccountRow, up_to: int = ALL) -> Sequence[bytes]:
        """The same as the lines of the logs, in no order; of the ticket service's those up to a position."""
        own = select(facts.c.line, true()).where(facts.c.account == account.account)
        about = select(facts.c.line, true()).where(
            facts.c.account == account.customer, facts.c.stream == streams.CUSTOMER.stream(account.customer)
        )
        decided = select(decisions.c.line, false()).where(decisions.c.account == account.account)
        async with self._database.reading() as connection:
            rows = (await connection.execute(union_all(own, about, decided))).all()
        if up_to == ALL:
            return [line for line, _ in rows]
        return [line for line, is_fact in rows if not is_fact or _head.decode(line).position <= up_to]

    async def basis(self, rows: Sequence[AccountRow], up_to: int) -> InvoiceBasis:
        """What a document over these accounts is computed from, of what is recorded up to a position."""
        customers = {streams.CUSTOMER.stream(row.customer): row.customer for row in rows}
        own = select(facts.c.line).where(facts.c.account.in_([row.account for row in rows]))
        about = select(facts.c.line).where(
            facts.c.account.in_(customers.values()), facts.c.stream.in_(customers.keys())
        )
        newest = _Head(position=0, id="")
        async with self._database.reading() as connection:
            lines = (await connection.execute(union_all(own, about))).scalars().all()
        for head in map(_head.decode, lines):
            if newest.position < head.position <= up_to:
                newest = head
        for each in (await self.agreements(rows[0].provider, up_to)).values():
            if each.position > newest.position:
                newest = _Head(position=each.position, id=each.event)
        return InvoiceBasis(accounts=[row.account for row in rows], last_fact=newest.id)

    async def registration(self, customer: str) -> Recorded | None:
        """The event that made a customer known."""
        statement = select(facts.c.line).where(
            facts.c.account == customer, facts.c.stream == streams.CUSTOMER.stream(customer)
        )
        async with self._database.reading() as connection:
            lines = (await connection.execute(statement)).scalars().all()
        found = (decode(line) for line in lines)
        return next((each for each in found if isinstance(each.event, CustomerRegistered)), None)

    async def resting_on(self, provider: str, event: str) -> AccountRow | None:
        """The account whose bill an event is a fact of."""
        named = select(facts.c.account).where(facts.c.event == event)
        decided = select(decisions.c.account).where(decisions.c.event == event)
        found = await self._accounts(accounts.c.provider == provider, accounts.c.account.in_(named.union(decided)))
        return found[0] if found else None

    async def events(self, event_ids: Iterable[str]) -> list[Recorded]:
        """The recorded facts and decisions with these ids, in the order in which they happened."""
        wanted = {"wanted": list(event_ids)}
        by_id: Any = bindparam("wanted", expanding=True)
        statements = [select(table.c.line).where(table.c.event.in_(by_id)) for table in (facts, decisions)]
        async with self._database.reading() as connection:
            lines = [line for each in statements for line in (await connection.execute(each, wanted)).scalars()]
        found = {each.envelope.id: each for each in map(decode, lines)}
        return sorted(found.values(), key=lambda each: (each.envelope.occurred_at, each.envelope.id))

    async def decisions(self, account: str) -> dict[str, str]:
        """The account's decided charges, each with its last decision: ``charge`` or ``waive``."""
        return {event.charge: event.decision for event, _ in await self._decisions(decisions.c.account == account)}

    async def decision(self, account: str, charge: str) -> tuple[ChargeDecided, int] | None:
        """The last decision on a charge, and its version."""
        found = await self._decisions(decisions.c.account == account, decisions.c.charge == charge)
        return found[-1] if found else None

    async def agreements(self, provider: str, up_to: int = ALL) -> Mapping[tuple[str, int], PublishedAgreement]:
        """Every version of the provider's agreements that was published up to a position of the ticket service's log.

        A version never changes, so it is read once.
        """
        known = select(agreements.c.name, agreements.c.version).where(agreements.c.provider == provider)
        async with self._database.reading() as connection:
            keys = [(row.name, row.version) for row in await connection.execute(known)]
            if any((provider, *key) not in self._published for key in keys):
                lines = select(agreements.c.line).where(agreements.c.provider == provider)
                for line in (await connection.execute(lines)).scalars():
                    key, agreement = published_agreement(decode(line))
                    self._published.setdefault((provider, *key), agreement)
        found = {key: self._published[provider, *key] for key in keys}
        return found if up_to == ALL else {key: each for key, each in found.items() if each.position <= up_to}

    async def _decisions(self, *conditions: Any) -> list[tuple[ChargeDecided, int]]:
        statement = select(decisions.c.line, decisions.c.version).where(*conditions).order_by(decisions.c.version)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        events = [(decode(row.line).event, row.version) for row in rows]
        return [(event, version) for event, version in events if isinstance(event, ChargeDecided)]

    async def _accounts(self, *conditions: Any, limit: int | None = None) -> list[AccountRow]:
        statement = select(accounts).where(*conditions).order_by(accounts.c.account).limit(limit)
        async with self._database.reading() as connection:
            return [AccountRow(**row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001


def _says_on_postgresql(words: bytes) -> ColumnElement[bool]:
    return func.bytealike(facts.c.line, b"%" + words + b"%", type_=Boolean)  # the function behind LIKE


def _says_on_sqlite(words: bytes) -> ColumnElement[bool]:
    return func.instr(facts.c.line, words) > 0

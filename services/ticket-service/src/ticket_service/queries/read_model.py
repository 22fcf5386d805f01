"""Reads of the read model: tickets, the worklist, contracts, customers and published terms, in plain SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, func, or_, select

from fristwerk_platform.read_models import Database, in_list
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.worklist import Placed
from ticket_service.projections.documents import contract_from, customer_from, ticket_from
from ticket_service.projections.tables import contracts, customers, open_when_closed, registrations, terms, tickets
from ticket_service.queries.calls import CallFilter, CallRow, call_of, call_rows

CLOSED_STATES: Final = ("resolved", "closed")


PART: Final = 1_000
"""Rows that are read at once where there may be thousands."""


class TermsRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of a calendar or an agreement."""

    name: str
    version: int
    digest: str
    is_default: bool


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A customer, with what its registration sealed and that event's id, until the person is forgotten."""

    state: Customer
    version: int
    event: str | None
    sealed: str | None


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket, and where in the log it changed last."""

    state: Ticket
    position: int


class _FirstDay(msgspec.Struct, frozen=True):
    """Of a contract's stored form only when it began."""

    from_on: date = msgspec.field(name="from")


_first_day: Final = msgspec.json.Decoder(_FirstDay)


class ReadModel:
    """Queries; each answers with domain states or plain rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def terms(self, provider: str, kind: str, *, after: str = "", limit: int | None = None) -> list[TermsRow]:
        """The newest versions of the provider's documents of one kind, by name."""
        statement = (
            select(terms.c.name, terms.c.version, terms.c.digest, terms.c.is_default)
            .where(terms.c.provider == provider, terms.c.kind == kind, terms.c.name > after)
            .order_by(terms.c.name)
            .limit(limit)
        )
        return [TermsRow(**row) for row in await self._rows(statement)]

    async def providers(self) -> list[str]:
        """Who has published an agreement."""
        statement = select(terms.c.provider).where(terms.c.kind == "agreement").distinct().order_by(terms.c.provider)
        return [row["provider"] for row in await self._rows(statement)]

    async def customers(self, provider: str, *, after: str, limit: int) -> list[CustomerRow]:
        """The provider's customers in the order of registration."""
        statement = (
            select(customers.c.document, customers.c.version, registrations.c.event, registrations.c.sealed)
            .join_from(customers, registrations, customers.c.customer == registrations.c.customer, isouter=True)
            .where(customers.c.provider == provider, customers.c.customer > after)
            .order_by(customers.c.customer)
            .limit(limit)
        )
        return [
            CustomerRow(
                state=customer_from(row["document"]),
                version=row["version"],
                event=row["event"],
                sealed=row["sealed"],
            )
            for row in await self._rows(statement)
        ]

    async def contracts_of(self, customer: str) -> list[Contract]:
        """The customer's contracts, the earliest signed first."""
        return [contract_from(row["document"]) for row in await self._rows(_contracts_of(customer))]

    async def first_contract_day(self, provider: str) -> date | None:
        """The first day of the provider's earliest contract; None without one. Reads every contract."""
        rows = await self._rows(select(contracts.c.document).where(contracts.c.provider == provider))
        return min((_first_day.decode(row["document"]).from_on for row in rows), default=None)

    async def contracts_after(self, provider: str, position: int) -> tuple[list[Contract], int]:
        """The provider's contracts that changed after a position of the log, and the position of the last change."""
        statement = (
            select(contracts.c.document, contracts.c.position)
            .where(contracts.c.provider == provider, contracts.c.position > position)
            .order_by(contracts.c.position)
        )
        rows = await self._rows(statement)
        return [contract_from(row["document"]) for row in rows], rows[-1]["position"] if rows else position

    async def calls(self, provider: str, wanted: CallFilter, *, after: str, limit: int | None) -> list[CallRow]:
        """Calls in the order in which they began."""
        return [call_of(row) for row in await self._rows(call_rows(provider, wanted, after, limit))]

    async def tickets(self, provider: str, wanted: Mapping[str, str], *, after: str, limit: int) -> list[Ticket]:
        """Tickets in the order of creation, filtered by equality on columns."""
        statement = select(tickets.c.document).where(tickets.c.provider == provider, tickets.c.ticket > after)
        for column, value in wanted.items():
            statement = statement.where(tickets.c[column] == value)
        rows = await self._rows(statement.order_by(tickets.c.ticket).limit(limit))
        return [ticket_from(row["document"]) for row in rows]

    async def tickets_of(
        self, provider: str, *, customer: str | None = None, contract: str | None = None
    ) -> list[Ticket]:
        """Every ticket of a customer, or under a contract, in the order of creation."""
        statement = select(tickets.c.document).where(tickets.c.provider == provider).order_by(tickets.c.ticket)
        if customer is not None:
            statement = statement.where(tickets.c.customer == customer)
        if contract is not None:
            statement = statement.where(tickets.c.contract == contract)
        return [ticket_from(row["document"]) for row in await self._rows(statement)]

    async def tickets_with(self, ids: Sequence[str]) -> dict[str, TicketRow]:
        """Tickets by id."""
        columns = (tickets.c.ticket, tickets.c.document, tickets.c.position)
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(*columns).where(in_list(connection, tickets.c.ticket, ids)))).all()
        return {ticket: TicketRow(state=ticket_from(document), position=at) for ticket, document, at in rows}

    async def open_tickets(self, provider: str, customer: str) -> list[Ticket]:
        """A customer's tickets that are neither resolved nor closed, in the order of creation."""
        own = (tickets.c.provider == provider, tickets.c.customer == customer)
        statement = (
            select(tickets.c.document).where(*own, tickets.c.state.not_in(CLOSED_STATES)).order_by(tickets.c.ticket)
        )
        return [ticket_from(row["document"]) for row in await self._rows(statement)]

    async def placed(self, provider: str, ticket: str) -> Placed | None:
        """What a ticket's place in the worklist rests on, whatever its state."""
        rows = await self._tuples(_placed().where(tickets.c.provider == provider, tickets.c.ticket == ticket))
        return next((_as_placed(row) for row in rows), None)

    async def placed_after(self, provider: str, position: int) -> tuple[list[Placed], int]:
        """The provider's tickets that changed after a position of the log, and the position of the last change.

        From the beginning on only those that are still open. Read in parts, so that other requests are answered meanwhile;
        what changes after the first part has a higher position than the one returned.
        """
        own = (tickets.c.provider == provider, tickets.c.position > position)
        async with self._database.reading() as connection:
            last = (await connection.execute(select(func.max(tickets.c.position)).where(*own))).scalar()
        if last is None:
            return [], position
        statement = _placed().where(tickets.c.provider == provider, tickets.c.position <= last)
        if position == 0:
            statement = statement.where(tickets.c.state.not_in(CLOSED_STATES))
        found: list[Placed] = []
        after = position
        while True:
            part = statement.where(tickets.c.position > after).order_by(tickets.c.position).limit(PART)
            rows = await self._tuples(part)
            found += map(_as_placed, rows)
            if len(rows) < PART:
                return found, last
            after = found[-1].position

    async def changed_after(self, provider: str, position: int) -> AsyncIterator[tuple[Ticket, int]]:
        """The provider's tickets that changed after a position of the log, each with the position of its last change; from
        the beginning on only those that are not closed, or still have an open escalation. Read in parts, so that other
        requests are answered meanwhile.
        """
        statement = select(tickets.c.document, tickets.c.position).where(tickets.c.provider == provider)
        if position == 0:
            late = select(open_when_closed.c.ticket).where(open_when_closed.c.provider == provider)
            statement = statement.where(or_(tickets.c.state != "closed", tickets.c.ticket.in_(late)))
        while True:
            rows = await self._tuples(
                statement.where(tickets.c.position > position).order_by(tickets.c.position).limit(PART)
            )
            for document, changed in rows:
                yield ticket_from(document), changed
            if len(rows) < PART:
                return
            position = rows[-1][1]

    async def _tuples(self, statement: Any) -> list[Any]:
        async with self._database.reading() as connection:
            return [tuple(row) for row in await connection.execute(statement)]

    async def _rows(self, statement: Any) -> Sequence[RowMapping]:
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).mappings().all()


def _contracts_of(customer: str) -> Any:
    return select(contracts.c.document).where(contracts.c.customer == customer).order_by(contracts.c.contract)


def _placed() -> Any:
    """What a place rests on, in the order of the fields of ``Placed``."""
    return select(*(tickets.c["ticket" if name == "id" else name] for name in Placed.__struct_fields__))


def _as_placed(row: Sequence[Any]) -> Placed:
    return Placed(**dict(zip(Placed.__struct_fields__, row, strict=True)))

"""Reads for lists of rows: tickets by several values of each filter, and the customers they name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from fristwerk_platform.read_models import Database, in_list
from ticket_service.projections.documents import customer_from, ticket_from
from ticket_service.projections.tables import customers, registrations, tickets
from ticket_service.queries.read_model import CustomerRow, TicketRow


class RowReads:
    """Queries; what they answer is as of the read model's position."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opened(
        self, provider: str, wanted: Mapping[str, Collection[str]], *, after: str, limit: int, changed_after: int = 0
    ) -> list[TicketRow]:
        """Tickets in the order of creation behind one of them; of each column named one of the values."""
        statement = _wanted(provider, wanted, changed_after).where(tickets.c.ticket > after).order_by(tickets.c.ticket)
        return await self._tickets(statement.limit(limit))

    async def updated(
        self,
        provider: str,
        wanted: Mapping[str, Collection[str]],
        *,
        before: int | None,
        limit: int,
        changed_after: int = 0,
    ) -> list[TicketRow]:
        """The same, what changed last first; ``before`` is the position of the last change of the row before.

        A ticket that changes meanwhile moves to the front: it is not repeated, and those behind are not skipped.
        """
        statement = _wanted(provider, wanted, changed_after).order_by(tickets.c.position.desc())
        if before is not None:
            statement = statement.where(tickets.c.position < before)
        return await self._tickets(statement.limit(limit))

    async def count(
        self, provider: str, wanted: Mapping[str, Collection[str]], *, limit: int, changed_after: int = 0
    ) -> int:
        """How many they are, counted up to a limit."""
        some = _wanted(provider, wanted, changed_after, tickets.c.ticket).limit(limit).subquery()
        async with self._database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(some))).scalar_one()

    async def _tickets(self, statement: Any) -> list[TicketRow]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return [TicketRow(state=ticket_from(document), position=position) for document, position in rows]

    async def customers_with(self, ids: Sequence[str]) -> dict[str, CustomerRow]:
        """Customers by id."""
        columns = (customers.c.document, customers.c.version, registrations.c.event, registrations.c.sealed)
        statement = select(*columns).join_from(
            customers, registrations, customers.c.customer == registrations.c.customer, isouter=True
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement.where(in_list(connection, customers.c.customer, ids)))).all()
        found = [
            CustomerRow(state=customer_from(document), version=version, event=event, sealed=sealed)
            for document, version, event, sealed in rows
        ]
        return {each.state.id: each for each in found}


def _wanted(
    provider: str, wanted: Mapping[str, Collection[str]], changed_after: int, *columns: ColumnElement[Any]
) -> Select[Any]:
    statement = select(*(columns or (tickets.c.document, tickets.c.position))).where(tickets.c.provider == provider)
    for column, values in wanted.items():
        statement = statement.where(tickets.c[column].in_(values))
    return statement.where(tickets.c.position > changed_after) if changed_after else statement

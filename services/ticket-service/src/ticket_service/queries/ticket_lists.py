"""Reads for lists of tickets: pages in an order of the database, and the customers they name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_, union_all

from fristwerk_platform.read_models import Database, Query, in_list
from ticket_service.domain.ticket.state import QUEUE
from ticket_service.projections.documents import customer_from, ticket_from
from ticket_service.projections.tables import customers, registrations, tickets
from ticket_service.queries.read_model import CLOSED_STATES, CustomerRow, TicketRow
from ticket_service.queries.search import Digest
from ticket_service.queries.ticket_filters import WantedTickets, conditions, divided

_VERSIONS: Final = Query("SELECT customer, version FROM customers WHERE customer IN LIST($1)")


class TicketListReads:
    """Queries; what they answer is as of the read model's position."""

    def __init__(self, database: Database, digest: Digest) -> None:
        self._database = database
        self._digest = digest

    async def opened(self, provider: str, wanted: WantedTickets, *, after: str, limit: int) -> list[TicketRow]:
        """Tickets in the order of creation behind one of them."""
        behind: ColumnElement[bool] = tickets.c.ticket > after
        if wanted.search is not None:
            search = msgspec.structs.replace(wanted.search, behind=after)
            wanted, behind = msgspec.structs.replace(wanted, search=search), true()
        parts = divided(wanted)
        if len(parts) > 1:
            behind = tickets.c.ticket.in_(
                union_all(*(self._first_ids(provider, part, behind, limit) for part in parts))
            )
            wanted = (
                WantedTickets()
            )  # what holds for the parts is not asked again: the planner would take another index
        return await self._tickets(provider, wanted, limit, behind, order=(tickets.c.ticket,))

    async def received(
        self, provider: str, wanted: WantedTickets, *, after: tuple[datetime, str] | None, limit: int
    ) -> list[TicketRow]:
        """The same, what was received first first; ``after`` is when one was received, and its id."""
        place = (tickets.c.received_at, tickets.c.ticket)
        behind = () if after is None else (tuple_(*place) > tuple_(*after, types=[each.type for each in place]),)
        return await self._tickets(provider, wanted, limit, *behind, order=place)

    async def updated(self, provider: str, wanted: WantedTickets, *, before: int | None, limit: int) -> list[TicketRow]:
        """The same, what changed last first; ``before`` is the position of the last change of the row before.

        A ticket that changes meanwhile moves to the front: it is not repeated, and those behind are not skipped.
        """
        behind = () if before is None else (tickets.c.position < before,)
        return await self._tickets(provider, wanted, limit, *behind, order=(tickets.c.position.desc(),))

    async def taken_since(self, provider: str, since: datetime, *, limit: int) -> list[datetime]:
        """When those that were received after an instant and that somebody has, or that are done, were received: the last
        first.
        """
        has_somebody = and_(tickets.c.assignee.is_not(None), tickets.c.assignee != QUEUE)
        statement = (
            select(tickets.c.received_at)
            .where(
                tickets.c.provider == provider,
                tickets.c.received_at > since,
                or_(has_somebody, tickets.c.state.in_(CLOSED_STATES)),
            )
            .order_by(tickets.c.received_at.desc())
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [*(await connection.execute(statement)).scalars()]

    async def count(self, provider: str, wanted: WantedTickets, *, limit: int) -> int:
        """How many they are, counted up to a limit."""
        some = select(tickets.c.ticket).where(*conditions(provider, wanted, self._digest)).limit(limit).subquery()
        async with self._database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(some))).scalar_one()

    async def open_ids(self, provider: str, wanted: WantedTickets) -> frozenset[str]:
        """The ids of those that are neither resolved nor closed."""
        statement = select(tickets.c.ticket).where(
            *conditions(provider, wanted, self._digest), tickets.c.state.not_in(CLOSED_STATES)
        )
        async with self._database.reading() as connection:
            return frozenset((await connection.execute(statement)).scalars())

    def _first_ids(
        self, provider: str, wanted: WantedTickets, behind: ColumnElement[bool], limit: int
    ) -> Select[tuple[str]]:
        found = select(tickets.c.ticket).where(*conditions(provider, wanted, self._digest), behind)
        return select(found.order_by(tickets.c.ticket).limit(limit).subquery().c.ticket)

    async def _tickets(
        self,
        provider: str,
        wanted: WantedTickets,
        limit: int,
        *behind: ColumnElement[bool],
        order: Sequence[ColumnElement[Any]],
    ) -> list[TicketRow]:
        statement = select(tickets.c.document, tickets.c.position).where(
            *conditions(provider, wanted, self._digest), *behind
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement.order_by(*order).limit(limit))).all()
        return [TicketRow(state=ticket_from(document), position=position) for document, position in rows]

    async def customer_versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The versions at which customers stand, by id."""
        return {row[0]: row[1] for row in await self._database.fetch(_VERSIONS, [*ids])}

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

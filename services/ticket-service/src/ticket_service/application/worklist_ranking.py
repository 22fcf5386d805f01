"""A provider's open tickets in order, kept in memory and brought up to date from what has changed
in the read model since.

Thousands of tickets are not read and sorted for every look at the first fifty. What the order rests
on besides the tickets are the customers' present contracts, and so the local day.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime
from itertools import chain, islice
from types import MappingProxyType
from typing import Final

import msgspec

from fristwerk_language.terms import AgreementDocument
from ticket_service.application.newest_reads import Beyond
from ticket_service.application.terms import Terms
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.ticket.decision_context import local_day
from ticket_service.domain.ticket.entitlement import group_of
from ticket_service.domain.ticket.placement import serving_now
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.worklist import Placed, SortKey, placed, sort_key
from ticket_service.queries.read_model import CLOSED_STATES, ReadModel

PART: Final = 500
"""How many tickets are ranked before other requests have their turn."""
FEW: Final = 100
"""Up to this many changed tickets are put in place one by one; if there are more, all are sorted
again.
"""
NOTHING_NEWER: Final[Mapping[str, Ticket]] = MappingProxyType({})
Days = dict[tuple[str, int, str | None], date]
"""The local day by the agreement, its version and the contract's site."""


Wanted = Mapping[str, Collection[str]]
"""By field of ``Placed``, the values of which a ticket must have one."""
EVERYTHING: Final[Wanted] = MappingProxyType({})


async def in_parts(items: Iterable[str]) -> AsyncIterator[str]:
    """The items; after each part of them other requests have their turn, so that none waits for
    50,000 tickets.
    """
    for number, item in enumerate(items, start=1):
        yield item
        if number % PART == 0:
            await asyncio.sleep(0)


class Ranking:
    """The order of one provider's worklist as of the last refresh."""

    def __init__(self, provider: str, terms: Terms) -> None:
        self._provider = provider
        self._terms = terms
        self._tickets: dict[str, Placed] = {}
        self._of_customer: dict[str, set[str]] = {}
        self._of_assignee: dict[str, set[str]] = {}
        self._contracts: dict[str, dict[str, Contract]] = {}
        self._position = -1
        self._tickets_position = 0
        self._contracts_position = 0
        self._places: set[tuple[str, int, str | None]] = set()
        self._days: Days = {}
        self._keys: dict[str, SortKey] = {}
        self._order: list[tuple[SortKey, str]] = []
        self._present: dict[str, int] = {}

    async def refresh(self, read_model: ReadModel, now: datetime, position: int) -> None:
        """Take in what has changed up to a position of the log, and a new day; where nothing has,
        nothing is asked.
        """
        changed: set[str] = set()
        if position != self._position:
            changed = await self._changed(read_model)
            self._position = position
        if (days := await self._local_days(now)) != self._days:
            self._days = days
            changed |= set(self._tickets)  # beside those that were just done and are to go
        await self._compare(read_model, changed)
        await self._place(changed)

    async def with_newest(self, beyond: Beyond, read_model: ReadModel, now: datetime) -> Ranking:
        """The order with what the read model does not show yet.

        It is another one: this one takes that in when it refreshes.
        """
        if not beyond.tickets and not beyond.contracts:
            return self
        newest = copy(self)
        customers = {ticket.customer for ticket, _ in beyond.tickets.values()}
        newest.detach(customers | {each.customer for each in beyond.contracts.values()})
        await newest.take_in(beyond, read_model, now)
        return newest

    def detach(self, customers: Iterable[str]) -> None:
        """Share nothing with the order that this one was copied of which a change to these
        customers' tickets touches.
        """
        self._tickets, self._keys, self._present = {**self._tickets}, {**self._keys}, {**self._present}
        self._order, self._places = [*self._order], {*self._places}
        self._of_assignee = {}  # the lists of one person are those of the order that was copied
        self._of_customer |= {each: {*self._of_customer.get(each, ())} for each in customers}
        self._contracts |= {each: {**self._contracts.get(each, {})} for each in customers}

    async def take_in(self, beyond: Beyond, read_model: ReadModel, now: datetime) -> None:
        """Take in what has changed after the last refresh."""
        tickets = [placed(ticket, position) for ticket, position in beyond.tickets.values()]
        changed = self._take_all(beyond.contracts.values(), tickets)
        self._days = await self._local_days(now)
        await self._compare(read_model, changed, {key: ticket for key, (ticket, _) in beyond.tickets.items()})
        await self._place(changed)

    def displaced(self) -> list[tuple[str, Contract | None]]:
        """The tickets whose derived priority is not that of their present group yet, each with the
        contract that serves it.

        They stand in their present place already; what is missing is the fact that says so.
        """
        return [(ticket, self._serving(self._tickets[ticket])) for ticket in self._present if ticket in self._tickets]

    async def _compare(
        self, read_model: ReadModel, changed: Iterable[str], newest: Mapping[str, Ticket] = NOTHING_NEWER
    ) -> None:
        """Take in which of the changed tickets have another priority than their present group, if a
        rule gave it to them.

        ``newest`` are states that the read model does not have yet.
        """
        wanted: dict[str, int] = {}
        async for ticket in in_parts(changed):
            self._present.pop(ticket, None)
            if (found := self._tickets.get(ticket)) is not None:
                agreement = await self._agreement(found)
                group = agreement.group(group_of(self._serving(found), agreement))
                if group is not None and group.priority != found.priority:
                    wanted[ticket] = group.priority
        if wanted:
            rows = await read_model.tickets_with([each for each in wanted if each not in newest])
            states = {**{key: row.state for key, row in rows.items()}, **newest}
            self._present |= {
                key: priority for key, priority in wanted.items() if states[key].priority_rule is not None
            }

    async def _changed(self, read_model: ReadModel) -> set[str]:
        """Take in what has changed since the last time; the tickets whose places that may move."""
        contracts, self._contracts_position = await read_model.contracts_after(self._provider, self._contracts_position)
        tickets, self._tickets_position = await read_model.placed_after(self._provider, self._tickets_position)
        return self._take_all(contracts, tickets)

    def _take_all(self, contracts: Iterable[Contract], tickets: Sequence[Placed]) -> set[str]:
        changed = {each.id for each in tickets}
        for contract in contracts:
            self._contracts.setdefault(contract.customer, {})[contract.id] = contract
            self._places.add((contract.agreement, contract.agreement_version, contract.site))
            changed |= self._of_customer.get(contract.customer, set())
        for ticket in tickets:
            self._take(ticket)
        return changed

    def first(self) -> Iterator[Placed]:
        """The tickets, the most urgent first."""
        return (self._tickets[ticket] for _, ticket in self._order if ticket in self._tickets)

    async def page(self, after: Placed | None, limit: int, wanted: Wanted = EVERYTHING) -> list[Placed]:
        """The wanted tickets behind the place that one has or, once it is done, would have."""
        last = None if after is None else (await self._key(after), after.id)
        if not wanted:
            start = 0 if last is None else bisect_right(self._order, last)
            behind = (self._tickets.get(ticket) for _, ticket in islice(self._order, start, None))
            return [*islice((each for each in behind if each is not None), limit)]
        found: list[Placed] = []
        async for ticket in in_parts(self._behind(last, wanted)):
            place = self._tickets.get(ticket)
            if place is not None and all(getattr(place, name) in values for name, values in wanted.items()):
                found.append(place)
                if len(found) == limit:
                    break
        return found

    def _behind(self, last: tuple[SortKey, str] | None, wanted: Wanted) -> list[str]:
        """The ids of the tickets behind a place, among them all that are wanted: a copy, since the
        order may change while they are looked through.
        """
        if "assignee" in wanted:
            among = chain.from_iterable(self._of_assignee.get(each, ()) for each in wanted["assignee"])
        elif "customer" in wanted:
            among = chain.from_iterable(self._of_customer.get(each, ()) for each in wanted["customer"])
        else:
            start = 0 if last is None else bisect_right(self._order, last)
            return [ticket for _, ticket in self._order[start:]]
        places = sorted((self._keys[ticket], ticket) for ticket in among if ticket in self._keys)
        return [ticket for _, ticket in places[0 if last is None else bisect_right(places, last) :]]

    def _take(self, ticket: Placed) -> None:
        self._note_assignee(ticket)
        if ticket.state in CLOSED_STATES:
            self._tickets.pop(ticket.id, None)
            self._of_customer.get(ticket.customer, set()).discard(ticket.id)
        else:
            self._tickets[ticket.id] = ticket
            self._of_customer.setdefault(ticket.customer, set()).add(ticket.id)

    def _note_assignee(self, ticket: Placed) -> None:
        """Keep whose tickets they are, for the lists of one person."""
        if (before := self._tickets.get(ticket.id)) is not None and before.assignee is not None:
            self._of_assignee.get(before.assignee, set()).discard(ticket.id)
        if ticket.assignee is not None and ticket.state not in CLOSED_STATES:
            self._of_assignee.setdefault(ticket.assignee, set()).add(ticket.id)

    async def _place(self, changed: Iterable[str]) -> None:
        """Give each of these tickets its place, or none if it is done."""
        placed_anew = [ticket for ticket in changed if ticket in self._tickets]
        keys = {ticket: await self._key(self._tickets[ticket]) async for ticket in in_parts(placed_anew)}
        gone = [ticket for ticket in changed if ticket in self._keys]
        if len(keys) > FEW:
            self._keys = {ticket: key for ticket, key in self._keys.items() if ticket in self._tickets} | keys
            self._order = sorted((key, ticket) for ticket, key in self._keys.items())
            return
        for ticket in gone:
            del self._order[bisect_left(self._order, (self._keys.pop(ticket), ticket))]
        for ticket, key in keys.items():
            self._keys[ticket] = key
            insort(self._order, (key, ticket))

    async def _key(self, ticket: Placed) -> SortKey:
        agreement = await self._agreement(ticket)
        present = msgspec.structs.replace(ticket, priority=self._present.get(ticket.id, ticket.priority))
        return sort_key(present, group_of(self._serving(ticket), agreement), agreement)

    async def _agreement(self, ticket: Placed) -> AgreementDocument:
        return await self._terms.agreement_version(self._provider, ticket.agreement, ticket.agreement_version)

    def _serving(self, ticket: Placed) -> Contract | None:
        """The contract that serves a ticket today."""
        held = self._contracts.get(ticket.customer, {}).values()
        days = [(each, self._days[each.agreement, each.agreement_version, each.site]) for each in held]
        return serving_now(ticket.contract, days)

    async def _local_days(self, now: datetime) -> Days:
        return {
            (name, version, site): local_day(
                now, await self._terms.agreement_version(self._provider, name, version), site
            )
            for name, version, site in self._places
        }

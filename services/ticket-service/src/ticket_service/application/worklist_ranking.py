"""A provider's open tickets in order, kept in memory and brought up to date from what has changed
in the read model since.

Thousands of tickets are not read and sorted for every look at the first fifty. What the order rests
on besides the tickets are the customers' present contracts, and so the local day.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime
from itertools import chain
from types import MappingProxyType
from typing import Final

import msgspec

from fristwerk_language.terms import AgreementDocument
from ticket_service.application.newest_reads import Beyond
from ticket_service.application.ordered import PART, Key, Ordered
from ticket_service.application.terms import Terms
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.place import Ranked
from ticket_service.domain.ticket.decision_context import local_day
from ticket_service.domain.ticket.entitlement import group_of
from ticket_service.domain.ticket.placement import serving_now
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.worklist import Placed, SeverityKey, SortKey, placed, severity_key, sort_key
from ticket_service.queries.read_model import CLOSED_STATES, ReadModel

NOTHING_NEWER: Final[Mapping[str, Ticket]] = MappingProxyType({})
Days = dict[tuple[str, int, str | None], date]
"""The local day by the agreement, its version and the contract's site."""


Wanted = Mapping[str, Collection[str | None]]
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


def _fits(place: Placed, wanted: Wanted) -> bool:
    for name, values in wanted.items():  # noqa: SIM110 - it runs for thousands, and ``all`` takes twice as long
        if getattr(place, name) not in values:
            return False
    return True


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
        self._order = Ordered[SortKey]()
        self._by_severity = Ordered[SeverityKey]()
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
        if changed:
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
        self._tickets, self._present, self._places = {**self._tickets}, {**self._present}, {*self._places}
        self._order = self._order.copied()
        self._of_assignee, self._by_severity = {}, Ordered()  # lists are those of the order that was copied
        # Assigned anew: ``|=`` would change what the order that was copied has.
        self._of_customer = self._of_customer | {each: {*self._of_customer.get(each, ())} for each in customers}
        self._contracts = self._contracts | {each: {**self._contracts.get(each, {})} for each in customers}

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
        return (self._tickets[ticket] for ticket in self._order if ticket in self._tickets)

    def ids(self) -> list[str]:
        """The ids of all."""
        return [*self._tickets]

    async def page(self, after: Placed | None, limit: int, wanted: Wanted = EVERYTHING) -> list[Placed]:
        """The wanted tickets behind the place that one has or, once it is done, would have."""
        last = None if after is None else (await self._key(after), after.id)
        return await self._page(self._order, last, limit, wanted)

    async def by_severity(
        self, last: tuple[SeverityKey, str] | None, limit: int, wanted: Wanted = EVERYTHING
    ) -> list[tuple[SeverityKey, Placed]]:
        """The wanted tickets behind a place in the order of severity, each with its key."""
        found = await self._page(self._by_severity, last, limit, wanted)
        return [(key, each) for each in found if (key := self._by_severity.key(each.id)) is not None]

    async def _page(
        self, order: Ordered[Key], last: tuple[Key, str] | None, limit: int, wanted: Wanted
    ) -> list[Placed]:
        if wanted:
            return await self.chosen(order.among(self.narrowed(wanted), last), limit, wanted)
        tickets, found = self._tickets, list[Placed]()
        for part in order.parts(last, limit):
            found += [tickets[each] for each in part if each in tickets]
            if len(found) >= limit:
                break
        return found[:limit]

    async def chosen(self, among: Iterable[str], limit: int, wanted: Wanted) -> list[Placed]:
        """The first of these tickets that are open and wanted, in the order in which they are given."""
        found: dict[str, Placed] = {}
        for number, ticket in enumerate(among, start=1):
            place = self._tickets.get(ticket)
            if place is not None and _fits(place, wanted):
                found[ticket] = place
                if len(found) == limit:
                    break
            if number % PART == 0:
                await asyncio.sleep(0)
        return [*found.values()]

    def narrowed(self, wanted: Wanted) -> Collection[str] | None:
        """Ids among which all wanted tickets are; None where they may be any."""
        if "id" in wanted:
            return [each for each in wanted["id"] if each is not None]
        for name, kept in (("assignee", self._of_assignee), ("customer", self._of_customer)):
            if name in wanted:
                return [*chain.from_iterable(kept.get(each or "", ()) for each in wanted[name])]
        return None

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
        keys, severities = dict[str, SortKey](), dict[str, SeverityKey]()
        async for ticket in in_parts([each for each in changed if each in self._tickets]):
            keys[ticket] = await self._key(self._tickets[ticket])
            severities[ticket] = severity_key(self._tickets[ticket], await self._agreement(self._tickets[ticket]))
        gone = [each for each in changed if each not in self._tickets]
        self._order.place(keys, gone)
        self._by_severity.place(severities, gone)

    async def standing(self, ticket: str) -> tuple[int, Ranked, Ranked | None] | None:
        """Where a ticket stands, from 1, with what its place and that of the one before it rest on; None once it is done."""
        found = self._order.before(ticket)
        if found is None or ticket not in self._tickets:
            return None
        number, before = found
        own, other = self._tickets[ticket], None if before is None else self._tickets.get(before)
        return number + 1, await self._ranked(own), None if other is None else await self._ranked(other)

    async def _key(self, ticket: Placed) -> SortKey:
        ranked = await self._ranked(ticket)
        return sort_key(ranked.ticket, ranked.group, ranked.agreement)

    async def _ranked(self, ticket: Placed) -> Ranked:
        agreement = await self._agreement(ticket)
        present = msgspec.structs.replace(ticket, priority=self._present.get(ticket.id, ticket.priority))
        return Ranked(ticket=present, group=group_of(self._serving(ticket), agreement), agreement=agreement)

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

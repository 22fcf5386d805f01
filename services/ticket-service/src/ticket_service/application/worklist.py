"""The worklist: open tickets in the agreement's order, and taking the first one without ever giving
it to two.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from fristwerk_platform.commands import CommandMetadata, CommandResult, VersionMismatchError
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.application.worklist_ranking import EVERYTHING, Ranking, Wanted
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import Assign
from ticket_service.domain.worklist import Placed, is_free
from ticket_service.queries.read_model import ReadModel

KEPT_RANKINGS: Final = 100
KEPT_ITEMS: Final = 5_000


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket on a page: its id, where in the log it changed last, and how it is shown (JSON)."""

    id: str
    position: int
    shown: msgspec.Raw


class Worklist:
    """One worklist a provider.

    ``displaced`` are, by provider, the tickets whose present place no fact tells of yet.
    """

    def __init__(self, current: ConsistentReads, newest_reads: NewestReads, terms: Terms, tickets: Tickets) -> None:
        self._current = current
        self._newest_reads = newest_reads
        self._terms = terms
        self._tickets = tickets
        self._rankings: OrderedDict[str, Ranking] = OrderedDict()
        self._items: dict[str, Item] = {}
        self._refreshing = asyncio.Lock()
        self._has_looked = False
        self.displaced: dict[str, list[tuple[str, Contract | None]]] = {}
        self.has_displaced = asyncio.Event()
        self._taking = asyncio.Lock()

    async def page(
        self, provider: str, now: datetime, *, after: str | None, limit: int, wanted: Wanted = EVERYTHING
    ) -> list[Item]:
        """Open tickets, the most urgent first, behind the place of a ticket that may be done
        meanwhile.

        Raises NotAcceptable if there never was such a ticket.
        """
        read_model = await self._current()
        return await self.shown(read_model, await self.places(provider, now, after=after, limit=limit, wanted=wanted))

    async def places(
        self, provider: str, now: datetime, *, after: str | None, limit: int, wanted: Wanted = EVERYTHING
    ) -> list[Placed]:
        """The places of a page, of the wanted tickets; for a caller who has waited for the read model.

        Raises NotAcceptable as ``page`` does.
        """
        ranking = await self.ranking(provider, now)
        last = None if after is None else await self._current.so_far.placed(provider, after)
        if after is not None and last is None:
            sentence = f"there is no ticket {after}"
            raise NotAcceptable(f"The worklist has no such page: {sentence}.", [("#query/after", sentence)])
        return await ranking.page(last, limit, wanted)

    async def ranking(self, provider: str, now: datetime) -> Ranking:
        """The order as the read model has it, for a caller who has waited for it."""
        return await self._ranking(provider, now, self._current.position)

    async def take_next(self, meta: CommandMetadata) -> CommandResult:
        """Assign the first free ticket to the caller, decided on exactly the version seen: no two
        callers get the same.
        """
        async with self._taking:
            for place in await self._free(meta.principal.provider, meta.now):
                newest = await self._tickets.newest(meta.principal, place.id)
                if not is_free(newest.state):
                    continue
                seen = msgspec.structs.replace(meta, if_match=newest.version)
                try:
                    return await self._tickets.execute(seen, place.id, Assign(agent=meta.principal.sub))
                except VersionMismatchError:
                    continue  # it was taken, or changed, since it was seen
        raise NotInThisState("worklist-empty", "There is no workable ticket that nobody has.")

    async def look(self, now: datetime) -> None:
        """Bring the order of every provider whose agreements have groups up to date, so that
        ``displaced`` is known.

        The first time of every provider, as many as are kept: so nobody waits, after a start, until
        thousands of tickets are read and sorted.
        """
        first, self._has_looked = not self._has_looked, True
        for number, provider in enumerate(await self._current.so_far.providers()):
            is_read_ahead = first and number < KEPT_RANKINGS
            if is_read_ahead or any(each.groups for each in await (await self._terms.of(provider)).agreements_at(now)):
                await self._ranking(provider, now, self._current.position)

    async def shown(self, read_model: ReadModel, places: Sequence[Placed]) -> list[Item]:
        """The tickets at the places.

        What was shown before and has not changed since is not read again.
        """
        kept = self._items
        changed = [each.id for each in places if (item := kept.get(each.id)) is None or item.position < each.position]
        if changed:
            for key, row in (await read_model.tickets_with(changed)).items():
                kept[key] = Item(id=key, position=row.position, shown=msgspec.Raw(msgspec.json.encode(row.state)))
        items = [kept[each.id] for each in places]
        while len(kept) > KEPT_ITEMS:
            del kept[next(iter(kept))]
        return items

    async def _free(self, provider: str, now: datetime) -> list[Placed]:
        """The tickets that may be given away by all that was recorded so far, the most urgent
        first.
        """
        beyond = await self._newest_reads.beyond(provider)
        ranking = await self._ranking(provider, now, self._newest_reads.position)
        newest = await ranking.with_newest(beyond, self._newest_reads.so_far, now)
        return [each for each in newest.first() if is_free(each)]

    async def _ranking(self, provider: str, now: datetime, position: int) -> Ranking:
        """The provider's order as the read model has it now.

        One whose refreshing fails half-way is not kept.
        """
        async with self._refreshing:
            ranking = self._rankings.pop(provider, None) or Ranking(provider, self._terms)
            await ranking.refresh(self._current.so_far, now, position)
            self._rankings[provider] = ranking
            if displaced := ranking.displaced():
                self.displaced[provider] = displaced
                self.has_displaced.set()
            if len(self._rankings) > KEPT_RANKINGS:
                self._rankings.popitem(last=False)
        return ranking

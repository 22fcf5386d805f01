"""Which tickets a list has and in which order: from the database or, of open tickets, from what is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.deadlines import NO_DEADLINE, Deadlines
from ticket_service.application.worklist import Worklist
from ticket_service.application.worklist_ranking import Ranking, Wanted
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.worklist import Placed
from ticket_service.queries.read_model import TicketRow
from ticket_service.queries.ticket_filters import WantedTickets
from ticket_service.queries.ticket_lists import TicketListReads

MOST_COUNTED: Final = 10_000
"""So many tickets are counted at most."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
ListOrder = Literal["worklist", "opened", "updated", "received", "severity", "deadline"]
OF_OPEN: Final[frozenset[ListOrder]] = frozenset({"worklist", "severity", "deadline"})
"""The orders that have open tickets alone: they are kept in memory."""


class ListQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets, in which order, behind which cursor."""

    wanted: WantedTickets
    order: ListOrder
    after: str = ""
    limit: int
    counted: bool = False


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """How many tickets there are on all pages, or that there are more than are counted."""

    count: int
    more: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer rests on besides the time: while it is the same, so is the answer."""

    position: int
    deadlines: int = 0
    state: str = ""


class FoundTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of a list, where in the log it changed last, and the cursor behind it; ``state`` where it was read."""

    id: str
    position: int
    cursor: str
    state: Ticket | None = None


class TicketLists:
    """Pages of tickets, for callers who have waited for the read model."""

    def __init__(
        self, current: ConsistentReads, reads: TicketListReads, worklist: Worklist, deadlines: Deadlines
    ) -> None:
        self._current = current
        self._reads = reads
        self._worklist = worklist
        self._deadlines = deadlines

    async def standing(self, order: ListOrder) -> Standing:
        """What a list of tickets rests on now, once everything recorded so far is shown."""
        if order == "deadline":
            await self._deadlines.asked_for()
        await self._current()
        known = self._deadlines.position if order == "deadline" else 0
        return Standing(position=self._current.position, deadlines=known)

    async def page(self, provider: str, now: datetime, asked: ListQuestion) -> tuple[list[FoundTicket], str | None]:
        """A page, and the cursor of the next one if there is more. Raises what ``Worklist.places`` raises."""
        found = await self._found(provider, now, asked)
        return found[: asked.limit], found[asked.limit - 1].cursor if len(found) > asked.limit else None

    async def total(self, provider: str, now: datetime, asked: ListQuestion) -> Total:
        """How many there are on all pages."""
        most = MOST_COUNTED + 1
        if asked.order in OF_OPEN:
            values = await self.kept_values(provider, asked.wanted)
            found = len(await self._worklist.places(provider, now, after=None, limit=most, wanted=values))
        else:
            found = await self._reads.count(provider, asked.wanted, limit=most)
        return Total(count=min(found, MOST_COUNTED), more=found > MOST_COUNTED)

    async def states(self, found: Sequence[FoundTicket]) -> list[Ticket]:
        """The tickets of a page."""
        missing = [each.id for each in found if each.state is None]
        read = await self._current.so_far.tickets_with(missing) if missing else {}
        return [each.state or read[each.id].state for each in found]

    async def kept_values(self, provider: str, wanted: WantedTickets) -> Wanted:
        """The filter for what is kept in memory: what only the database knows is looked up."""
        if wanted.needs_database:
            await self._current()
            return {"id": await self._reads.open_ids(provider, wanted)}
        return wanted.values

    async def _found(self, provider: str, now: datetime, asked: ListQuestion) -> list[FoundTicket]:
        limit, after, wanted = asked.limit + 1, asked.after, asked.wanted
        match asked.order:
            case "opened":
                return _read(await self._reads.opened(provider, wanted, after=after, limit=limit), _id)
            case "updated":
                before = int(after) if after else None
                return _read(await self._reads.updated(provider, wanted, before=before, limit=limit), _position)
            case "received":
                place = _received_place(after) if after else None
                return _read(await self._reads.received(provider, wanted, after=place, limit=limit), _receipt)
            case _:
                return await self._found_in_memory(provider, now, asked)

    async def _found_in_memory(self, provider: str, now: datetime, asked: ListQuestion) -> list[FoundTicket]:
        limit, after = asked.limit + 1, asked.after
        values = await self.kept_values(provider, asked.wanted)
        if asked.order == "worklist":
            places = await self._worklist.places(provider, now, after=after or None, limit=limit, wanted=values)
            return [FoundTicket(id=each.id, position=each.position, cursor=each.id) for each in places]
        ranking = await self._worklist.ranking(provider, now)
        if asked.order == "severity":
            return await _by_severity(ranking, after, limit, values)
        return await self._by_deadline(provider, ranking, after, limit, values)

    async def _by_deadline(
        self, provider: str, ranking: Ranking, after: str, limit: int, values: Wanted
    ) -> list[FoundTicket]:
        """Those with a deadline by it, then the others by id."""
        order, among = self._deadlines.order(provider), ranking.narrowed(values)
        number, _, ticket = after.partition(".")
        last = (int(number), ticket) if after else None
        found: list[Placed] = []
        if last is None or last[0] != NO_DEADLINE:
            found = await ranking.chosen(order.among(among, last), limit, values)
        if len(found) < limit:
            others = ranking.ids() if among is None else among
            rest = sorted(each for each in others if each not in order and (last is None or last < (NO_DEADLINE, each)))
            found += await ranking.chosen(rest, limit - len(found), values)
        return [
            FoundTicket(id=each.id, position=each.position, cursor=f"{order.key(each.id) or NO_DEADLINE}.{each.id}")
            for each in found
        ]


async def _by_severity(ranking: Ranking, after: str, limit: int, values: Wanted) -> list[FoundTicket]:
    last = None
    if after:
        place, received, ticket = after.split(".")
        last = ((int(place), int(received)), ticket)
    return [
        FoundTicket(id=each.id, position=each.position, cursor=f"{key[0]}.{key[1]}.{each.id}")
        for key, each in await ranking.by_severity(last, limit, values)
    ]


def _read(rows: Sequence[TicketRow], cursor: Callable[[TicketRow], str]) -> list[FoundTicket]:
    return [
        FoundTicket(id=each.state.id, position=each.position, cursor=cursor(each), state=each.state) for each in rows
    ]


def _id(row: TicketRow) -> str:
    return row.state.id


def _position(row: TicketRow) -> str:
    return str(row.position)


def _receipt(row: TicketRow) -> str:
    return f"{(row.state.received_at - _EPOCH) // _MICROSECOND}.{row.state.id}"


def _received_place(cursor: str) -> tuple[datetime, str]:
    microseconds, _, ticket = cursor.partition(".")
    return _EPOCH + timedelta(microseconds=int(microseconds)), ticket

"""Following a source together with other processes: each applies the events of its partitions.

A process reads the whole feed, which costs little, and applies what is its own, which costs much.
It works at one position where it can: partitions taken over lie behind, and are brought up first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Generic

import msgspec

from fristwerk_platform.read_models import Database, write
from fristwerk_platform.subscriptions.checkpoints import Checkpoints, SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import Decode, EventT, decode_lines
from fristwerk_platform.subscriptions.feed import Feed
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.subscriptions.partitions import Cursor, Partitions, Reached, partition_of
from fristwerk_platform.subscriptions.subscription import Apply, Subscription

RENEW_SECONDS: Final = 2.0
"""How often a process renews its leases and looks whether it has its share: a fifth of a lease."""


class Membership(Generic[EventT]):
    """With whom a process shares the work: the partitions, and its name among the others.

    Events that ``concerns_all`` picks are applied by every process, whoever has their stream's
    partition, so their effect must be the same when it is repeated.
    """

    def __init__(
        self, partitions: Partitions, member: str, concerns_all: Callable[[EventT], bool] = lambda _: False
    ) -> None:
        self.partitions = partitions
        self.member = member
        self.concerns_all = concerns_all


class _Held(msgspec.Struct):
    """A partition of this process: as stored, and up to where it is read. Between the two lie no
    events of the partition.
    """

    stored: Cursor
    reached: Reached


class PartitionedSubscription(Subscription[EventT]):
    """Follows the partitions that this process has; see :class:`Subscription`."""

    def __init__(
        self,
        *,
        source: str,
        feed: Feed,
        decode: Decode[EventT],
        database: Database,
        checkpoints: Checkpoints,
        membership: Membership[EventT],
        apply: Apply[EventT],
        on_applied: Callable[[], Awaitable[None]] | None = None,
        pause_seconds: float = 0.0,
    ) -> None:
        super().__init__(
            source=source,
            feed=feed,
            decode=decode,
            database=database,
            checkpoints=checkpoints,
            apply=apply,
            on_applied=on_applied,
            pause_seconds=pause_seconds,
        )
        self._partitions = membership.partitions
        self._member = membership.member
        self._concerns_all = membership.concerns_all
        self._held: dict[int, _Held] = {}
        self._applying: frozenset[int] = frozenset()
        self._renewed_at = float("-inf")

    async def run(self, now: Callable[[], datetime]) -> None:
        """See :class:`Subscription`; at the end the others get what this process has."""
        try:
            await super().run(now)
        finally:
            await asyncio.shield(self._leave())

    def applies(self, stream: str) -> bool:
        """Whether the stream's partition is one of those that are applied at this moment."""
        return partition_of(stream) in self._applying

    def caught_up(self) -> dict[int, int]:
        """The partitions that are as far as this process has read, with their epochs."""
        furthest = max((held.reached.position for held in self._held.values()), default=0)
        return {number: held.stored.epoch for number, held in self._held.items() if held.reached.position == furthest}

    async def resume(self) -> None:
        """Go on from what is stored; see :class:`Subscription`."""
        self._held = {}
        await self._take_share()

    async def step(self, wait_seconds: float) -> int:
        """Read and apply the next page for the partitions that are furthest behind; returns how many
        events it had.
        """
        loop = asyncio.get_running_loop()
        if loop.time() >= self._renewed_at + RENEW_SECONDS:
            await self._take_share()
        left = max(0.0, self._renewed_at + RENEW_SECONDS - loop.time())
        if not self._held:
            await asyncio.sleep(left)
            return 0
        positions = sorted({held.reached.position for held in self._held.values()})
        lowest, higher = positions[0], positions[1] if len(positions) > 1 else None
        page = await self._prefetch.page(lowest, min(wait_seconds, left) if higher is None else 0)
        if min(page.last, page.next) < lowest:
            raise SourceWentBackwardsError(f"{self.source} ends at position {page.last}, but {lowest} was read already")
        self.lag.source_position = max(page.last, page.next)
        events = decode_lines(page.lines, self._decode)
        until = page.next if higher is None else min(page.next, higher)
        if until > lowest:
            await self._apply_to(lowest, until, [event for event in events if event.position <= until])
            if self._on_applied is not None:
                await self._on_applied()
        await self._note_position(page)
        return len(page.lines)

    async def _note_position(self, page: FeedPage) -> None:
        position = min(held.reached.position for held in self._held.values())
        async with self._advanced:
            self.lag.position = position
            if position >= page.last:
                self.lag.waiting_since = None
            self._advanced.notify_all()

    async def _apply_to(self, lowest: int, until: int, events: Sequence[EventT]) -> None:
        """Apply what is the partitions' own of those at one position, in a transaction that holds the
        ones with events, and move them all on.
        """
        group = {number: held for number, held in self._held.items() if held.reached.position == lowest}
        own = [event for event in events if partition_of(event.stream) in group]
        for_all = [event for event in events if self._concerns_all(event)]
        end = Reached(until, events[-1].id if events and events[-1].position == until else None)
        touched = set(group) if for_all else {partition_of(event.stream) for event in own}
        if touched:
            self.lag.waiting_since = (own or for_all)[0].recorded_at
            wanted = [event for event in events if partition_of(event.stream) in group or self._concerns_all(event)]
            self._applying = frozenset(group)
            await self._apply_in_transaction({number: group[number].stored for number in touched}, end, own, wanted)
        for number, held in group.items():
            if number in touched:
                held.stored = Cursor(epoch=held.stored.epoch, position=until, last_event=end.last_event)
            held.reached = end

    async def _apply_in_transaction(
        self, cursors: dict[int, Cursor], end: Reached, own: Sequence[EventT], wanted: Sequence[EventT]
    ) -> None:
        async with self._database.transaction() as connection:
            await self._partitions.advance(connection, self.source, self._member, cursors, end)
            advancing = await self._checkpoints.advancing_streams(connection, self.source, own)
            effect = await self._apply(connection, [event for event in wanted if event.is_known])
            await write(connection, *advancing, *(effect or ()))

    async def _take_share(self) -> None:
        """Renew the leases, and learn which partitions are this process's now. What was read stays
        known of those that are the same.
        """
        reached = {number: held.reached for number, held in self._held.items()}
        async with self._database.transaction() as connection:
            cursors = await self._partitions.take_share(connection, self.source, self._member, reached)
        self._renewed_at = asyncio.get_running_loop().time()
        before, self._held = self._held, {}
        for number, cursor in cursors.items():
            old = before.get(number)
            if old is None or old.stored.epoch != cursor.epoch:
                self._held[number] = _Held(cursor, Reached(cursor.position, cursor.last_event))
            else:
                self._held[number] = _Held(
                    cursor, max(old.reached, Reached(cursor.position, cursor.last_event), key=_at)
                )
        new = self._held.keys() - before.keys()
        await self._check_source({self._held[number].reached for number in new})
        if new and self._on_applied is not None:
            await self._on_applied()  # what rests on the partitions is this process's now

    async def _check_source(self, places: set[Reached]) -> None:
        """Raises SourceWentBackwardsError where the source has another event at one of the positions,
        as after a restored backup that has grown.
        """
        for place in places:
            if place.last_event is None:
                continue
            page = await self._feed.page(place.position - 1, 1, 0)
            found = self._decode(page.lines[0]) if page.lines else None
            if found is None or (found.position, found.id) != (place.position, place.last_event):
                self._held = {}
                raise SourceWentBackwardsError(
                    f"{self.source} has not the event at position {place.position} that was read there"
                )

    async def _leave(self) -> None:
        reached = {number: held.reached for number, held in self._held.items()}
        self._held = {}
        async with self._database.transaction() as connection:
            await self._partitions.leave(connection, self.source, self._member, reached)


def _at(reached: Reached) -> int:
    return reached.position

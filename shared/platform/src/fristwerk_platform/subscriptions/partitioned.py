"""Following a source together with other processes: each applies the events of its partitions.

A process reads the whole feed, which costs little, and applies what is its own, which costs much.
It works at one position where it can: partitions taken over lie behind, and are brought up first.

A page is applied in parts, each in a transaction of its own, and leases are renewed between them: a
transaction that outlasted the lease would be ended by the server, and again with every try. So
parts become smaller where one fails or takes long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Generic

import msgspec

from fristwerk_platform.read_models import Database, write
from fristwerk_platform.subscriptions.batch_delay import BatchDelay
from fristwerk_platform.subscriptions.checkpoints import Checkpoints, SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import Decode, EventT, decode_lines
from fristwerk_platform.subscriptions.feed import Feed
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.subscriptions.partitions import Cursor, Partitions, Reached, partition_of
from fristwerk_platform.subscriptions.subscription import Apply, Subscription

RENEW_SECONDS: Final = 2.0
"""How often a process renews its leases and looks whether it has its share: a fifth of a lease."""
PART: Final = 500
"""Events of its own that a process applies in a transaction at most; so many take tenths of a second where
each stream is derived anew.
"""
SMALLEST_PART: Final = 10


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


class PartSize:
    """How many events go into one transaction: half as many after one that failed or took half of
    the time between two renewals, twice as many after one that took an eighth of it at most. One that
    held less than half of what it may tells nothing of a larger one.
    """

    def __init__(self) -> None:
        self.events = PART
        self.held = 0
        """Events of the part that is applied at the moment."""

    @contextmanager
    def adapted(self) -> Iterator[None]:
        """Adapt the size to what is done meanwhile."""
        began, share = time.monotonic(), 1.0
        try:
            yield
            share = (time.monotonic() - began) / RENEW_SECONDS
        finally:
            if share >= 1 / 2:
                self.events = max(SMALLEST_PART, self.events // 2)
            elif share <= 1 / 8 and self.held * 2 >= self.events:
                self.events = min(PART, self.events * 2)


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
        delay: BatchDelay = BatchDelay(),  # noqa: B008 - immutable
    ) -> None:
        super().__init__(
            source=source,
            feed=feed,
            decode=decode,
            database=database,
            checkpoints=checkpoints,
            apply=apply,
            on_applied=on_applied,
            delay=delay,
        )
        self._partitions = membership.partitions
        self._member = membership.member
        self._concerns_all = membership.concerns_all
        self._held: dict[int, _Held] = {}
        self._applying: frozenset[int] = frozenset()
        self._part = PartSize()
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
        until = page.next if higher is None else min(page.next, higher)
        if until > lowest:
            await self._apply_in_parts(lowest, until, page.lines)
        await self._note_position(page)
        return len(page.lines)

    async def _apply_in_parts(self, lowest: int, until: int, lines: Sequence[bytes]) -> None:
        """Decode lines and apply them to the partitions at one position, part by part. The rest of
        the page is left to the next step where this process has others meanwhile, which lie
        elsewhere.
        """
        start = 0
        while True:
            with self._part.adapted():
                read = self._read_part(lines, start, lowest, until)
                start += len(read)
                part = [event for event in read if event.position <= until]
                is_whole = len(part) < len(read) or start >= len(lines)
                end = until if is_whole else part[-1].position
                await self._apply_to(lowest, end, part)
            lowest = end
            if self._on_applied is not None:
                await self._on_applied()
            if is_whole:
                return
            if asyncio.get_running_loop().time() >= self._renewed_at + RENEW_SECONDS:
                before = self._held.keys()
                await self._take_share()
                if not self._held.keys() <= before:
                    return

    def _read_part(self, lines: Sequence[bytes], start: int, lowest: int, until: int) -> list[EventT]:
        """Decode lines from ``start`` to the position ``until`` that hold about as many events as a part may have, and
        never more.

        What others apply does not count: the more processes there are, the fewer transactions each has for as many lines.
        """
        group = {number for number, held in self._held.items() if held.reached.position == lowest}
        read: list[EventT] = []
        own, most = 0, self._part.events
        while own <= most * 3 // 4 and start + len(read) < len(lines):
            first = start + len(read)
            more = decode_lines(lines[first : first + most - own], self._decode)
            own += sum(
                event.position <= until and (partition_of(event.stream) in group or self._concerns_all(event))
                for event in more
            )
            read += more
            if more[-1].position >= until:
                break
        self._part.held = own
        return read

    async def _note_position(self, page: FeedPage) -> None:
        position = min((held.reached.position for held in self._held.values()), default=self.lag.position)
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

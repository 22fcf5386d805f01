"""Keeps the trees of a log: takes what was recorded into them after the commit, signs their heads,
hashes the log again.

A command pays nothing for it. What is not in a signed head yet is at most the last thousand events
or those of the last seconds. Several processes may keep the trees of one log: whoever comes second
finds the work done.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.event_log import EventLog, FeedLine, LogUnavailableError, is_full_page
from fristwerk_platform.event_log.stored_rows import DamagedEventError
from fristwerk_platform.health import Dependency
from fristwerk_platform.read_models import Database, DatabaseUnavailableError, advisory_lock
from fristwerk_platform.shared_run import SharedRun
from fristwerk_platform.transparency import store
from fristwerk_platform.transparency.comparison import LogComparison, LogContradictsTreeError, different, read_line
from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_platform.transparency.store import Head, Leaf
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import leaf_hash
from fristwerk_proof.tiles import TILE_WIDTH

TAIL_EVENTS: Final = 1_000
"""So many events are waited for, and taken at once."""
TAIL_SECONDS: Final = 10.0
"""So long at most."""
AWAY_SECONDS: Final = 0.2
"""Between two tries while the database is away."""
FINISH_SECONDS: Final = 2.0
SLICE: Final = 250
"""Lines that are hashed again without a pause."""
PAUSES: Final = 4
"""How much longer than its work a check rests, so that it takes a fifth of a processor at most."""
CHECK_SECONDS: Final = 86_400.0
"""How often the whole log is hashed again."""
MOST_EDGES: Final = 200
"""Trees whose right edges are kept in memory, some 20 kB each."""
_log = structlog.get_logger()


class _Reached(msgspec.Struct, frozen=True):
    """How far this process took the log into the trees: the last event, and the edges of trees that
    grew. They are those that are stored as long as nobody else has taken the log further.
    """

    last: Leaf
    edges: dict[str, store.Edge]


class TreeKeeper:
    """The trees over one log, ``name``, in a database of their own."""

    def __init__(
        self, log: EventLog, name: str, database: Database, keys: CheckpointKeys, now: Callable[[], datetime]
    ) -> None:
        self.name = name
        self.database = database
        self.keys = keys
        self.contradiction: str | None = None
        """How the log differs from the trees; ``None`` as far as is known."""
        self.checked_at: datetime | None = None
        """When the whole log was last hashed again and found unchanged."""
        self.check_log_now = SharedRun(partial(self.check_log, pauses=0)).run
        """Hashes the log again without a pause; who asks for it meanwhile shares the next run."""
        self._log = log
        self._now = now
        self._reached: _Reached | None = None

    async def run(self) -> None:
        """Take what is recorded into the trees until cancelled, or until the log contradicts them.

        While the database is away it waits, as :meth:`check` says so.
        """
        while self.contradiction is None:
            with suppress(LogUnavailableError, DatabaseUnavailableError):
                await self.begin()
                while self.contradiction is None:
                    if not is_full_page(await self._step(), TAIL_EVENTS):
                        end = self._reached.last.position if self._reached else await self.position()
                        await self._log.wait(end + TAIL_EVENTS - 1, TAIL_SECONDS)
            await asyncio.sleep(AWAY_SECONDS)

    async def begin(self) -> None:
        """Note where the log is when its trees begin: what came before is covered as it was found."""
        last = await self._log.last_position()
        async with self.database.transaction() as connection:
            await advisory_lock(connection, f"trees {self.name}")
            if await store.read_progress(connection, self.name) is None:
                await store.write_progress(connection, self.name, 0, last)

    async def finish(self) -> None:
        """Take what is left into the trees before the service ends, as far as that goes in two
        seconds.
        """
        with suppress(LogUnavailableError, DatabaseUnavailableError):
            await self.begin()
            ends_at = time.monotonic() + FINISH_SECONDS
            while self.contradiction is None and time.monotonic() < ends_at:
                if not is_full_page(await self._step(), TAIL_EVENTS):
                    return

    async def step(self) -> int:
        """Take up to a thousand more events into the trees and sign the heads.

        Returns how many there were.
        """
        return len(await self._step())

    async def _step(self) -> Sequence[FeedLine]:
        """The events that were taken."""
        async with self.database.transaction() as connection:
            await advisory_lock(connection, f"trees {self.name}")
            stored = await store.read_progress(connection, self.name)
            assert stored is not None, "the trees have begun"
            after, found_until = stored
            if self._reached is not None and self._reached.last.position != after:
                self._reached = None  # another process went further
            if not await self._continues(connection, after):
                return ()
            lines = await self._log.read_newest(after, TAIL_EVENTS)
            if not lines:
                return ()
            added: dict[str, list[Leaf]] = defaultdict(list)
            for each in lines:
                added[read_line.decode(each.line).provider].append(last := Leaf(each.position, leaf_hash(each.line)))
            edges = self._edges()
            self._reached = None  # until the edges are stored as they are about to grow
            grown, heads = [], []
            for provider, leaves in added.items():
                if provider not in edges:
                    edges[provider] = await store.read_edge(connection, provider)
                edge = edges[provider]
                grown += store.tile_rows(provider, edge, sorted(edge.add(leaves)))
                heads.append(self._signed(provider, edge, leaves[-1].position, found_until))
            await store.write_growth(connection, self.name, last.position, found_until, grown, heads)
        for edge in edges.values():
            edge.forget_what_is_full()
        self._reached = _Reached(last, edges)
        return lines

    def _edges(self) -> dict[str, store.Edge]:
        """The edges of trees that this process knows."""
        return {} if self._reached is None or len(self._reached.edges) > MOST_EDGES else self._reached.edges

    async def position(self) -> int:
        """How far the log was taken into the trees."""
        async with self.database.reading() as connection:
            stored = await store.read_progress(connection, self.name)
        return stored[0] if stored else 0

    def origin(self, provider: str) -> str:
        """What the provider's tree is called."""
        return self.keys.origin(provider, self.name)

    async def check(self) -> Dependency:
        """For ``/health/ready``: whether the log is the one that was hashed, and how many events no
        head covers yet.
        """
        if self.contradiction is not None:
            return Dependency(ok=False, detail=self.contradiction)
        return Dependency(ok=True, detail=f"{await self.tail()} events are in no signed head yet")

    async def tail(self) -> int:
        """How many positions of the log no head covers yet."""
        return max(0, await self._log.last_position() - await self.position())

    async def keep_checking(self) -> None:
        """Hash the whole log again at the start and once a day, until cancelled or the log
        contradicts the trees.
        """
        while self.contradiction is None:
            with suppress(LogUnavailableError):
                await self.check_log()
            await asyncio.sleep(CHECK_SECONDS)

    async def check_log(self, *, pauses: int = PAUSES) -> str | None:
        """Hash the log again and compare it with the trees, as far as they go.

        Returns how it differs.
        """
        try:
            async with self.database.reading() as connection:
                names = await store.providers(connection)
            comparison = LogComparison(self.database, names)
            end, after = await self.position(), 0
            while after < end:
                began = time.monotonic()
                lines = await self._log.read_feed(after, SLICE)
                await comparison.compare([each for each in lines if each.position <= end])
                after = lines[-1].position if lines else end
                await asyncio.sleep(pauses * (time.monotonic() - began))
            await comparison.nothing_left(end)
        except (LogContradictsTreeError, DamagedEventError) as error:
            self._contradicted(str(error))
        else:
            self.checked_at = self._now()
        return self.contradiction

    async def _continues(self, connection: AsyncConnection, after: int) -> bool:
        """Whether the last event that was taken is still the one there.

        A log that lost its tail must not go on.
        """
        if after == 0:
            return True
        lines = await self._log.read_feed(after - 1, 1)
        if not lines or lines[0].position != after:
            last = await self._log.last_position()
            self._contradicted(f"The log ends at position {last}, but its tree reaches to {after}.")
            return False
        if await self._leaf_before(connection, lines[0]) != Leaf(after, leaf_hash(lines[0].line)):
            self._contradicted(different(lines[0]))
            return False
        return True

    async def _leaf_before(self, connection: AsyncConnection, line: FeedLine) -> Leaf | None:
        """The last leaf of the tree of the line's provider."""
        if self._reached is not None:
            return self._reached.last
        provider = read_line.decode(line.line).provider
        edge = await store.read_edge(connection, provider)
        leaves = await store.read_leaves(connection, provider, max(0, edge.size - 1) // TILE_WIDTH)
        return leaves[-1] if leaves else None

    def _signed(self, provider: str, edge: store.Edge, position: int, found_until: int) -> Head:
        origin = self.origin(provider)
        return Head(
            provider=provider,
            size=edge.size,
            position=position,
            signed_at=self._now(),
            as_found=position <= found_until,
            note=self.keys.signed(Checkpoint(origin, edge.size, edge.root())),
        )

    def _contradicted(self, sentence: str) -> None:
        if self.contradiction is None:
            self.contradiction = sentence
            _log.error("log_contradicts_tree", log=self.name, sentence=sentence)

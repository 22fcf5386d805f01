"""Rebuilding a read model next to the running service: its next version is made from the logs, compared, and activated.

The services keep running. Their writes wait only for the switch, some tens of milliseconds: the next version is brought to
exactly the positions that the live one has reached, rows that no log holds are copied, and the live version records what replaced
it. A rebuild that is killed before that leaves a version that nothing uses, and the next rebuild drops it.

In this module a version is always one of the read model, never of a stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from hashlib import sha256
from typing import Any, Final, Generic

import msgspec
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import NewerDatabaseError, SqlDatabase
from fristwerk_platform.read_models.blue_green import mark_live, mark_replaced, newest, writes_blocked
from fristwerk_platform.read_models.carry_over import TableComparison, compare, copy_kept, derived
from fristwerk_platform.read_models.versions import ReadModelVersions, RebuildError
from fristwerk_platform.subscriptions.checkpoints import Checkpoints
from fristwerk_platform.subscriptions.decoding import Decode, EventT, decode_lines, position_of
from fristwerk_platform.subscriptions.feed import BATCH, Feed, SourceUnavailableError
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.subscriptions.prefetch import Prefetch
from fristwerk_platform.subscriptions.subscription import Apply, apply_events

MAX_BLOCKED_SECONDS: Final = 4.0
"""How long the services' writes may wait for a switch before it is put off. They give up after ten seconds (SQLite) or thirty."""
SWITCH_ATTEMPTS: Final = 10
PAUSE_SECONDS: Final = 0.5
PROGRESS_SECONDS: Final = 1.0
"""How often the progress is reported."""


Contradiction = Callable[[], Awaitable[str | None]]
"""The sentence by which a log is not what it was; ``None`` where it is."""


class Source(msgspec.Struct, Generic[EventT], frozen=True, kw_only=True):
    """A log that a read model follows: its name in the checkpoints, its feed, how to decode its lines and to apply its events."""

    name: str
    feed: Feed
    decode: Decode[EventT]
    apply: Apply[EventT]


class Rebuild:
    """Makes the next version of one read model and activates it."""

    def __init__(
        self,
        *,
        versions: ReadModelVersions,
        metadata: MetaData,
        checkpoints: Checkpoints,
        sources: Sequence[Source[Any]],
        say: Callable[[str], None],
        settle: Callable[[AsyncConnection], Awaitable[None]] | None = None,
        contradictions: Sequence[Contradiction] = (),
    ) -> None:
        """``say`` reports progress; ``settle`` updates what depends on both, events and copied rows.

        ``contradictions`` are asked first: from a log of which one of them says something nothing is made.
        """
        self._versions = versions
        self._metadata = metadata
        self._checkpoints = checkpoints
        self._sources = sources
        self._say = say
        self._settle = settle
        self._contradictions = contradictions

    async def run(self, *, check: bool = False, back: bool = False) -> bool:
        """Rebuild and switch; with ``check`` only rebuild and compare, with ``back`` go back to the version that was replaced.

        Returns whether the live version was what the logs say. Raises RebuildError, SourceUnavailableError; it is then as it was.
        """
        for contradiction in self._contradictions:
            if (sentence := await contradiction()) is not None:
                raise RebuildError(f"{sentence} Nothing is made from such a log; the live version is as it was.")
        async with self._versions.rebuild_lock():
            building = await self._begin(back=back)
            try:
                tables = await self._build(building)
                if not check:
                    await self._switch(building)
            finally:
                await building.close()
            kept = {building.live_number, building.earlier if check else building.number}
            await self._drop_all_but(kept)
        return all(table.live == table.built for table in tables)

    async def _begin(self, *, back: bool) -> _Building:
        """The version to build: a new one, or the previous one. Raises RebuildError."""
        live = await self._live()
        earlier = max((each for each in await self._versions.existing() if each < live), default=live)
        await self._drop_all_but({live, earlier})
        if back and earlier == live:
            raise RebuildError(
                f"Version {live} of the read model {self._versions.name} replaced none that still exists."
            )
        building = _Building(self._versions, live, earlier, earlier if back else live + 1)
        self._say(f"{self._versions.name}: version {building.number} is built next to version {live}")
        try:
            await building.database.create()
        except NewerDatabaseError as error:
            await building.close()
            raise RebuildError(str(error)) from error
        return building

    async def _live(self) -> int:
        """The version in use, whatever the pointer names. Raises RebuildError where there is none."""
        active = await self._versions.active()
        if active not in await self._versions.existing():
            raise RebuildError(
                f"There is no read model {self._versions.name} yet; the service makes it when it starts."
            )
        database = self._versions.open(active)
        try:
            # An older program may find tables that a newer one migrated; what it needs is there, as revisions only add.
            with suppress(NewerDatabaseError):
                await database.create()
            return await newest(self._versions, active, database)
        finally:
            await database.close()

    async def _build(self, building: _Building) -> list[TableComparison]:
        """Apply the sources nearly up to where the live version is, then compare the two as of one moment."""
        for source in self._sources:
            await self._catch_up(building, source)
        async with building.database.transaction() as connection:
            await self._bring_to_live(connection, building.live_schema)
            tables = [await compare(connection, table, building.live_schema) for table in derived(self._metadata)]
            at = [f"{each.name} {await self._checkpoints.position(connection, each.name)}" for each in self._sources]
            await self._analyze(connection)
        self._say(f"{self._versions.name}: compared at {', '.join(at)}: {summary(tables)}")
        return tables

    async def _catch_up(self, building: _Building, source: Source[Any]) -> None:
        """Apply page after page, each in a transaction."""
        async with building.database.reading() as connection:
            at = await self._checkpoints.position(connection, source.name)
        progress = _Progress(self._say, source.name)
        async with aclosing(Prefetch(source.feed)) as prefetch:
            while (until := await self._live_position(building, source)) - at >= BATCH:
                page = _cut(await prefetch.page(at, 0), source, at, until)
                async with building.database.transaction() as connection:
                    await self._apply(connection, source, at, page)
                at = page.next
                progress.report(len(page.lines), at, until)

    async def _live_position(self, building: _Building, source: Source[Any]) -> int:
        async with building.live.reading() as connection:
            return await self._checkpoints.position(connection, source.name)

    async def _bring_to_live(self, connection: AsyncConnection, live_schema: str) -> None:
        """Make the next version equal to the live one as of the beginning of the transaction."""
        for source in self._sources:
            until = await self._checkpoints.position(connection, source.name, live_schema)
            at = await self._checkpoints.position(connection, source.name)
            while at < until:
                page = _cut(await source.feed.page(at, BATCH, 0), source, at, until)
                await self._apply(connection, source, at, page)
                at = page.next
        await copy_kept(connection, self._metadata, live_schema)
        if self._settle is not None:
            await self._settle(connection)

    async def _apply(self, connection: AsyncConnection, source: Source[Any], after: int, page: FeedPage) -> None:
        events = decode_lines(page.lines, source.decode)
        await apply_events(connection, self._checkpoints, source.name, after, page.next, events, source.apply)

    async def _analyze(self, connection: AsyncConnection) -> None:
        """PostgreSQL plans by statistics, which it would gather only some time after the switch."""
        if connection.dialect.name == "postgresql":
            names = ", ".join(f'"{table.name}"' for table in self._metadata.sorted_tables)
            await connection.execute(text(f"ANALYZE {names}"))

    async def _switch(self, building: _Building) -> None:
        """Come close while the services write, so that they wait only for the rest. Raises RebuildError."""
        for _ in range(SWITCH_ATTEMPTS):
            async with building.database.transaction() as connection:
                await self._bring_to_live(connection, building.live_schema)
            began = time.monotonic()
            async with writes_blocked(building.live) as live:
                in_time = await self._bring_in_time(building)
                if in_time:
                    await mark_replaced(live, building.number)
            if in_time:
                waited = round((time.monotonic() - began) * 1000)
                await self._versions.activate(building.number)
                self._say(f"{self._versions.name}: version {building.number} is in use; writing waited {waited} ms")
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise RebuildError(
            f"{self._versions.name} could not be switched within {MAX_BLOCKED_SECONDS} s; nothing was changed."
        )

    async def _bring_in_time(self, building: _Building) -> bool:
        """Whether the next version became equal to the blocked one before the waiting writers give up."""
        try:
            async with asyncio.timeout(MAX_BLOCKED_SECONDS), building.database.transaction() as connection:
                await self._bring_to_live(connection, building.live_schema)
                await mark_live(connection)
        except (TimeoutError, SourceUnavailableError):
            return False
        return True

    async def _drop_all_but(self, kept: set[int]) -> None:
        for number in await self._versions.existing():
            if number not in kept and not await self._versions.drop(number):
                self._say(f"{self._versions.name}: version {number} is still being read; it stays for the moment")


class _Building:
    """A version that is being built, and the live one; ``earlier`` is the version that the live one replaced."""

    def __init__(self, versions: ReadModelVersions, live: int, earlier: int, number: int) -> None:
        self.live_number = live
        self.earlier = earlier
        self.number = number
        self.live: SqlDatabase = versions.open(live)
        self.database, self.live_schema = versions.open_next_to(live, number)

    async def close(self) -> None:
        await self.database.close()
        await self.live.close()


class _Progress:
    """Reports now and then how far a source is applied."""

    def __init__(self, say: Callable[[str], None], source: str) -> None:
        self._say = say
        self._source = source
        self._began = self._reported_at = time.monotonic()
        self._events = 0

    def report(self, events: int, at: int, until: int) -> None:
        self._events += events
        now = time.monotonic()
        if now - self._reported_at >= PROGRESS_SECONDS or at >= until - BATCH:
            self._reported_at = now
            rate = round(self._events / max(now - self._began, 0.001))
            self._say(f"  {self._source}: {self._events} events, at {at} of {until}, {rate} a second")


def summary(tables: Sequence[TableComparison]) -> str:
    """The comparison as a sentence: ``same`` with the digest, or how many rows differ and where."""
    differing = {table.table: table.differing for table in tables if table.live != table.built}
    rows = sum(table.rows for table in tables)
    live, built = _combined([table.live for table in tables]), _combined([table.built for table in tables])
    if not differing:
        return f"same ({rows} rows, digest {live})"
    where = ", ".join(f"{count} in {table}" for table, count in differing.items())
    return f"{sum(differing.values())} differing rows ({where}; digest {live}, rebuilt {built})"


def _combined(digests: Sequence[str]) -> str:
    return sha256("".join(digests).encode()).hexdigest()[:16]


def _cut(page: FeedPage, source: Source[Any], after: int, until: int) -> FeedPage:
    """The page up to a position. Raises RebuildError where the source ends before it."""
    if page.next <= after:
        raise RebuildError(
            f"{source.name} ends at position {page.last}, but {until} was read already; nothing was changed."
        )
    if page.next <= until:
        return page
    lines = [line for line in page.lines if position_of(line) <= until]
    return FeedPage(lines=lines, next=until, last=page.last)

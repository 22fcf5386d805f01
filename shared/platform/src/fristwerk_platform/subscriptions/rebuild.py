"""Rebuilding a read model beside the running service: the next generation is made from the logs, compared, and put in use.

The services go on meanwhile. For the switch alone their writing waits, some tens of milliseconds: the next generation is brought
to exactly the positions that the live one has reached, what no log holds is copied, and the live one says what replaced it. A
rebuild that is killed before that leaves a generation that nobody uses, and the next rebuild drops it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import read_line
from fristwerk_platform.read_models import Database, NewerDatabaseError
from fristwerk_platform.read_models.blue_green import newest, reinstate, replace, writes_blocked
from fristwerk_platform.read_models.carry_over import Comparison, compare, copy_kept, derived
from fristwerk_platform.read_models.versions import ReadModelVersions, RebuildError
from fristwerk_platform.subscriptions.feed import BATCH, Feed, Page, Prefetch, SourceUnavailableError
from fristwerk_platform.subscriptions.subscription import Apply, Checkpoints, apply_page, read_page

HALTED_SECONDS: Final = 4.0
"""So long the services' writing may wait for a switch; then it is put off. They give up after ten (SQLite) or thirty."""
TRIES: Final = 10
PAUSE_SECONDS: Final = 0.5
SAY_SECONDS: Final = 1.0
"""How often the progress is said."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A log that a read model follows: under which name, where its pages come from, and what a batch of it does."""

    name: str
    feed: Feed
    apply: Apply


class Rebuild:
    """Makes the next generation of one read model, and puts it in use."""

    def __init__(
        self,
        *,
        places: ReadModelVersions,
        metadata: MetaData,
        following: Checkpoints,
        sources: Sequence[Source],
        say: Callable[[str], None],
        settle: Callable[[AsyncConnection], Awaitable[None]] | None = None,
    ) -> None:
        """``settle`` puts in order what rests on both, events and copied rows."""
        self._places = places
        self._metadata = metadata
        self._following = following
        self._sources = sources
        self._say = say
        self._settle = settle

    async def run(self, *, check: bool = False, back: bool = False) -> None:
        """Rebuild and switch; with ``check`` only rebuild and compare, with ``back`` go back to what the live one replaced.

        Raises RebuildError, SourceUnavailableError; then the live generation is as it was.
        """
        async with self._places.alone():
            building = await self._begin(back=back)
            try:
                await self._build(building)
                if not check:
                    await self._switch(building)
            finally:
                await building.close()
            others = {building.live_number, building.earlier if check else building.number}
            await self._drop_all_but(others)

    async def _begin(self, *, back: bool) -> _Building:
        """The generation to build: a new one, or the one before. Raises RebuildError."""
        live = await self._live()
        earlier = max((each for each in await self._places.present() if each < live), default=live)
        await self._drop_all_but({live, earlier})
        if back and earlier == live:
            raise RebuildError(
                f"Generation {live} of the read model {self._places.name} replaced none that is still there."
            )
        building = _Building(self._places, live, earlier, earlier if back else live + 1)
        self._say(f"{self._places.name}: generation {building.number} is built beside generation {live}")
        try:
            await building.database.create()
        except NewerDatabaseError as error:
            await building.close()
            raise RebuildError(str(error)) from error
        return building

    async def _live(self) -> int:
        """The generation in use, whatever the pointer says. Raises RebuildError where there is none."""
        pointed = await self._places.pointer()
        if pointed not in await self._places.present():
            raise RebuildError(f"There is no read model {self._places.name} yet; the service makes it when it starts.")
        database = self._places.opened(pointed)
        try:
            # A version that goes back finds tables that a newer one migrated; what it needs is there, as revisions only add.
            with suppress(NewerDatabaseError):
                await database.create()
            return await newest(self._places, pointed, database)
        finally:
            await database.close()

    async def _build(self, building: _Building) -> None:
        """Apply the sources nearly up to where the live generation is, then compare the two as of one moment."""
        for source in self._sources:
            await self._catch_up(building, source)
        async with building.database.transaction() as connection:
            await self._bring_to_live(connection, building.live_schema)
            tables = [await compare(connection, table, building.live_schema) for table in derived(self._metadata)]
            at = [f"{each.name} {await self._following.position(connection, each.name)}" for each in self._sources]
            await self._gather_statistics(connection)
        self._say(f"{self._places.name}: compared at {', '.join(at)}: {compared(tables)}")

    async def _catch_up(self, building: _Building, source: Source) -> None:
        """Page after page, each in a transaction."""
        async with building.database.reading() as connection:
            at = await self._following.position(connection, source.name)
        progress = _Progress(self._say, source.name)
        async with aclosing(Prefetch(source.feed)) as reading:
            while (until := await self._live_position(building, source)) - at >= BATCH:
                page = _until(await reading.page(at, 0), source, at, until)
                batch = read_page(page)
                async with building.database.transaction() as connection:
                    await apply_page(connection, self._following, source.name, at, page, batch, source.apply)
                at = page.next
                progress.done(len(batch), at, until)

    async def _live_position(self, building: _Building, source: Source) -> int:
        async with building.live.reading() as connection:
            return await self._following.position(connection, source.name)

    async def _bring_to_live(self, connection: AsyncConnection, live: str) -> None:
        """Let the next generation hold exactly what the live one does as of the transaction's beginning."""
        for source in self._sources:
            until = await self._following.position(connection, source.name, live)
            at = await self._following.position(connection, source.name)
            while at < until:
                page = _until(await source.feed.page(at, BATCH, 0), source, at, until)
                await apply_page(connection, self._following, source.name, at, page, read_page(page), source.apply)
                at = page.next
        await copy_kept(connection, self._metadata, live)
        if self._settle is not None:
            await self._settle(connection)

    async def _gather_statistics(self, connection: AsyncConnection) -> None:
        """PostgreSQL plans by statistics, which it would gather only some time after the switch."""
        if connection.dialect.name == "postgresql":
            names = ", ".join(f'"{table.name}"' for table in self._metadata.sorted_tables)
            await connection.execute(text(f"ANALYZE {names}"))

    async def _switch(self, building: _Building) -> None:
        """Come close while the services write, and let them wait for the rest only. Raises RebuildError."""
        for _ in range(TRIES):
            async with building.database.transaction() as connection:
                await self._bring_to_live(connection, building.live_schema)
            began = time.monotonic()
            async with writes_blocked(building.live) as live:
                brought = await self._bring_in_time(building)
                if brought:
                    await replace(live, building.number)
            if brought:
                waited = round((time.monotonic() - began) * 1000)
                await self._places.point_to(building.number)
                self._say(f"{self._places.name}: generation {building.number} is in use; writing waited {waited} ms")
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise RebuildError(f"{self._places.name} could not be switched within {HALTED_SECONDS} s; nothing was changed.")

    async def _bring_in_time(self, building: _Building) -> bool:
        """Whether the next generation holds what the halted one does, before those who wait give up."""
        try:
            async with asyncio.timeout(HALTED_SECONDS), building.database.transaction() as connection:
                await self._bring_to_live(connection, building.live_schema)
                await reinstate(connection)
        except (TimeoutError, SourceUnavailableError):
            return False
        return True

    async def _drop_all_but(self, kept: set[int]) -> None:
        for each in await self._places.present():
            if each not in kept and not await self._places.drop(each):
                self._say(f"{self._places.name}: generation {each} is still read by somebody; it stays for the moment")


class _Building:
    """A generation on its way, beside the live one; ``earlier`` is what that one replaced."""

    def __init__(self, places: ReadModelVersions, live: int, earlier: int, number: int) -> None:
        self.live_number = live
        self.earlier = earlier
        self.number = number
        self.live: Database = places.opened(live)
        self.database, self.live_schema = places.beside(number, live)

    async def close(self) -> None:
        await self.database.close()
        await self.live.close()


class _Progress:
    """Says now and then how far a source is applied."""

    def __init__(self, say: Callable[[str], None], source: str) -> None:
        self._say = say
        self._source = source
        self._began = self._said = time.monotonic()
        self._events = 0

    def done(self, events: int, at: int, until: int) -> None:
        self._events += events
        now = time.monotonic()
        if now - self._said >= SAY_SECONDS or at >= until - BATCH:
            self._said = now
            rate = round(self._events / max(now - self._began, 0.001))
            self._say(f"  {self._source}: {self._events} events, at {at} of {until}, {rate} a second")


def compared(tables: Sequence[Comparison]) -> str:
    """The comparison as a sentence: ``same`` with the digest, or how many rows differ and where."""
    differing = {each.table: each.differing for each in tables if each.live != each.built}
    rows = sum(each.rows for each in tables)
    live, built = (_together(side) for side in ([each.live for each in tables], [each.built for each in tables]))
    if not differing:
        return f"same ({rows} rows, digest {live})"
    where = ", ".join(f"{count} in {table}" for table, count in differing.items())
    return f"{sum(differing.values())} differing rows ({where}; digest {live}, rebuilt {built})"


def _together(digests: Sequence[str]) -> str:
    return sha256("".join(digests).encode()).hexdigest()[:16]


def _until(page: Page, source: Source, after: int, until: int) -> Page:
    """The page up to a position. Raises RebuildError where the source ends before it."""
    if page.next <= after:
        raise RebuildError(
            f"{source.name} ends at position {page.last}, but {until} was read already; nothing was changed."
        )
    if page.next <= until:
        return page
    lines = [line for line in page.lines if read_line(line).position <= until]
    return Page(lines=lines, next=until, last=page.last)

"""Following a source exactly once: the effect of a batch and the position after it share one transaction.

A checkpoint in a transaction of its own doubled 18 invoice lines in 40 kills; effect and position together, none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Final

import msgspec
import structlog
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, UnknownEvent, UnreadableEvent, decode_tolerantly
from fristwerk_platform.read_models import Database, advisory_lock, in_list, store
from fristwerk_platform.subscriptions.feed import BATCH, Feed, Page, Prefetch, SourceUnavailableError

WAIT_SECONDS: Final = 25.0
RETRY_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_log = structlog.get_logger()

Apply = Callable[[AsyncConnection, Sequence[Recorded]], Awaitable[None]]


class SourceWentBackwardsError(Exception):
    """The source's log ends before what was already read, has other events, or a stream lost a version: a restored backup.

    Going on would derive wrong figures, so the consumer stops and health says so.
    """


class PositionMovedError(Exception):
    """Another process that follows for the same database was first."""


class Lag(msgspec.Struct, kw_only=True):
    """How far a consumer is behind, when it last heard from its source, and what is wrong, if anything is."""

    position: int = 0
    source_position: int = 0
    waiting_since: datetime | None = None
    """When the oldest event that is not applied yet was recorded; null where nothing is known to wait."""
    heard_at: datetime | None = None
    failing_because: str | None = None
    """Applying fails and is tried again; only the error's name, since its message may tell what is in an event."""
    stopped_because: str | None = None


class Checkpoints:
    """How far a consumer has read each source, and each stream's last version, in the consumer's own database."""

    def __init__(self, metadata: MetaData) -> None:
        self._positions = Table(
            "followed_positions",
            metadata,
            Column("source", String, primary_key=True),
            Column("position", BigInteger, nullable=False),
            Column("last_event", String),
        )
        self._versions = Table(
            "followed_streams",
            metadata,
            Column("source", String, primary_key=True),
            Column("stream", String, primary_key=True),
            Column("version", Integer, nullable=False),
        )

    async def position(self, connection: AsyncConnection, source: str, schema: str | None = None) -> int:
        """The last position applied, 0 at the beginning; ``schema`` is where another generation lies."""
        positions = self._positions if schema is None else self._positions.to_metadata(MetaData(), schema=schema)
        statement = select(positions.c.position).where(positions.c.source == source)
        return (await connection.execute(statement)).scalar() or 0

    async def last_event(self, connection: AsyncConnection, source: str) -> str | None:
        """The id of the event at the last position applied."""
        statement = select(self._positions.c.last_event).where(self._positions.c.source == source)
        return (await connection.execute(statement)).scalar()

    async def hold(self, connection: AsyncConnection, source: str) -> None:
        """Let nobody else apply anything of the source until the transaction ends."""
        await advisory_lock(connection, f"follow {source}")

    async def advance(
        self, connection: AsyncConnection, source: str, after: int, page: Page, batch: Sequence[Recorded]
    ) -> None:
        """Remember the page that follows a position as applied.

        Raises SourceWentBackwardsError if a stream's versions do not follow one another, PositionMovedError if the stored
        position is another one by now.
        """
        await self.hold(connection, source)
        if await self.position(connection, source) != after:
            raise PositionMovedError(source)
        await self._check_versions(connection, source, batch)
        last_event = batch[-1].envelope.id if batch else None
        row = {"source": source, "position": page.next, "last_event": last_event}
        await store(connection, self._positions, [row])

    async def _check_versions(self, connection: AsyncConnection, source: str, batch: Sequence[Recorded]) -> None:
        streams = sorted({each.envelope.stream for each in batch})
        if not streams:
            return
        statement = select(self._versions.c.stream, self._versions.c.version).where(
            self._versions.c.source == source, in_list(connection, self._versions.c.stream, streams)
        )
        versions: dict[str, int] = {row[0]: row[1] for row in (await connection.execute(statement)).all()}
        for each in batch:
            stream, version = each.envelope.stream, each.envelope.version
            if version != versions.get(stream, 0) + 1:
                raise SourceWentBackwardsError(
                    f"stream {stream} continues with version {version} after {versions.get(stream, 0)}"
                )
            versions[stream] = version
        rows = [{"source": source, "stream": stream, "version": versions[stream]} for stream in streams]
        await store(connection, self._versions, rows)


def read_page(page: Page) -> list[Recorded]:
    """The page's events; what is not known or cannot be read is said in the service's log."""
    batch = [decode_tolerantly(line) for line in page.lines]
    for each in batch:
        if isinstance(each.event, UnknownEvent):
            _log.info("unknown_event_skipped", type=each.envelope.type, position=each.envelope.position)
        elif isinstance(each.event, UnreadableEvent):
            _log.error("unreadable_event", type=each.envelope.type, position=each.envelope.position)
    return batch


async def apply_page(
    connection: AsyncConnection,
    following: Checkpoints,
    source: str,
    after: int,
    page: Page,
    batch: Sequence[Recorded],
    apply: Apply,
) -> None:
    """The effect of a page that follows a position, and the position after it, inside one transaction.

    Raises what :meth:`Checkpoints.advance` raises.
    """
    await following.advance(connection, source, after, page, batch)
    await apply(connection, [each for each in batch if not isinstance(each.event, UnknownEvent)])


class Subscription:
    """Follows one source into one database, for as long as :meth:`run` runs."""

    def __init__(
        self,
        *,
        source: str,
        feed: Feed,
        database: Database,
        following: Checkpoints,
        apply: Apply,
        applied: Callable[[], Awaitable[None]] | None = None,
        pause_seconds: float = 0.0,
    ) -> None:
        """``pause_seconds`` is how long events may gather for one transaction while nobody waits in :meth:`reached`."""
        self.source = source
        self.lag = Lag()
        self._feed = feed
        self._reading = Prefetch(feed)
        self._database = database
        self._following = following
        self._apply = apply
        self._applied = applied
        self._pause_seconds = pause_seconds
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._advanced = asyncio.Condition()

    async def run(self, now: Callable[[], datetime]) -> None:
        """Follow until cancelled; whatever fails is tried again from the stored position on, after growing pauses.

        Only a source that went backwards ends it: ``lag.stopped_because`` says so.
        """
        async with aclosing(self._reading):
            await self._run(now)

    async def _run(self, now: Callable[[], datetime]) -> None:
        failures, resuming = 0, True
        while True:
            try:
                if resuming:
                    await self.resume()
                # The first page is not waited for, so that a source that went backwards is noticed at once.
                if 0 < await self.step(0.0 if resuming else WAIT_SECONDS) < BATCH:
                    await self._pause()
            except SourceWentBackwardsError as error:
                await self._stop(str(error))
                return
            except PositionMovedError:
                resuming = True
            except Exception as error:  # noqa: BLE001 - a follower that ended would leave its read model behind for ever
                self._note(error, failures)
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures, resuming = failures + 1, True
            else:
                self.lag.heard_at, self.lag.failing_because = now(), None
                failures, resuming = 0, False

    async def _pause(self) -> None:
        """Let events gather: a transaction takes as long for one as for many."""
        self._wanted.clear()
        if self._pause_seconds and not self._waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._pause_seconds)

    async def resume(self) -> None:
        """Go on after the position that is stored: a commit may have succeeded although it seemed to fail.

        Raises SourceWentBackwardsError where the source has another event there, as after a restored backup that has grown.
        """
        async with self._database.reading() as connection:
            position = self.lag.position = await self._following.position(connection, self.source)
            last_event = await self._following.last_event(connection, self.source)
        if last_event is None:
            return
        page = await self._feed.page(position - 1, 1, 0)
        there = decode_tolerantly(page.lines[0]).envelope if page.lines else None
        if there is None:
            raise SourceWentBackwardsError(
                f"{self.source} ends at position {page.last}, but {position} was read already"
            )
        if (there.position, there.id) != (position, last_event):
            raise SourceWentBackwardsError(f"{self.source} has another event at position {position} than was read")

    def _note(self, error: Exception, failures: int) -> None:
        if isinstance(error, SourceUnavailableError):
            if failures == len(RETRY_SECONDS):
                _log.warning("source_unavailable", source=self.source, error=str(error))
            return
        because = f"{type(error).__name__} after position {self.lag.position}"
        if because != self.lag.failing_because:
            _log.error("applying_failed", source=self.source, after=self.lag.position, exc_info=error)
        self.lag.failing_because = because

    async def _stop(self, because: str) -> None:
        _log.error("source_went_backwards", source=self.source, error=because)
        async with self._advanced:
            self.lag.stopped_because = because
            self._advanced.notify_all()

    async def step(self, wait_seconds: float) -> int:
        """Read and apply what comes next; how many events that were."""
        page = await self._reading.page(self.lag.position, wait_seconds)
        if min(page.last, page.next) < self.lag.position:
            raise SourceWentBackwardsError(
                f"{self.source} ends at position {page.last}, but {self.lag.position} was read already"
            )
        self.lag.source_position = max(page.last, page.next)
        if page.next > self.lag.position:
            await self._apply_page(page)
            if self._applied is not None:
                await self._applied()
        async with self._advanced:
            self.lag.position = page.next
            if page.next >= page.last:
                self.lag.waiting_since = None
            self._advanced.notify_all()
        return len(page.lines)

    async def _apply_page(self, page: Page) -> None:
        batch = read_page(page)
        if batch:
            self.lag.waiting_since = batch[0].envelope.recorded_at
        async with self._database.transaction() as connection:
            await apply_page(connection, self._following, self.source, self.lag.position, page, batch, self._apply)

    async def reached(self, position: int, seconds: float) -> bool:
        """Whether the position is applied, waiting up to ``seconds`` for it, but not once the follower has stopped."""

        def settled() -> bool:
            return self.lag.position >= position or self.lag.stopped_because is not None

        async def wait() -> None:
            async with self._advanced:
                await self._advanced.wait_for(settled)

        if not settled():
            self._waiting += 1
            self._wanted.set()
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wait(), seconds)
            finally:
                self._waiting -= 1
        return self.lag.position >= position

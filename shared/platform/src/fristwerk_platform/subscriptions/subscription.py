"""Subscriptions: applying a source's events exactly once, because effect and checkpoint share one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Final, Generic, Protocol

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Database, Write, write
from fristwerk_platform.read_models.driver import run_on_postgres
from fristwerk_platform.subscriptions.batch_delay import BatchDelay
from fristwerk_platform.subscriptions.checkpoints import CheckpointMovedError, Checkpoints, SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import Decode, EventT, decode_lines
from fristwerk_platform.subscriptions.feed import BATCH, Feed, SourceUnavailableError
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.subscriptions.prefetch import Prefetch

WAIT_SECONDS: Final = 25.0
RETRY_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 0.8)
"""Below a second in all, so that health is well again within a second of its cause."""
_END_WHEN_IDLE: Final = "SELECT set_config('idle_in_transaction_session_timeout', $1, true)"
_log = structlog.get_logger()

Apply = Callable[[AsyncConnection, Sequence[EventT]], Awaitable[Sequence[Write] | None]]
"""Writes the effect of events in the transaction it is given. What it returns is still to be
written, which costs least in the same statement as the checkpoint.
"""


class Lag(msgspec.Struct, kw_only=True):
    """How far a subscription is behind, when it last heard from its source, and what is wrong, if anything is."""

    position: int = 0
    source_position: int = 0
    waiting_since: datetime | None = None
    """When the oldest event that is not applied yet was recorded; ``None`` where no event is known to wait."""
    heard_at: datetime | None = None
    failing_because: str | None = None
    """Applying fails and is retried; only the error's name, because its message may contain data of an event."""
    stopped_because: str | None = None


class Follower(Protocol):
    """What follows a source, as health and figures see it."""

    @property
    def source(self) -> str:
        """The source's name."""
        ...

    @property
    def lag(self) -> Lag:
        """How far it is behind."""
        ...


async def apply_events(
    connection: AsyncConnection,
    checkpoints: Checkpoints,
    source: str,
    after: int,
    until: int,
    events: Sequence[EventT],
    apply: Apply[EventT],
) -> None:
    """Apply the events between two positions and advance the checkpoint, in the given transaction.

    Raises what :meth:`Checkpoints.advancing` raises.
    """
    advancing = await checkpoints.advancing(connection, source, after, until, events)
    effect = await apply(connection, [event for event in events if event.is_known])
    await write(connection, *advancing, *(effect or ()))


class Subscription(Generic[EventT]):
    """Follows one source into one database, for as long as :meth:`run` runs."""

    def __init__(
        self,
        *,
        source: str,
        feed: Feed,
        decode: Decode[EventT],
        database: Database,
        checkpoints: Checkpoints,
        apply: Apply[EventT],
        on_applied: Callable[[], Awaitable[None]] | None = None,
        delay: BatchDelay = BatchDelay(),  # noqa: B008 - immutable
        idle_seconds: float | None = None,
    ) -> None:
        """``delay`` is how long events may accumulate for one transaction while nobody waits in :meth:`reached`.

        ``idle_seconds``: on PostgreSQL the server ends a transaction in which the process stops for longer, so that
        others who follow the same do not wait for it.
        """
        self.source = source
        self.lag = Lag()
        self._feed = feed
        self._prefetch = Prefetch(feed)
        self._decode = decode
        self._database = database
        self._checkpoints = checkpoints
        self._apply = apply
        self._on_applied = on_applied
        self._delay = delay
        self._idle_seconds = idle_seconds
        self._waiters = 0
        self._waited_for = asyncio.Event()
        self._advanced = asyncio.Condition()

    async def run(self, now: Callable[[], datetime]) -> None:
        """Follow until cancelled; whatever fails is retried from the checkpoint on, after growing pauses.

        Only a source that went backwards ends it: ``lag.stopped_because`` then says why.
        """
        async with aclosing(self._prefetch):
            await self._run(now)

    async def _run(self, now: Callable[[], datetime]) -> None:
        failures, resuming = 0, True
        while True:
            try:
                if resuming:
                    await self.resume()
                # The first page is requested without waiting, so that a source that went backwards is noticed at once.
                read = await self.step(0.0 if resuming else WAIT_SECONDS)
                if 0 < read < BATCH and self.lag.position >= self.lag.source_position:
                    await self._rest(self._delay.after(read))
            except SourceWentBackwardsError as error:
                await self._stop(str(error))
                return
            except CheckpointMovedError:
                resuming = True
            except Exception as error:  # noqa: BLE001 - a subscription that ended would leave its read model behind for ever
                self._note(error, failures)
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures, resuming = failures + 1, True
            else:
                self.lag.heard_at, self.lag.failing_because = now(), None
                failures, resuming = 0, False

    async def _rest(self, seconds: float) -> None:
        """Let events accumulate: a transaction takes as long for one as for many."""
        self._waited_for.clear()
        if seconds and not self._waiters:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._waited_for.wait()

    async def resume(self) -> None:
        """Go on after the stored checkpoint: a commit may have succeeded although it seemed to fail.

        Raises SourceWentBackwardsError where the source has another event there, as after a restored backup that has grown.
        """
        async with self._database.reading() as connection:
            position, last_event = await self._checkpoints.last_applied(connection, self.source)
        self.lag.position = position
        if last_event is None:
            return
        page = await self._feed.page(position - 1, 1, 0)
        if not page.lines:
            raise SourceWentBackwardsError(
                f"{self.source} ends at position {page.last}, but {position} was read already"
            )
        found = self._decode(page.lines[0])
        if (found.position, found.id) != (position, last_event):
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
        """Read and apply the next page; returns how many events it had."""
        page = await self._prefetch.page(self.lag.position, wait_seconds)
        if min(page.last, page.next) < self.lag.position:
            raise SourceWentBackwardsError(
                f"{self.source} ends at position {page.last}, but {self.lag.position} was read already"
            )
        self.lag.source_position = max(page.last, page.next)
        if page.next > self.lag.position:
            await self._apply_page(page)
            if self._on_applied is not None:
                await self._on_applied()
        async with self._advanced:
            self.lag.position = page.next
            if page.next >= page.last:
                self.lag.waiting_since = None
            self._advanced.notify_all()
        return len(page.lines)

    async def _apply_page(self, page: FeedPage) -> None:
        events = decode_lines(page.lines, self._decode)
        if events:
            self.lag.waiting_since = events[0].recorded_at
        async with self._database.transaction() as connection:
            if self._idle_seconds is not None:
                await run_on_postgres(connection, _END_WHEN_IDLE, str(round(self._idle_seconds * 1000)))
            await apply_events(
                connection, self._checkpoints, self.source, self.lag.position, page.next, events, self._apply
            )

    async def reached(self, position: int, seconds: float) -> bool:
        """Whether the position is applied, waiting up to ``seconds`` for it, but not once the subscription has stopped."""

        def settled() -> bool:
            return self.lag.position >= position or self.lag.stopped_because is not None

        if not settled():
            self._waiters += 1
            self._waited_for.set()
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds), self._advanced:
                        await self._advanced.wait_for(settled)
            finally:
                self._waiters -= 1
        return self.lag.position >= position

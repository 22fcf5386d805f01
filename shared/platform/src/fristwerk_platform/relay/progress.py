"""What a relay tells about itself: how far the stream is behind the log, whether another relay works, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from fristwerk_platform.metrics import Metrics
from fristwerk_platform.relay.messages import NatsMessage
from fristwerk_platform.relay.stream import StreamEnd
from fristwerk_platform.subscriptions import Feed, Lag


class RelayProgress:
    """How far a relay has come, for health and Prometheus; ``feed`` is asked how far the log is ahead.

    That is asked when figures are collected, and not of the feed that is being relayed: an operator is to see the stream
    fall behind also while nothing can be published.
    """

    def __init__(self, source: str, feed: Feed, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self.source: Final = source
        self.lag: Final = Lag()
        self._feed = feed
        self._now = now
        self._furthest = 0
        self._is_known = False
        self._position = metrics.gauge("relay_position", "Position in the log of the stream's last event")
        self._stands_by = metrics.gauge("relay_stands_by", "1 while another relay adds to the stream")
        self._republished = metrics.counter(
            "relay_republished", "Events published again, since the stream had lost them"
        )
        self._interruptions = metrics.counter("relay_interruptions", "Rounds that ended with an error", "by")

    def reached(self, end: StreamEnd) -> None:
        """The stream ends there."""
        self._is_known = True
        self._furthest = max(self._furthest, end.position)
        self._position.set(end.position)
        self.lag.position = end.position
        if end.position >= self.lag.source_position:
            self.lag.waiting_since = None

    def added(self, messages: Sequence[NatsMessage]) -> None:
        """These are in the stream now; those that had been there before were lost meanwhile."""
        self._republished.inc(sum(each.position <= self._furthest for each in messages))
        self.reached(StreamEnd(messages[-1].position, messages[-1].id))

    def heard(self, last: int) -> None:
        """The log answered, and ends there; nothing is wrong."""
        self.lag.source_position = max(last, self.lag.position)
        self.lag.heard_at, self.lag.failing_because = self._now(), None

    def interrupted(self, error: Exception) -> None:
        """A round ended with an error; another one begins."""
        self._interruptions.labels(type(error).__name__).inc()
        self.lag.failing_because = str(error)

    def stands_by(self, *, does: bool) -> None:
        """Whether another relay is left to work."""
        self._stands_by.set(does)
        if does:
            self.lag.failing_because = None

    async def measure(self) -> None:
        """Ask the log how far it is ahead. Raises SourceUnavailableError."""
        if not self._is_known:
            return
        page = await self._feed.page(self.lag.position, 1, 0)
        self.lag.source_position = max(page.last, self.lag.position)
        self.lag.waiting_since = _recorded.decode(page.lines[0]).recorded_at if page.lines else None


class _Recorded(msgspec.Struct):
    """What is read of a line."""

    recorded_at: datetime


_recorded: Final = msgspec.json.Decoder(_Recorded)

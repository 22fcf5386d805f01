"""Answers that wait in memory because their client does not take them: for how long, and how many
bytes of all connections.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol, TypeVar

from fristwerk_platform.http.connection_limits import ConnectionLimits


class Unsent:
    """What of a connection's answers its client has not taken, and since when too little of it
    went.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self._bytes = 0

    def is_stuck(self, unsent: int, now: float, limits: ConnectionLimits) -> bool:
        """Whether the client takes its answer more slowly than a body may arrive; ``unsent`` are
        the bytes that wait.

        Where more waits than before, something had been taken: while a client takes nothing,
        nothing more is written.
        """
        enough = limits.head_seconds * limits.body_bytes_per_second
        if unsent == 0:
            self.since = None
        elif self.since is None or unsent > self._bytes or self._bytes - unsent >= enough:
            self._bytes, self.since = unsent, now
        else:
            return now - self.since > limits.head_seconds
        return False


class Answering(Protocol):
    """A connection, as far as its answers are concerned."""

    unsent: Unsent

    @property
    def unsent_bytes(self) -> int:
        """How much of its answers waits."""
        ...


Connection = TypeVar("Connection", bound=Answering)


def beyond(limit: int, connections: Collection[Connection], now: float) -> Iterator[Connection]:
    """The connections whose answers have to go, so that what waits in all stays within the limit.

    Those whose clients have been taking nothing for longest come first, then the largest.
    """
    waiting = [(each, size) for each in connections if (size := each.unsent_bytes)]
    total = sum(size for _, size in waiting)
    if total > limit:
        waiting.sort(key=lambda each: (each[0].unsent.since or now, -each[1]))
        for connection, size in waiting:
            if total <= limit:
                return
            total -= size
            yield connection

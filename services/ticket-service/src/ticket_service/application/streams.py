"""States folded from streams and kept for the next command, so that a long history is read once.

A kept state is brought up to date from the log before it is shown; a command may decide on it as it is, because an append
on an old version is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from shared.event_log import EventLog
from shared.events import Envelope, Event, NewEvent, Recorded, UnknownEvent, recorded

State = TypeVar("State")
KEPT_STATES: Final = 10_000


class Loaded(msgspec.Struct, Generic[State], frozen=True):
    """A state with the version it stands at and the provider it belongs to."""

    provider: str
    version: int
    state: State


Evolve = Callable[[State | None, Event, Envelope], State | None]


class Streams(Generic[State]):
    """The streams of one kind; ``evolve`` folds their events."""

    def __init__(self, log: EventLog, evolve: Evolve[State]) -> None:
        self._log = log
        self._evolve = evolve
        self._kept: OrderedDict[str, Loaded[State]] = OrderedDict()

    async def newest(self, stream: str) -> Loaded[State] | None:
        """The state that the log tells now; null if there is no such stream."""
        kept = self._kept.get(stream)
        lines = await self._log.read_stream(stream, kept.version if kept else 0)
        for line in lines:
            kept = self._after(kept, recorded(line.line))
        return self._keep(stream, kept)

    async def kept(self, stream: str) -> Loaded[State] | None:
        """The state as kept, or the newest if none is; good enough to decide on."""
        found = self._kept.get(stream)
        if found is not None:
            self._kept.move_to_end(stream)
            return found
        return await self.newest(stream)

    def after(self, loaded: Loaded[State] | None, lines: list[NewEvent]) -> Loaded[State]:
        """The state after lines about to be stored."""
        for line in lines:
            loaded = self._after(loaded, recorded(line.line))
        assert loaded is not None, "a stream begins with the event that makes its state"
        return loaded

    def stored(self, stream: str, loaded: Loaded[State]) -> None:
        """Keep the state, now that its lines are stored."""
        self._keep(stream, loaded)

    def forget(self, stream: str) -> None:
        """Drop what is kept: somebody else appended."""
        self._kept.pop(stream, None)

    def _after(self, loaded: Loaded[State] | None, each: Recorded) -> Loaded[State] | None:
        envelope = each.envelope
        state = loaded.state if loaded else None
        if not isinstance(each.event, UnknownEvent):
            state = self._evolve(state, each.event, envelope)
        if state is None:
            return None
        return Loaded(loaded.provider if loaded else envelope.provider, envelope.version, state)

    def _keep(self, stream: str, loaded: Loaded[State] | None) -> Loaded[State] | None:
        if loaded is not None:
            self._kept[stream] = loaded
            self._kept.move_to_end(stream)
            if len(self._kept) > KEPT_STATES:
                self._kept.popitem(last=False)
        return loaded

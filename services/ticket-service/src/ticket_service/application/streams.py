"""States folded from streams and kept for the next command, so that a long history is read once.

A kept state is brought up to date from the log before it is shown; a command may decide on it as it is, because an append
on an old version is refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from fristwerk_language.events import Recorded, UnknownEvent, decode
from fristwerk_platform.event_log import EventLog, NewEvent
from ticket_service.application.locks import Locks
from ticket_service.personal_data import Sealed

State = TypeVar("State")
KEPT_STATES: Final = 10_000


class Loaded(msgspec.Struct, Generic[State], frozen=True):
    """A state with the version it stands at, the provider it belongs to, and what its first event sealed."""

    provider: str
    version: int
    state: State
    sealed: Sealed | None = None


Evolve = Callable[[State | None, Recorded], State | None]


class Streams(Generic[State]):
    """The streams of one kind; ``evolve`` folds their events."""

    def __init__(self, log: EventLog, evolve: Evolve[State]) -> None:
        self._log = log
        self._evolve = evolve
        self._kept: OrderedDict[str, Loaded[State]] = OrderedDict()
        self._locks = Locks()

    async def newest(self, stream: str) -> Loaded[State] | None:
        """The state that the log tells now; null if there is no such stream."""
        loaded = self._kept.get(stream)
        for line in await self._log.read_stream(stream, loaded.version if loaded else 0):
            loaded = self._after(loaded, decode(line.line))
        if loaded is not None:
            self.keep(stream, loaded)
        return loaded

    async def kept(self, stream: str) -> Loaded[State] | None:
        """The state as kept, or the newest if none is; good enough to decide on."""
        return self._kept.get(stream) or await self.newest(stream)

    def after(self, loaded: Loaded[State] | None, lines: Sequence[NewEvent]) -> Loaded[State]:
        """The state after lines about to be stored."""
        for line in lines:
            loaded = self._after(loaded, decode(line.line))
        assert loaded is not None, "a stream begins with the event that makes its state"
        return loaded

    def keep(self, stream: str, loaded: Loaded[State]) -> None:
        """Keep a state whose lines are stored, unless a newer one is kept already: requests overtake each other."""
        kept = self._kept.get(stream)
        if kept is None or kept.version < loaded.version:
            self._kept[stream] = loaded
        self._kept.move_to_end(stream)
        if len(self._kept) > KEPT_STATES:
            self._kept.popitem(last=False)

    def lock(self, stream: str) -> asyncio.Lock:
        """Who holds it is the only one in this process that continues the stream."""
        return self._locks.of(stream)

    def _after(self, loaded: Loaded[State] | None, each: Recorded) -> Loaded[State] | None:
        envelope = each.envelope
        state = loaded.state if loaded else None
        if not isinstance(each.event, UnknownEvent):
            state = self._evolve(state, each)
        if state is None:
            return None
        if loaded is None:
            sealed = None if envelope.personal is None else Sealed(envelope.id, envelope.personal)
            return Loaded(envelope.provider, envelope.version, state, sealed)
        return Loaded(loaded.provider, envelope.version, state, loaded.sealed)

"""A cache of states: each is evolved from its stream once and kept for the next command.

A cached state is brought up to date from the log before it is shown. A command may decide on it as
it is, because an append on an old version is refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar
from weakref import WeakValueDictionary

import msgspec

from fristwerk_language.events import Recorded, UnknownEvent, decode
from fristwerk_platform.event_log import (
    ALL,
    NO_NAMES,
    EventLog,
    FeedLine,
    NameChange,
    StreamAfter,
    StreamVersion,
    is_full_page,
)
from ticket_service.personal_data import Sealed

State = TypeVar("State")
KEPT_STATES: Final = 10_000


class Loaded(msgspec.Struct, Generic[State], frozen=True):
    """A state with the version it stands at, the provider it belongs to, and what its first event
    sealed. It is whole where no event of an unknown type was left out.
    """

    provider: str
    version: int
    state: State
    sealed: Sealed | None = None
    is_whole: bool = True


class KeyedLocks:
    """Locks by name, for what a process must do for one request at a time.

    A lock exists for as long as somebody holds it or waits for it. Between processes the log
    decides.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        """The lock of that name."""
        return self._locks.setdefault(name, asyncio.Lock())


def unread(stream: str, loaded: Loaded[Any] | None) -> StreamAfter:
    """What of a stream a state does not show yet."""
    return stream, loaded.version if loaded else 0, ALL


Evolve = Callable[[State | None, Recorded], State | None]
LabelsOf = Callable[[str, State], frozenset[str]]
"""The labels of a stream by its provider and its state (see ``names``)."""


class StateCache(Generic[State]):
    """The states of one kind of stream; ``evolve`` applies one recorded event, ``labels`` is how
    streams are found.
    """

    def __init__(self, log: EventLog, evolve: Evolve[State], labels: LabelsOf[State]) -> None:
        self._log = log
        self._evolve = evolve
        self._labels = labels
        self._kept: OrderedDict[str, Loaded[State]] = OrderedDict()
        self._locks = KeyedLocks()

    async def newest(self, stream: str) -> Loaded[State] | None:
        """The state after everything in the log; None if there is no such stream."""
        loaded = self._kept.get(stream)
        version = loaded.version if loaded else 0
        async for lines in self._log.stream_pages(stream, version):
            for line in lines:
                loaded = self._after(loaded, decode(line.line))
        return self._shown(stream, version, loaded)

    async def continued_by(
        self, stream: str, before: Loaded[State] | None, lines: Sequence[FeedLine]
    ) -> Loaded[State] | None:
        """The newest state, where these lines were just read as what is ``unread`` by the state
        before.
        """
        loaded = before
        for line in lines:
            loaded = self._after(loaded, decode(line.line))
        self._shown(stream, before.version if before else 0, loaded)
        return await self.newest(stream) if lines and is_full_page(lines, ALL) else loaded

    def peek(self, stream: str) -> Loaded[State] | None:
        """The state as it is kept, if it is."""
        return self._kept.get(stream)

    def kept_at(self, stream: str, version: int) -> State | None:
        """The state after exactly this version, if that is what is kept, and whole."""
        kept = self._kept.get(stream)
        return kept.state if kept is not None and kept.version == version and kept.is_whole else None

    async def kept(self, stream: str) -> Loaded[State] | None:
        """The state as it is kept, or the newest if none is; a command may decide on it."""
        return self._kept.get(stream) or await self.newest(stream)

    async def newest_of(self, streams: Iterable[str]) -> dict[str, Loaded[State]]:
        """The states of several streams after everything in the log, by stream; those that there
        are.
        """
        wanted = list(streams)
        loaded = await asyncio.gather(*map(self.newest, wanted))
        return {stream: each for stream, each in zip(wanted, loaded, strict=True) if each is not None}

    async def at(self, found: Iterable[StreamVersion]) -> list[Loaded[State]]:
        """The states of streams, at these versions or newer ones, in the same order; the log is
        read only where an older one is kept.
        """
        wanted = list(found)
        older = [stream for stream, version in wanted if self._kept_version(stream) < version]
        read = await self.newest_of(older) if older else {}
        loaded = [read.get(stream) or self._kept.get(stream) for stream, _ in wanted]
        return [each for each in loaded if each is not None]

    def labels(self, loaded: Loaded[State]) -> frozenset[str]:
        """The labels that a stream with this state has."""
        return self._labels(loaded.provider, loaded.state)

    def renamed(self, before: Loaded[State] | None, after: Loaded[State]) -> NameChange:
        """What the events between two states change in the names by which their stream is found."""
        had = frozenset[str]() if before is None else self._labels(before.provider, before.state)
        has = self._labels(after.provider, after.state)
        if had == has:
            return NO_NAMES
        return NameChange(labels=tuple(has - had), dropped_labels=tuple(had - has))

    def after(self, loaded: Loaded[State] | None, events: Iterable[Recorded]) -> Loaded[State]:
        """The state after events that are about to be stored; the first of a stream must begin its
        state.
        """
        for each in events:
            loaded = self._after(loaded, each)
        assert loaded is not None, "a stream begins with the event that makes its state"
        return loaded

    def continued(self, loaded: Loaded[State] | None, events: Iterable[Recorded]) -> tuple[Loaded[State], NameChange]:
        """The state after events that are about to be stored, and what they change in the names of
        their stream.
        """
        after = self.after(loaded, events)
        return after, self.renamed(loaded, after)

    def keep(self, stream: str, loaded: Loaded[State]) -> None:
        """Keep a state whose events are stored, unless a newer one is kept: requests overtake each
        other.
        """
        kept = self._kept.get(stream)
        if kept is None or kept.version < loaded.version:
            self._kept[stream] = loaded
        self._kept.move_to_end(stream)
        if len(self._kept) > KEPT_STATES:
            self._kept.popitem(last=False)

    def lock(self, stream: str) -> asyncio.Lock:
        """The lock under which this process continues the stream."""
        return self._locks.of(stream)

    def _shown(self, stream: str, version: int, loaded: Loaded[State] | None) -> Loaded[State] | None:
        """A state that was read from the log after a version is kept where it is newer."""
        if loaded is not None and loaded.version > version:
            self.keep(stream, loaded)
        elif stream in self._kept:
            self._kept.move_to_end(stream)
        return loaded

    def _kept_version(self, stream: str) -> int:
        kept = self._kept.get(stream)
        return 0 if kept is None else kept.version

    def _after(self, loaded: Loaded[State] | None, each: Recorded) -> Loaded[State] | None:
        envelope = each.envelope
        state = loaded.state if loaded else None
        is_known = not isinstance(each.event, UnknownEvent)
        if is_known:
            state = self._evolve(state, each)
        if state is None:
            return None
        if loaded is None:
            sealed = None if envelope.personal is None else Sealed(envelope.id, envelope.personal)
            return Loaded(envelope.provider, envelope.version, state, sealed)
        return Loaded(loaded.provider, envelope.version, state, loaded.sealed, loaded.is_whole and is_known)

"""From decisions to stored lines: ids, sealed personal parts, versions; and back, for those who may read.

Every command ends here, so nothing personal reaches the log unsealed, and all of them meet others at the same place: without
``If-Match`` a command is decided again on the newest state when somebody else was first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from fristwerk_language.events import Event, encode_event
from fristwerk_platform.commands import (
    CommandError,
    CommandMetadata,
    CommandResult,
    ContentionError,
    NewFact,
    StreamChange,
    command_result,
    new_events,
    record,
)
from fristwerk_platform.event_log import EventLog, NewEvent, VersionConflictError
from ticket_service.application.streams import Loaded, Streams
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import Refusal
from ticket_service.personal_data import PersonalData, Sealed

State = TypeVar("State")
ATTEMPTS: Final = 16
"""How often a command is decided anew when somebody else was first."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that continue a stream after a version; ``subject`` is whose key seals their personal parts."""

    stream: str
    after_version: int
    subject: str
    facts: Sequence[DecidedEvent]
    occurred_at: datetime


class Decision(msgspec.Struct, Generic[State], frozen=True, kw_only=True):
    """What a command brings about in its own stream, what is stored ``also`` in others, and how the result is shown."""

    facts: Sequence[DecidedEvent]
    body: Callable[[State], dict[str, Any]]
    subject: str
    occurred_at: datetime
    also: Sequence[Change] = ()


Decide = Callable[[Loaded[State] | None], Awaitable[Decision[State]]]


class Recording:
    """Records facts in the log; ``new_id`` gives time-ordered ids."""

    def __init__(self, log: EventLog, personal_data: PersonalData, new_id: Callable[[], str]) -> None:
        self._log = log
        self._personal_data = personal_data
        self.new_id = new_id

    async def carry_out(
        self, meta: CommandMetadata, streams: Streams[State], stream: str, decide: Decide[State]
    ) -> CommandResult:
        """Decide a command on the stream's state and store what it brings about.

        Raises what ``decide`` raises, AnsweredBefore, and ContentionError where others are first again and again.
        """
        async with streams.lock(stream):
            loaded = await streams.kept(stream)
            for _ in range(ATTEMPTS):
                try:
                    return await self.conclude(meta, streams, stream, loaded, await decide(loaded))
                except VersionConflictError:
                    loaded = await streams.newest(stream)
                except (Refusal, CommandError):
                    newest = await streams.newest(stream)
                    if _version(newest) == _version(loaded):
                        raise
                    loaded = newest  # what was refused rested on a state that another process has changed
        raise ContentionError

    async def conclude(
        self,
        meta: CommandMetadata,
        streams: Streams[State],
        stream: str,
        loaded: Loaded[State] | None,
        decision: Decision[State],
    ) -> CommandResult:
        """Store a decision that was taken on a state; null where the stream begins with it. Raises as ``store`` does."""
        own = Change(
            stream=stream,
            after_version=_version(loaded),
            subject=decision.subject,
            facts=decision.facts,
            occurred_at=decision.occurred_at,
        )
        lines = await self.lines(meta, [own])
        after = streams.after(loaded, lines)
        more = await self.lines(meta, decision.also)
        content = decision.body(after.state)
        answer = command_result(content, [*lines, *more], version=after.version, created=bool(lines))
        await self.store(meta, [*lines, *more], answer)
        streams.keep(stream, after)
        return answer

    async def lines(self, meta: CommandMetadata, changes: Sequence[Change]) -> list[NewEvent]:
        """The changes as lines ready to be stored."""
        return new_events(meta, [await self._sealed(change) for change in changes if change.facts], encode_event)

    async def store(self, meta: CommandMetadata, lines: Sequence[NewEvent], answer: CommandResult) -> CommandResult:
        """Append the lines with the answer; without a line the answer alone, if it has a key to be found by.

        Raises as ``fristwerk_platform.commands.record`` does.
        """
        return await record(self._log, meta, lines, answer)

    async def opened(self, lines: Iterable[bytes], subject: str) -> list[dict[str, Any]]:
        """Envelopes as plain data, personal parts opened; null where the person was forgotten since."""
        envelopes = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
        sealed = [Sealed(each["id"], each["personal"]) for each in envelopes if each["personal"]]
        contents = await self._personal_data.open(sealed, [subject])
        return [each | {"personal": contents.get(each["id"])} for each in envelopes]

    async def personal(self, loaded: Loaded[Any], subject: str) -> dict[str, Any]:
        """What the first event of a stream sealed; empty if nothing, or once the person was forgotten."""
        if loaded.sealed is None:
            return {}
        return (await self._personal_data.open([loaded.sealed], [subject])).get(loaded.sealed.event, {})

    async def _sealed(self, change: Change) -> StreamChange[Event]:
        facts: list[NewFact[Event]] = []
        for fact in change.facts:
            event_id, sealed = self.new_id(), None
            if fact.personal:
                sealed = await self._personal_data.seal(change.subject, event_id, fact.personal)
            facts.append(NewFact(id=event_id, event=fact.event, occurred_at=change.occurred_at, sealed=sealed))
        return StreamChange(stream=change.stream, after_version=change.after_version, facts=facts)


def _version(loaded: Loaded[Any] | None) -> int:
    return loaded.version if loaded else 0

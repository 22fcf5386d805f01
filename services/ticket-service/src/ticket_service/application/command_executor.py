"""Executes commands: load what the decision needs, decide, evolve the state, seal personal parts,
append.

Every command ends here, so nothing personal reaches the log unsealed, and conflicts are resolved in
one place: without ``If-Match`` a command is decided again on the newest state when somebody else
was first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from fristwerk_language.events import TYPE_NAMES, Actor, Envelope, Recorded, encode_in_envelope
from fristwerk_platform.commands import (
    CommandError,
    CommandMetadata,
    CommandResult,
    ContentionError,
    command_result,
    record,
)
from fristwerk_platform.event_log import NO_NAMES, EventLog, NameChange, NewEvent, VersionConflictError
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import Refusal
from ticket_service.domain.ticket.visibility import line_for_customer
from ticket_service.personal_data import PersonalData, Sealed

State = TypeVar("State")
ATTEMPTS: Final = 16
"""How many times a command is decided, if somebody else keeps being first."""
_NOT_ENCODED: Final = msgspec.Raw(b"null")


class _SealedPart(msgspec.Struct, frozen=True):
    """Of a stored line, what its personal part is opened with."""

    id: str
    personal: str | None


_sealed_part: Final = msgspec.json.Decoder(_SealedPart)


class PlannedChange(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that continue a stream after a version; ``subject`` is whose key seals their personal
    parts.

    ``names`` are claimed, given and dropped with the first of them, beside those that follow from
    the stream's state.
    """

    stream: str
    after_version: int
    subject: str
    facts: Sequence[DecidedEvent]
    occurred_at: datetime
    names: NameChange = NO_NAMES


class PreparedEvent(msgspec.Struct, frozen=True):
    """An event of this command: as it is appended, and as it will be read from the log."""

    new: NewEvent
    recorded: Recorded


class Decision(msgspec.Struct, Generic[State], frozen=True, kw_only=True):
    """What a command produces in its own stream, what is stored ``also`` in others, and how the
    result is shown.

    ``names`` as in :class:`PlannedChange`.
    """

    facts: Sequence[DecidedEvent]
    body: Callable[[State], dict[str, Any]]
    subject: str
    occurred_at: datetime
    also: Sequence[PlannedChange] = ()
    names: NameChange = NO_NAMES


Decide = Callable[[Loaded[State] | None], Awaitable[Decision[State]]]
"""Looks up what the decision needs besides the state, and decides.

Raises whatever refuses the command.
"""


class CommandExecutor:
    """Executes commands: load, decide, evolve, append.

    ``new_id`` gives ids in the order of the instants it gets.
    """

    def __init__(self, log: EventLog, personal_data: PersonalData, new_id: Callable[[datetime], str]) -> None:
        self._log = log
        self._personal_data = personal_data
        self.new_id = new_id

    async def execute(
        self,
        meta: CommandMetadata,
        cache: StateCache[State],
        stream: str,
        decide: Decide[State],
    ) -> CommandResult:
        """Decide a command on the stream's state, and store the events.

        Raises what ``decide`` raises, AnsweredBefore, and ContentionError after ``ATTEMPTS``
        conflicts.
        """
        async with cache.lock(stream):
            loaded = await cache.kept(stream)
            for _ in range(ATTEMPTS):
                try:
                    return await self.conclude(meta, cache, stream, loaded, await decide(loaded))
                except VersionConflictError:
                    loaded = await cache.newest(stream)
                except (Refusal, CommandError):
                    newest = await cache.newest(stream)
                    if _version(newest) == _version(loaded):
                        raise
                    loaded = newest  # the refusal rested on a state that another process has changed
        raise ContentionError

    async def conclude(
        self,
        meta: CommandMetadata,
        cache: StateCache[State],
        stream: str,
        loaded: Loaded[State] | None,
        decision: Decision[State],
    ) -> CommandResult:
        """Store a decision that was taken on a state, None where the stream begins with it.

        Raises as ``store`` does.
        """
        own = PlannedChange(
            stream=stream,
            after_version=_version(loaded),
            subject=decision.subject,
            facts=decision.facts,
            occurred_at=decision.occurred_at,
            names=decision.names,
        )
        also = await self.prepare(meta, decision.also) if decision.also else []
        events = await self.prepare(meta, [own])
        after, names = cache.continued(loaded, map(attrgetter("recorded"), events))
        content = decision.body(after.state)
        if names is not NO_NAMES:
            events = renamed(events, names)
        result = await self.store(meta, [*events, *also], content, version=after.version, created=bool(events))
        cache.keep(stream, after)
        return result

    async def prepare(self, meta: CommandMetadata, changes: Sequence[PlannedChange]) -> list[PreparedEvent]:
        """The changes as events ready to be stored, their personal parts sealed."""
        prepared: list[PreparedEvent] = []
        for change in changes:
            names = change.names
            for version, fact in enumerate(change.facts, start=change.after_version + 1):
                recorded = await self._recorded(meta, change, version, fact)
                line = encode_in_envelope(recorded.envelope, fact.event)
                kind = recorded.envelope.type
                new = NewEvent(stream=change.stream, version=version, type=kind, line=line, names=names)
                prepared.append(PreparedEvent(new, recorded))
                names = NO_NAMES
        return prepared

    async def store(
        self,
        meta: CommandMetadata,
        events: Sequence[PreparedEvent],
        content: dict[str, Any],
        *,
        version: int,
        created: bool = True,
    ) -> CommandResult:
        """Append the events with the command's result, which shows a customer of them what it may
        see.

        Raises as ``fristwerk_platform.commands.record`` does.
        """
        new = [each.new for each in events]
        seen = _seen_by_customer(new) if meta.principal.role == "customer" else new
        return await record(self._log, meta, new, command_result(content, seen, version=version, created=created))

    async def opened(self, lines: Iterable[bytes], subjects: Iterable[str]) -> list[dict[str, Any]]:
        """Envelopes as plain data, personal parts opened; None where the person was forgotten
        since.
        """
        envelopes = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
        sealed = [Sealed(each["id"], each["personal"]) for each in envelopes if each["personal"]]
        contents = await self._personal_data.open(sealed, subjects)
        return [each | {"personal": contents.get(each["id"])} for each in envelopes]

    async def opened_lines(self, lines: Sequence[bytes], subjects: Iterable[str]) -> list[msgspec.Raw]:
        """The same as JSON: stored bytes, in which the opened personal part stands for the sealed one."""
        heads = [_sealed_part.decode(line) for line in lines]
        sealed = [Sealed(each.id, each.personal) for each in heads if each.personal]
        contents = await self._personal_data.open_json(sealed, subjects) if sealed else {}
        return [_opened_line(line, each, contents) for line, each in zip(lines, heads, strict=True)]

    async def personal(self, loaded: Loaded[Any], *subjects: str) -> dict[str, Any]:
        """The personal part of a stream's first event; empty if it has none, or once the person was
        forgotten.
        """
        if loaded.sealed is None:
            return {}
        return await self._personal_data.open_one(loaded.sealed, subjects)

    async def _recorded(
        self, meta: CommandMetadata, change: PlannedChange, version: int, fact: DecidedEvent
    ) -> Recorded:
        """The fact as the log will give it back, its personal part sealed; without the stored
        bytes, which no state is made of.
        """
        event_id, sealed = self.new_id(meta.now), None
        if fact.personal:
            sealed = await self._personal_data.seal(change.subject, event_id, fact.personal)
        envelope = Envelope(
            id=event_id,
            type=TYPE_NAMES[type(fact.event)],
            schema=1,
            provider=meta.principal.provider,
            stream=change.stream,
            version=version,
            occurred_at=change.occurred_at,
            recorded_at=meta.now,
            actor=Actor(id=meta.principal.sub, role=meta.principal.role),
            correlation_id=meta.correlation_id,
            causation_id=None,
            data=_NOT_ENCODED,
            personal=sealed,
        )
        return Recorded(envelope=envelope, event=fact.event)


def renamed(events: Sequence[PreparedEvent], names: NameChange) -> list[PreparedEvent]:
    """The events of one stream, the last of them with what changes in the names by which the stream
    is found.
    """
    *earlier, last = events
    new = msgspec.structs.replace(last.new, names=last.new.names | names)
    return [*earlier, PreparedEvent(new, last.recorded)]


def shown_as(name: str) -> Callable[[object], dict[str, Any]]:
    """Show a state whole, under a name, as most results do."""

    def shown(state: object) -> dict[str, Any]:
        return {name: state}

    return shown


def _seen_by_customer(events: Sequence[NewEvent]) -> list[NewEvent]:
    lines = [(each, line_for_customer(each.line)) for each in events]
    return [msgspec.structs.replace(each, line=line) for each, line in lines if line is not None]


def _opened_line(line: bytes, part: _SealedPart, contents: Mapping[str, bytes]) -> msgspec.Raw:
    content = contents.get(part.id, b"null")
    sealed = b'"personal":' + msgspec.json.encode(part.personal) + b"}"
    if line.endswith(sealed):  # its place in every line that this version stores
        return msgspec.Raw(line[: -len(sealed)] + b'"personal":' + content + b"}")
    return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(line) | {"personal": msgspec.Raw(content)}))


def _version(loaded: Loaded[Any] | None) -> int:
    return loaded.version if loaded else 0

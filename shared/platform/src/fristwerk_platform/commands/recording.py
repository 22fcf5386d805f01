"""Recording what a command decided: facts become events of their streams, appended together with
the command's result.

The platform does not know any event: ``EncodeEvent`` is how the language in use writes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from fristwerk_platform.commands.errors import NotRecordedError
from fristwerk_platform.commands.idempotency import already_answered
from fristwerk_platform.commands.metadata import CommandMetadata
from fristwerk_platform.event_log import (
    NO_NAMES,
    Answer,
    EventLog,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    LogUnavailableError,
    NameChange,
    NewEvent,
)

_CREATED: Final = 201
_UNCHANGED: Final = 200
Event = TypeVar("Event")
Event_contra = TypeVar("Event_contra", contravariant=True)


class CommandResult(msgspec.Struct, frozen=True):
    """What a command came to, in the form in which it is answered and, under a key, stored.

    Both are one value, so a repetition cannot differ from the first answer.
    """

    answer: Answer


class NewFact(msgspec.Struct, Generic[Event], frozen=True, kw_only=True):
    """An event about to be recorded: its id, when it occurred, and its sealed personal part if it
    has one.

    ``names`` is how its stream is found from then on.
    """

    id: str
    event: Event
    occurred_at: datetime
    sealed: str | None = None
    names: NameChange = NO_NAMES


class StreamChange(msgspec.Struct, Generic[Event], frozen=True, kw_only=True):
    """Facts that continue a stream after a version (0: the stream begins)."""

    stream: str
    after_version: int
    facts: Sequence[NewFact[Event]]


class EncodeEvent(Protocol[Event_contra]):
    """How a language writes one event as the line that the log stores."""

    def __call__(  # noqa: PLR0913 - an envelope has this many parts
        self,
        event: Event_contra,
        *,
        event_id: str,
        provider: str,
        stream: str,
        version: int,
        occurred_at: datetime,
        recorded_at: datetime,
        actor: tuple[str, str],
        correlation_id: str,
        personal: str | None,
    ) -> tuple[str, bytes]:
        """The event type's name and the line that is stored; ``actor`` is the id and the role of
        who acted.
        """
        ...


def new_events(
    meta: CommandMetadata, changes: Sequence[StreamChange[Event]], encode: EncodeEvent[Event]
) -> list[NewEvent]:
    """The changes as events ready to be appended, versions counted on from each stream's last."""
    return [
        _new_event(meta, change.stream, version, fact, encode)
        for change in changes
        for version, fact in enumerate(change.facts, start=change.after_version + 1)
    ]


def _new_event(
    meta: CommandMetadata, stream: str, version: int, fact: NewFact[Event], encode: EncodeEvent[Event]
) -> NewEvent:
    name, line = encode(
        fact.event,
        event_id=fact.id,
        provider=meta.principal.provider,
        stream=stream,
        version=version,
        occurred_at=fact.occurred_at,
        recorded_at=meta.now,
        actor=(meta.principal.sub, meta.principal.role),
        correlation_id=meta.correlation_id,
        personal=fact.sealed,
    )
    return NewEvent(stream=stream, version=version, type=name, line=line, names=fact.names)


def command_result(
    content: Mapping[str, Any], events: Sequence[NewEvent], *, version: int | None = None, created: bool = True
) -> CommandResult:
    """A command's result: its content, the events that it caused under ``events``, and the new
    version.

    The form is the same since the first log was written: whether anything was recorded
    (``created``) is a status, the version an entity tag (RFC 9110, 8.8.3).
    """
    body = _encoder.encode({**content, "events": [msgspec.Raw(event.line) for event in events]})
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return CommandResult(Answer(status=_CREATED if created else _UNCHANGED, body=body, headers=headers))


async def record(
    log: EventLog, meta: CommandMetadata, events: Sequence[NewEvent], result: CommandResult
) -> CommandResult:
    """Append the events and, under the client's key, the result.

    Raises AnsweredBefore, KeyReusedError, NotRecordedError, event_log.VersionConflictError or
    event_log.ClaimedError.
    """
    await _append(log, events, None if meta.key is None else _keyed(meta, meta.key, result.answer))
    return result


async def store_answer(log: EventLog, meta: CommandMetadata, answer: Answer) -> None:
    """Store under the client's key, if there is one, an answer of the caller's own making.

    Raises as ``record`` does.
    """
    if meta.key is not None:
        await _append(log, [], _keyed(meta, meta.key, answer))


def _keyed(meta: CommandMetadata, key: IdempotencyKey, answer: Answer) -> Keyed:
    return Keyed(key=key, answer=answer, stored_at=meta.now)


async def _append(log: EventLog, events: Sequence[NewEvent], keyed: Keyed | None) -> None:
    """Append, unless there are no events and no key: then nothing is stored."""
    if not events and keyed is None:
        return
    try:
        await log.append(events, keyed)
    except KeyUsedError as used:
        assert keyed is not None, "only a keyed append is refused for its key"
        raise already_answered(used.stored, keyed.key) from used
    except LogUnavailableError as error:
        raise NotRecordedError(f"Nothing was stored: {error}.") from error


_encoder = msgspec.json.Encoder(decimal_format="string")

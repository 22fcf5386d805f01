"""The way of a command through HTTP: idempotency key and If-Match in, one append of events and answer, the same answer again.

The answer is stored in the transaction of its events, so a repetition gets it to the byte, whatever was lost on the way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec
from fastapi import Request, Response

from fristwerk_language.events import Actor, Event, encode_line, type_name
from fristwerk_platform.auth import Principal
from fristwerk_platform.event_log import (
    Answer,
    EventLog,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    LogUnavailableError,
    NewEvent,
    StoredAnswer,
)
from fristwerk_platform.http.middleware import principal_of
from fristwerk_platform.http.problems import Problem

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""How far a client's clock may be ahead of ours."""
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG: Final = re.compile(r'"([0-9]{1,9})"')


class CommandMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a command: who, when (``now`` recorded, ``occurred_at`` happened), under which key, on which version.

    ``occurred_at_given``: the client has dated the fact; else it is dated now.
    """

    principal: Principal
    now: datetime
    occurred_at: datetime
    occurred_at_given: bool = True
    correlation_id: str
    key: IdempotencyKey | None = None
    if_match: int | None = None


class NewFact(msgspec.Struct, frozen=True, kw_only=True):
    """An event about to be recorded: its id, when it occurred, and the sealed personal part."""

    id: str
    event: Event
    occurred_at: datetime
    sealed: str | None = None


class StreamChange(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that continue a stream after a version."""

    stream: str
    after_version: int
    facts: Sequence[NewFact]


class Replay(Exception):  # noqa: N818 - not an error: the answer given before
    """The command was answered before; this is that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


class AnswerStore(Protocol):
    """Where answers given under keys are found: a log, or a service's tables where what it answers is no event."""

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """The answer under a key, if the key was used."""
        ...


async def command_metadata(
    request: Request, log: AnswerStore, now: datetime, occurred_at: datetime | None = None
) -> CommandMetadata:
    """The command's surroundings.

    Raises Replay if its key was answered, Problem 422 if the key went with another body or the fact lies in the future.
    """
    principal = principal_of(request)
    key = await _idempotency_key(request, principal)
    if key is not None:
        request.state.asked_under = (log, key)
        stored = await log.stored_answer(key)
        if stored is not None:
            raise replay(stored, key)
    if occurred_at is not None and occurred_at > now + CLOCK_TOLERANCE:
        sentence = f"{occurred_at.isoformat()} lies in the future"
        raise Problem(
            422, f"The fact cannot be recorded: {sentence}.", code="in-the-future", errors=[("/occurred_at", sentence)]
        )
    return CommandMetadata(
        principal=principal,
        now=now,
        occurred_at=occurred_at or now.replace(microsecond=0),
        occurred_at_given=occurred_at is not None,
        correlation_id=request.state.correlation_id,
        key=key,
        if_match=_if_match(request),
    )


async def _idempotency_key(request: Request, principal: Principal) -> IdempotencyKey | None:
    given = request.headers.get(IDEMPOTENCY_HEADER)
    if given is None or request.method != "POST":
        return None
    if not _KEY.fullmatch(given):
        raise Problem(
            422, "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces.", code="idempotency-key"
        )
    asked = f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"] + b"\n"
    digest = hashlib.sha256(asked + await request.body()).hexdigest()
    # Subjects are unique at best within a company, and what one is answered must never reach another.
    scope = msgspec.json.encode([principal.provider, principal.role, principal.customer, principal.sub]).decode()
    return IdempotencyKey(scope=scope, key=given, request_digest=digest)


async def answered_meanwhile(request: Request) -> Replay | None:
    """The answer that a twin of the request got while it was decided: its refusal may be the twin's effect."""
    asked_under: tuple[AnswerStore, IdempotencyKey] | None = getattr(request.state, "asked_under", None)
    if asked_under is None:
        return None
    log, key = asked_under
    stored = await log.stored_answer(key)
    if stored is None or stored.request_digest != key.request_digest:
        return None
    return Replay(stored.answer)


def _if_match(request: Request) -> int | None:
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise Problem(412, f'If-Match {given!r} names no version; an ETag is a version in quotes, such as "7".')
    return int(found[1])


def check_version(meta: CommandMetadata, version: int) -> None:
    """Raises Problem 412 if the client decided on another version."""
    if meta.if_match is not None and meta.if_match != version:
        raise Problem(412, f"The version is {version} now, not {meta.if_match}.")


def replay(stored: StoredAnswer, key: IdempotencyKey) -> Exception:
    """What to raise for a key that was used: the answer again, or a Problem if it went with another request."""
    if stored.request_digest != key.request_digest:
        return Problem(
            422, f"The Idempotency-Key {key.key!r} was used for another request.", code="idempotency-key-reused"
        )
    return Replay(stored.answer)


def lines_of(meta: CommandMetadata, changes: Sequence[StreamChange]) -> list[NewEvent]:
    """The changes as stored lines, versions counted on from each stream's last."""
    return [
        NewEvent(
            stream=change.stream,
            version=change.after_version + number,
            type=type_name(fact.event),
            line=encode_line(
                event_id=fact.id,
                type=type_name(fact.event),
                schema=1,
                provider=meta.principal.provider,
                stream=change.stream,
                version=change.after_version + number,
                occurred_at=fact.occurred_at,
                recorded_at=meta.now,
                actor=Actor(id=meta.principal.sub, role=meta.principal.role),
                correlation_id=meta.correlation_id,
                causation_id=None,
                data=fact.event,
                personal=fact.sealed,
            ),
        )
        for change in changes
        for number, fact in enumerate(change.facts, start=1)
    ]


async def record(log: EventLog, meta: CommandMetadata, events: Sequence[NewEvent], answer: Answer) -> Answer:
    """Append the events and, under the client's key, the answer. Raises Replay, Problem 503 or VersionConflictError."""
    keyed = None if meta.key is None else Keyed(key=meta.key, answer=answer, stored_at=meta.now)
    try:
        await log.append(events, keyed)
    except KeyUsedError as used:
        assert meta.key is not None, "only a keyed append is refused for its key"
        raise replay(used.stored, meta.key) from used
    except LogUnavailableError as error:
        raise Problem(503, f"Nothing was stored: {error}.", headers={"Retry-After": "1"}) from error
    return answer


def command_answer(
    body: dict[str, Any], events: Sequence[NewEvent], *, status: int = 201, version: int | None = None
) -> Answer:
    """The answer to a command: its result, the events it caused, and the new version as ETag."""
    content = body | {"events": [msgspec.Raw(event.line) for event in events]}
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return Answer(status=status, body=_encoder.encode(content), headers=headers)


_encoder = msgspec.json.Encoder(decimal_format="string")


def as_response(answer: Answer, *, replayed: bool = False) -> Response:
    """The answer as HTTP."""
    headers = dict(answer.headers) | ({REPLAYED_HEADER: "true"} if replayed else {})
    return Response(answer.body, answer.status, headers, "application/json")

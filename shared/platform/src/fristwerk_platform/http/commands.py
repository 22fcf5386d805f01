"""A command's HTTP side: headers and body in, its metadata out; its result, or the answer it had
before, as a response.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import (
    AnsweredBefore,
    AnswerStore,
    CommandMetadata,
    CommandResult,
    KeyReusedError,
    VersionMismatchError,
    check_not_in_the_future,
    check_unanswered,
    idempotency_key,
    twin_answer,
)
from fristwerk_platform.event_log import Answer, IdempotencyKey
from fristwerk_platform.http.middleware import check_once

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
_ETAG: Final = re.compile(r'"([0-9]{1,9})"')


async def command_metadata(
    request: Request, store: AnswerStore, now: datetime, occurred_at: datetime | None = None
) -> CommandMetadata:
    """The command's metadata; ``store`` is asked for the answer under the request's idempotency
    key.

    Raises AnsweredBefore, KeyReusedError, InvalidKeyError, InTheFutureError or
    VersionMismatchError.
    """
    meta = await _metadata_for_one_append(request, store, now, occurred_at)
    if meta.key is not None:
        await check_unanswered(store, meta.key)
    return meta


async def answer_to_one_append(
    request: Request,
    log: AnswerStore,
    now: datetime,
    occurred_at: datetime | None,
    carry_out: Callable[[CommandMetadata], Awaitable[CommandResult]],
) -> Response:
    """The answer to a command whose only effect is one append, together with its key: the log is
    not asked before.

    A key that was used is found by the append, and whatever else refuses the command asks for its
    answer (``answered_meanwhile``), so a repetition gets the first answer and another request under
    the key its error all the same. Raises InvalidKeyError, InTheFutureError or
    VersionMismatchError, and what ``carry_out`` raises.
    """
    return as_response(await carry_out(await _metadata_for_one_append(request, log, now, occurred_at)))


async def answered_meanwhile(request: Request) -> AnsweredBefore | KeyReusedError | None:
    """What to raise instead of a request's refusal where its key was used; the refusal may be the
    effect of its twin.
    """
    answer_under: tuple[AnswerStore, IdempotencyKey] | None = request.scope["state"].get("answer_under")
    return None if answer_under is None else await twin_answer(*answer_under)


def as_response(answer: CommandResult | Answer, *, replayed: bool = False) -> Response:
    """A result, or an answer as it is stored, as HTTP."""
    stored = answer.answer if isinstance(answer, CommandResult) else answer
    headers = dict(stored.headers) | ({REPLAYED_HEADER: "true"} if replayed else {})
    return Response(stored.body, stored.status, headers, "application/json")


async def _metadata_for_one_append(
    request: Request, log: AnswerStore, now: datetime, occurred_at: datetime | None = None
) -> CommandMetadata:
    """The command's metadata, without a look whether its key was used."""
    state: dict[str, Any] = request.scope["state"]
    principal: Principal = state["principal"]
    key = await _idempotency_key(request, principal)
    if key is not None:
        state["answer_under"] = (log, key)
    if occurred_at is not None:
        check_not_in_the_future(occurred_at, now)
    return CommandMetadata(
        principal=principal,
        now=now,
        occurred_at=occurred_at or now.replace(microsecond=0),
        occurred_at_given=occurred_at is not None,
        correlation_id=state["correlation_id"],
        key=key,
        if_match=_if_match(request),
    )


async def _idempotency_key(request: Request, principal: Principal) -> IdempotencyKey | None:
    given = request.headers.get(IDEMPOTENCY_HEADER)
    if given is None or request.method != "POST":
        return None
    check_once(request.scope, IDEMPOTENCY_HEADER.lower().encode())
    asked = f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"] + b"\n"
    return idempotency_key(principal, given, asked + await request.body())


def _if_match(request: Request) -> int | None:
    given = request.headers.get("if-match")
    if given is None:
        return None
    check_once(request.scope, b"if-match")
    if given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise VersionMismatchError(f'If-Match {given!r} names no version; an ETag is a version in quotes, such as "7".')
    return int(found[1])

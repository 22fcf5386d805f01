"""A POST that is sent again under its Idempotency-Key gets its first answer, also where it stored no event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from fristwerk_platform.commands import CommandMetadata, already_answered
from fristwerk_platform.event_log import Answer, Keyed, KeyUsedError
from fristwerk_platform.http import as_response

_encoder = msgspec.json.Encoder(decimal_format="string")


async def keep_and_respond(
    meta: CommandMetadata,
    content: Any,
    keep: Callable[[Keyed | None], Awaitable[None]],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Respond with the content, and keep the response under the request's key if it has one.

    Raises AnsweredBefore, or KeyReusedError for a key that went with another request.
    """
    answer = Answer(status=status, body=_encoder.encode(content), headers=dict(headers or {}))
    try:
        await keep(None if meta.key is None else Keyed(key=meta.key, answer=answer, stored_at=meta.now))
    except KeyUsedError as used:
        assert meta.key is not None, "only a keyed answer is refused for its key"
        raise already_answered(used.stored, meta.key) from used
    return as_response(answer)

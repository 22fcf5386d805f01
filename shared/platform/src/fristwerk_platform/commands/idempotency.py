"""Idempotency keys: a command sent again under its key gets its first answer and changes nothing.

The answer is stored in the transaction of its events, so a repetition gets it to the byte, whatever
was lost on the way. How long answers are kept stands once, in ``event_log.KEYS_KEPT``.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, Protocol

import msgspec

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands.errors import AnsweredBefore, InvalidKeyError, KeyReusedError
from fristwerk_platform.event_log import IdempotencyKey, StoredAnswer

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class AnswerStore(Protocol):
    """Where answers given under keys are found: a log, or a table of a service whose answers are no
    events.
    """

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """The answer under a key, if the key was used."""
        ...


def idempotency_key(principal: Principal, given: str, request: bytes) -> IdempotencyKey:
    """The key as stored.

    ``request`` holds everything that makes two requests different. Raises InvalidKeyError.
    """
    if not _KEY.fullmatch(given):
        raise InvalidKeyError
    # Subjects are unique at best within a company, and what one is answered must never reach
    # another.
    scope = msgspec.json.encode([principal.provider, principal.role, principal.belongs_to, principal.sub]).decode()
    return IdempotencyKey(scope=scope, key=given, request_digest=hashlib.sha256(request).hexdigest())


async def check_unanswered(store: AnswerStore, key: IdempotencyKey) -> None:
    """Raises AnsweredBefore, or KeyReusedError if the key was used for another request."""
    stored = await store.stored_answer(key)
    if stored is not None:
        raise already_answered(stored, key)


def already_answered(stored: StoredAnswer, key: IdempotencyKey) -> AnsweredBefore | KeyReusedError:
    """The exception for a key that was used: the first answer again, or an error if the key belongs
    to another request.
    """
    if stored.request_digest != key.request_digest:
        return KeyReusedError(key.key)
    return AnsweredBefore(stored.answer)


async def twin_answer(store: AnswerStore, key: IdempotencyKey) -> AnsweredBefore | KeyReusedError | None:
    """The exception to raise instead of a refusal, which may be the effect of the same request sent
    before: its answer, or an error if the key belongs to another request. None where the key is
    unused.
    """
    stored = await store.stored_answer(key)
    return None if stored is None else already_answered(stored, key)

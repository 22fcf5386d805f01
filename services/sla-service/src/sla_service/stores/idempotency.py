"""Answers given under an Idempotency-Key, stored with their effect so that a repetition gets the
same answer.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.event_log import KEYS_KEPT, Answer, IdempotencyKey, Keyed, KeyUsedError, StoredAnswer
from fristwerk_platform.read_models import Database
from sla_service.projections.tables import answers


class IdempotencyTable:
    """The answers that this service gave under idempotency keys (an ``AnswerStore`` of
    ``platform.commands``).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """The answer under a key, if the key was used."""
        async with self._database.reading() as connection:
            return await _stored(connection, key)

    async def keep(self, keyed: Keyed | None) -> None:
        """Keep an answer that has no other effect, if it has a key. Raises KeyUsedError."""
        if keyed is None:
            return
        async with self._database.transaction() as connection:
            await keep_answer(connection, keyed)


async def keep_answer(connection: AsyncConnection, keyed: Keyed) -> None:
    """Keep an answer in the transaction of its effect; those older than 90 days are deleted. Raises
    KeyUsedError.
    """
    await connection.execute(delete(answers).where(answers.c.stored_at < keyed.stored_at - KEYS_KEPT))
    stored = await _stored(connection, keyed.key)
    if stored is not None:
        raise KeyUsedError(stored)
    row = {
        "scope": keyed.key.scope,
        "key": keyed.key.key,
        "request_digest": keyed.key.request_digest,
        "answer": msgspec.msgpack.encode(keyed.answer),
        "stored_at": keyed.stored_at,
    }
    await connection.execute(insert(answers), [row])


async def _stored(connection: AsyncConnection, key: IdempotencyKey) -> StoredAnswer | None:
    statement = select(answers.c.request_digest, answers.c.answer).where(
        answers.c.scope == key.scope, answers.c.key == key.key
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    return StoredAnswer(request_digest=row.request_digest, answer=msgspec.msgpack.decode(row.answer, type=Answer))

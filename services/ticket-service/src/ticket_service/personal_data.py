"""Personal data, sealed before it enters the log: AES-GCM with a key per data subject, the keys kept apart from the log.

A log cannot be rewritten, so forgetting a person means deleting the key: what was sealed stays in place, unreadable.
The sealed text is ``fw1.<subject>.<base64url of nonce and ciphertext>``; the event's id is bound to it (associated data), so
a sealed part moved to another event does not open. A data subject's key is itself wrapped with the key file's sealing key.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from shared.database import Database

FORMAT: Final = "fw1"
_NONCE_BYTES: Final = 12
KNOWN_KEYS: Final = 10_000
metadata: Final = MetaData()
subject_keys: Final = Table(
    "subject_keys",
    metadata,
    Column("subject", String, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)


class PersonalData:
    """Seals and opens what belongs to persons. A forgotten subject's content opens as null."""

    def __init__(self, database: Database, sealing_key: bytes) -> None:
        self._database = database
        self._wrapping = AESGCM(sealing_key)
        self._index_key = hmac.digest(sealing_key, b"fristwerk phone index", "sha256")
        self._known: dict[str, AESGCM] = {}

    def seal(self, key: AESGCM, subject: str, event_id: str, content: Mapping[str, Any]) -> str:
        """The content as sealed text, readable only with the subject's key and only in that event."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + key.encrypt(nonce, msgspec.json.encode(content), event_id.encode())
        return f"{FORMAT}.{subject}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    async def key_for(self, subject: str) -> AESGCM:
        """The subject's key, made and stored durably if there is none yet."""
        known = self._known.get(subject)
        if known is not None:
            return known
        fresh = AESGCM.generate_key(256)
        nonce = os.urandom(_NONCE_BYTES)
        row = {"subject": subject, "wrapped_key": nonce + self._wrapping.encrypt(nonce, fresh, subject.encode())}
        async with self._database.transaction() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            await connection.execute(insert(subject_keys).values(row).on_conflict_do_nothing())
        found = (await self._keys([subject])).get(subject)
        assert found is not None, "stored just now"
        return found

    async def open(self, sealed: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The contents by event id, of sealed texts by event id; what belongs to a forgotten person is left out."""
        keys = await self._keys({subject_of(text) for text in sealed.values()})
        contents = {event_id: _opened(keys.get(subject_of(text)), event_id, text) for event_id, text in sealed.items()}
        return {event_id: content for event_id, content in contents.items() if content is not None}

    async def forget(self, subject: str) -> None:
        """Delete the subject's key; what was sealed with it is unreadable from now on."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(subject_keys).where(subject_keys.c.subject == subject))
        self._known.pop(subject, None)

    def phone_index(self, provider: str, phone: str) -> str:
        """A keyed digest under which a normalised number can be looked up without storing it."""
        return hmac.new(self._index_key, f"{provider}|{phone}".encode(), sha256).hexdigest()

    async def _keys(self, subjects: Iterable[str]) -> dict[str, AESGCM]:
        wanted = set(subjects)
        if len(self._known) > KNOWN_KEYS:
            self._known.clear()
        missing = wanted - self._known.keys()
        if missing:
            statement = select(subject_keys).where(subject_keys.c.subject.in_(missing))
            async with self._database.reading() as connection:
                for row in await connection.execute(statement):
                    nonce, wrapped = row.wrapped_key[:_NONCE_BYTES], row.wrapped_key[_NONCE_BYTES:]
                    self._known[row.subject] = AESGCM(self._wrapping.decrypt(nonce, wrapped, row.subject.encode()))
        return {subject: self._known[subject] for subject in wanted if subject in self._known}


def subject_of(sealed: str) -> str:
    """The data subject a sealed text belongs to."""
    return sealed.split(".", 2)[1]


def _opened(key: AESGCM | None, event_id: str, sealed: str) -> dict[str, Any] | None:
    if key is None:
        return None
    text = sealed.split(".", 2)[2]
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    try:
        opened = key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], event_id.encode())
    except InvalidTag:
        return None
    decoded: dict[str, Any] = msgspec.json.decode(opened)
    return decoded

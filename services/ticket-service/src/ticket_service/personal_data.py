"""Personal data, sealed before it enters the log: AES-GCM with a key per data subject, the keys
kept apart from the log.

A log cannot be rewritten, so forgetting a person means deleting the key: what was sealed stays in
place, unreadable. The sealed text is ``fw1.<subject>.<base64url of nonce and ciphertext>``; the
event's id is bound to it (associated data), so a sealed part moved to another event does not open.
A text that another service keeps is bound to the word ``text`` instead. A data subject's key is
itself wrapped with the key file's sealing key.

Each forgetting ends a subject (``Customer.subject`` gives the one that counts now), and only what
was sealed for the present subject is ever opened: a key that another process still remembers, or
that a late repetition of the deletion misses, opens nothing that was forgotten.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Date, Index, LargeBinary, MetaData, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.read_models import Database, migrated_by
from ticket_service.entropy import random_bytes
from ticket_service.forgotten_list import ForgottenList

FORMAT: Final = "fw1"
KEPT_ELSEWHERE: Final = "text"
"""What is bound to a text that another service stores in its own log: it knows no event of this
one.
"""
WordKind = Literal["subject", "name"]
WORD_DIGITS: Final = 32
"""128 bits: two words share a digest by chance in no index that there will be."""
_NONCE_BYTES: Final = 12
KNOWN_KEYS: Final = 10_000
metadata: Final = MetaData(info=migrated_by(Path(__file__).with_name("migrations") / "personal_keys"))
subject_keys: Final = Table(
    "subject_keys",
    metadata,
    Column("subject", String, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)
kept_recipients: Final = Table(
    "kept_recipients",
    metadata,
    Column("customer", String, primary_key=True),
    Column("kept_until", Date, nullable=False),
    Column("sealed", String),
    Index("kept_recipients_by_end", "kept_until"),
)
"""See ``ticket_service.kept_recipients``; ``sealed`` is a text of this module."""


class Sealed(msgspec.Struct, frozen=True):
    """An event's sealed personal part, and the event it belongs to."""

    event: str
    text: str


class PersonalData:
    """Seals and opens what belongs to persons."""

    def __init__(self, database: Database, sealing_key: bytes, forgotten: ForgottenList | None = None) -> None:
        """``forgotten`` is the list that outlives a restored backup; None where nothing is
        forgotten.
        """
        self._database = database
        self._forgotten = forgotten
        self._wrapping = AESGCM(sealing_key)
        self._index_key = hmac.digest(sealing_key, b"fristwerk phone index", "sha256")
        self._word_key = hmac.digest(sealing_key, b"fristwerk search words", "sha256")
        self._known: OrderedDict[str, AESGCM] = OrderedDict()
        self._wanted: dict[str, None] = {}
        self._serving = asyncio.Lock()

    async def check(self) -> None:
        """Raises KeyFileError if the stored keys were wrapped with another sealing key than the key
        file's.
        """
        async with self._database.reading() as connection:
            row = (await connection.execute(select(subject_keys).limit(1))).first()
        try:
            if row is not None:
                self._unwrapped(row.subject, row.wrapped_key)
        except InvalidTag:
            raise KeyFileError("The key file is not the one that the stored personal data was sealed under.") from None

    async def seal(self, subject: str, event_id: str, content: Mapping[str, Any]) -> str:
        """The content as sealed text, readable only with the subject's key and only in that event.

        The key is made and stored durably if there is none yet.
        """
        key = await self._key(subject)
        nonce = random_bytes(_NONCE_BYTES)
        sealed = nonce + key.encrypt(nonce, msgspec.json.encode(content), event_id.encode())
        return f"{FORMAT}.{subject}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    async def open(self, sealed: Iterable[Sealed], subjects: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The contents by event id.

        What was sealed for none of the present subjects is left out: it was forgotten.
        """
        return {
            event: msgspec.json.decode(content) for event, content in (await self.open_json(sealed, subjects)).items()
        }

    async def open_one(self, sealed: Sealed, subjects: Collection[str]) -> dict[str, Any]:
        """One content; empty where it was sealed for none of the present subjects."""
        subject = subject_of(sealed.text)
        content = _opened((await self._keys((subject,))).get(subject), sealed) if subject in subjects else None
        return {} if content is None else msgspec.json.decode(content)

    async def open_json(self, sealed: Iterable[Sealed], subjects: Iterable[str]) -> dict[str, bytes]:
        """The same as the JSON that was sealed."""
        present = set(subjects)
        readable = [(each, subject) for each in sealed if (subject := subject_of(each.text)) in present]
        keys = await self._keys({subject for _, subject in readable})
        contents = {each.event: _opened(keys.get(subject), each) for each, subject in readable}
        return {event: content for event, content in contents.items() if content is not None}

    async def seal_text(self, subject: str, text: str) -> str:
        """A text that another service stores, sealed with the subject's key."""
        return await self.seal(subject, KEPT_ELSEWHERE, {"text": text})

    async def open_texts(self, sealed: Iterable[str], subjects: Iterable[str]) -> dict[str, str]:
        """What the texts say, by their sealed form.

        What was sealed for none of the present subjects is left out.
        """
        present = set(subjects)
        readable = {each: subject for each in sealed if (subject := subject_of(each)) in present}
        keys = await self._keys(set(readable.values()))
        contents = {
            each: _opened(keys.get(subject), Sealed(KEPT_ELSEWHERE, each)) for each, subject in readable.items()
        }
        return {each: str(msgspec.json.decode(content)["text"]) for each, content in contents.items() if content}

    async def has_sealed(self, subject: str) -> bool:
        """Whether anything was ever sealed for the subject and is not forgotten."""
        return bool(await self._keys([subject]))

    async def brought_back(self) -> set[str]:
        """The subjects that were forgotten and have a key nevertheless.

        Raises OSError for a list that cannot be read.
        """
        listed = frozenset[str]() if self._forgotten is None else self._forgotten.subjects()
        if not listed:
            return set()
        async with self._database.reading() as connection:
            stored = set((await connection.execute(select(subject_keys.c.subject))).scalars())
        return stored & listed

    async def forget(self, subject: str) -> None:
        """Delete the subject's key; what was sealed with it is unreadable from now on."""
        if self._forgotten is not None:
            await asyncio.to_thread(
                self._forgotten.add, subject
            )  # first: a key that is gone and not listed might come back
        async with self._database.transaction() as connection:
            await connection.execute(delete(subject_keys).where(subject_keys.c.subject == subject))
        self._known.pop(subject, None)

    def phone_index(self, provider: str, phone: str) -> str:
        """A keyed digest under which a normalised number can be looked up without storing it."""
        return hmac.new(self._index_key, f"{provider}|{phone}".encode(), sha256).hexdigest()

    def word_digest(self, provider: str, kind: WordKind, word: str) -> str:
        """A keyed digest by which a word of a sealed text is found: equal for equal words of one
        provider and kind.
        """
        content = msgspec.json.encode(["word", provider, kind, word])
        return hmac.new(self._word_key, content, sha256).hexdigest()[:WORD_DIGITS]

    def source_digest(self, provider: str, system: str, message: str) -> str:
        """A keyed digest by which a message is known again without telling anything of its id."""
        content = msgspec.json.encode(["source", provider, system, message])
        return hmac.new(self._index_key, content, sha256).hexdigest()

    async def _key(self, subject: str) -> AESGCM:
        """The subject's key, made if there is none.

        Who waits meanwhile is served together: each would wait for the disk alone.

        A key that is forgotten as soon as it is made is nobody's: what it seals is unreadable at
        once.
        """
        if subject not in self._known:
            self._wanted[subject] = None
            async with self._serving:
                wanted, self._wanted = self._wanted, {}
                try:
                    missing = wanted.keys() - (await self._keys(wanted)).keys()
                    if missing:
                        await self._make_keys(missing)
                        await self._keys(missing)
                except BaseException:
                    self._wanted = wanted | self._wanted
                    raise
        return self._known.get(subject) or AESGCM(AESGCM.generate_key(256))

    async def _make_keys(self, subjects: Iterable[str]) -> None:
        """Of several processes that make a subject's key at once the first one's holds."""
        rows = [{"subject": subject, "wrapped_key": self._wrapped(subject)} for subject in subjects]
        async with self._database.transaction() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            await connection.execute(insert(subject_keys).on_conflict_do_nothing(), rows)

    async def _keys(self, subjects: Iterable[str]) -> dict[str, AESGCM]:
        """The keys that there are."""
        found, missing = {}, []
        for subject in subjects:
            if subject in self._known:
                self._known.move_to_end(subject)
                found[subject] = self._known[subject]
            else:
                missing.append(subject)
        if missing:
            statement = select(subject_keys).where(subject_keys.c.subject.in_(missing))
            async with self._database.reading() as connection:
                rows = (await connection.execute(statement)).all()
            stored = {row.subject: self._unwrapped(row.subject, row.wrapped_key) for row in rows}
            self._known |= stored
            while len(self._known) > KNOWN_KEYS:
                self._known.popitem(last=False)
            found |= stored
        return found

    def _wrapped(self, subject: str) -> bytes:
        nonce = random_bytes(_NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, AESGCM.generate_key(256), subject.encode())

    def _unwrapped(self, subject: str, wrapped: bytes) -> AESGCM:
        return AESGCM(self._wrapping.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], subject.encode()))


def subject_of(sealed: str) -> str:
    """The data subject a sealed text belongs to."""
    return sealed.split(".", 2)[1]


def _opened(key: AESGCM | None, sealed: Sealed) -> bytes | None:
    if key is None:
        return None
    text = sealed.text.split(".", 2)[2]
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], sealed.event.encode())
    except (InvalidTag, ValueError):
        return None

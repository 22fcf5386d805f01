"""Text that is signed, C2SP ``signed-note``: the text, an empty line, and a line for each signature."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = 1
"""The type of plain Ed25519 signatures."""
COSIGNATURE: Final = 4
"""The type of a witness's Ed25519 signatures, which say when (C2SP ``tlog-cosignature``)."""
LONGEST_NOTE: Final = 65_536
"""Bytes that a note may have."""
_DASH: Final = "\u2014 "
_ID_BYTES: Final = 4
_FIRST_PRINTABLE: Final = 0x20
_KEY_BYTES: Final = 32


class NoteError(Exception):
    """A note or a key is not what it has to be; says what is wrong."""


class Signature(NamedTuple):
    """One line below a note: whose key, the key's id, and the bytes."""

    name: str
    key_id: bytes
    content: bytes


class Note(NamedTuple):
    """A note: its text, which ends with a line feed, and its signatures, none of them checked."""

    text: str
    signatures: Sequence[Signature]


class VerifierKey(NamedTuple):
    """A public key with the name that it signs under, and the type of its signatures."""

    name: str
    public: bytes
    type: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes that name it in signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """The key as it is published: ``name+0a1b2c3d+base64``."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    @classmethod
    def parsed(cls, text: str) -> VerifierKey:
        """The key that ``str`` has written. Raises NoteError."""
        name, key_id, content = ([*text.split("+", 2), "", ""])[:3]
        raw = _decoded(content)
        if not is_key_name(name) or len(raw) != _KEY_BYTES + 1 or raw[0] not in {ED25519, COSIGNATURE}:
            raise NoteError(f"{text!r} is no verifier key.")
        key = cls(name, raw[1:], raw[0])
        if key.id.hex() != key_id:
            raise NoteError(f"The key {text!r} does not carry its own id.")
        return key

    def check(self, message: bytes, signature: bytes) -> None:
        """Raises NoteError unless the key made the signature of the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise NoteError(f"A signature of {self.name} is wrong.") from error


class SigningKey(NamedTuple):
    """A private key with the name that it signs under."""

    name: str
    private: Ed25519PrivateKey

    def verifier(self, type_: int = ED25519) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw(), type_)

    def sign(self, text: str) -> Note:
        """A note with one signature. Raises NoteError for text that cannot be one."""
        check_text(text)
        signature = Signature(self.name, self.verifier().id, self.private.sign(text.encode()))
        return Note(text, [signature])


def is_key_name(name: str) -> bool:
    """Whether a key may have that name: not empty, no space, no plus, no control character."""
    return bool(name) and "+" not in name and not any(each.isspace() or ord(each) < _FIRST_PRINTABLE for each in name)


def check_text(text: str) -> None:
    """Raises NoteError for what cannot be the text of a note."""
    if not text.endswith("\n") or any(ord(each) < _FIRST_PRINTABLE and each != "\n" for each in text):
        raise NoteError("A note's text ends with a line feed and holds no other control character.")


def encoded(note: Note) -> bytes:
    """The note as bytes."""
    lines = [
        f"{_DASH}{each.name} {base64.b64encode(each.key_id + each.content).decode()}\n" for each in note.signatures
    ]
    return (note.text + "\n" + "".join(lines)).encode()


def parsed(content: bytes) -> Note:
    """A note out of its bytes. Raises NoteError."""
    if len(content) > LONGEST_NOTE:
        raise NoteError(f"A note of {len(content)} bytes is too long.")
    try:
        whole = content.decode()
    except UnicodeDecodeError as error:
        raise NoteError("The note is not UTF-8.") from error
    text, found, below = whole.rpartition("\n\n")
    if not found or not below.endswith("\n"):
        raise NoteError("The note has no signatures.")
    check_text(text + "\n")
    return Note(text + "\n", [_signature(line) for line in below[:-1].split("\n")])


def check_signed(note: Note, keys: Sequence[VerifierKey]) -> VerifierKey:
    """The first known key that has signed the note. Raises NoteError for a wrong signature, and where no key is known."""
    by_id = {(key.name, key.id): key for key in keys if key.type == ED25519}
    signed_by: VerifierKey | None = None
    for each in note.signatures:
        key = by_id.get((each.name, each.key_id))
        if key is not None:
            key.check(note.text.encode(), each.content)
            signed_by = signed_by or key
    if signed_by is None:
        raise NoteError("No key that is known has signed the note.")
    return signed_by


def _signature(line: str) -> Signature:
    name, _, content = line.removeprefix(_DASH).partition(" ")
    raw = _decoded(content)
    if not line.startswith(_DASH) or not is_key_name(name) or len(raw) <= _ID_BYTES:
        raise NoteError(f"{line!r} is no signature.")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def _decoded(text: str) -> bytes:
    """The bytes of a text in base64, exactly as it is written; empty for any other text."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""

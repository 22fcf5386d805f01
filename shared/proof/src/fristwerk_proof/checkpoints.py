"""The head of a tree as a signed note, C2SP ``tlog-checkpoint``, and a witness's signature under it, ``tlog-cosignature``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, NamedTuple

from fristwerk_proof.merkle import EMPTY_ROOT, HASH_BYTES
from fristwerk_proof.notes import (
    COSIGNATURE,
    Note,
    NoteError,
    Signature,
    SigningKey,
    VerifierKey,
    check_signed,
    encoded,
    parsed,
)

_LINES: Final = 3
_TIME_BYTES: Final = 8
_SHORT_DIGITS: Final = 16


class Checkpoint(NamedTuple):
    """A tree's head: which log's, how many entries, and the root's 32 bytes."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @property
    def short(self) -> str:
        """What people can compare by eye: the size and the root's first 16 hexadecimal digits."""
        return f"{self.size}:{self.root.hex()[:_SHORT_DIGITS]}"

    def signed(self, key: SigningKey) -> bytes:
        """The note with the log's signature."""
        return encoded(key.sign(self.text))


def opened(content: bytes, keys: Sequence[VerifierKey], origin: str | None = None) -> Checkpoint:
    """The checkpoint that one of the keys has signed. Raises NoteError.

    ``origin`` is the log that it has to be of; the signing key's name where none is given.
    """
    note = parsed(content)
    key = check_signed(note, keys)
    found = unchecked(note)
    wanted = key.name if origin is None else origin
    if found.origin != wanted:
        raise NoteError(f"The checkpoint is of {found.origin}, not of {wanted}.")
    return found


def unchecked(note: Note) -> Checkpoint:
    """What a note says, whoever signed it. Raises NoteError for one that is no checkpoint."""
    lines = note.text.split("\n")[:-1]
    if len(lines) < _LINES or "" in lines:
        raise NoteError("A checkpoint has at least three lines, none of them empty.")
    origin, size, root = lines[:_LINES]
    try:
        raw = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not (size.isascii() and size.isdecimal() and str(int(size)) == size):
        raise NoteError(f"{size!r} is no tree's size.")
    if len(raw) != HASH_BYTES or base64.b64encode(raw).decode() != root:
        raise NoteError(f"{root!r} is no root.")
    if size == "0" and raw != EMPTY_ROOT:
        raise NoteError("The tree is empty, its root is another one's.")
    return Checkpoint(origin, int(size), raw)


def cosigned(content: bytes, key: SigningKey, at: int) -> bytes:
    """The note with one more signature: a witness saw this head at ``at`` (POSIX seconds) as the newest. Raises NoteError."""
    note = parsed(content)
    stamp = at.to_bytes(_TIME_BYTES, "big") + key.private.sign(_cosigned_message(note.text, at))
    signature = Signature(key.name, key.verifier(COSIGNATURE).id, stamp)
    return encoded(Note(note.text, [*note.signatures, signature]))


def check_cosigned(content: bytes, key: VerifierKey) -> int:
    """When a witness saw this head as the newest, in POSIX seconds. Raises NoteError where it has not signed, or wrongly."""
    note = parsed(content)
    for each in note.signatures:
        if (each.name, each.key_id) == (key.name, key.id):
            at = int.from_bytes(each.content[:_TIME_BYTES], "big")
            key.check(_cosigned_message(note.text, at), each.content[_TIME_BYTES:])
            return at
    raise NoteError(f"{key.name} has not signed the checkpoint.")


def _cosigned_message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()

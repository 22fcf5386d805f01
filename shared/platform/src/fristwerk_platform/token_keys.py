"""The key file of the embedded default: the key that signs tokens, and those that it has replaced."""

from __future__ import annotations

import base64
import math
import secrets
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fristwerk_platform.key_files import make_key_file, read_key_file


class PreviousKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signed tokens before: its id, its public half (base64), and until when it
    verifies.
    """

    key_id: str
    public_key: str
    until: datetime

    def verifying_key(self) -> Ed25519PublicKey:
        """The public key. Raises ValueError if it is none."""
        return _verifying_key(self.public_key)


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The public half (base64) of a key in another file, whose tokens are taken here: those of one
    program alone, where it is named, and until an instant, where there is one. See
    ``service_keys``.
    """

    key_id: str
    public_key: str
    program: str | None = None
    until: datetime | None = None

    def verifying_key(self) -> Ed25519PublicKey:
        """The public key. Raises ValueError if it is none."""
        return _verifying_key(self.public_key)


class VerifyingKey(NamedTuple):
    """A key that verifies tokens until an instant (seconds since 1970), and those of which program
    alone, if of one.
    """

    key: Ed25519PublicKey
    until: float = math.inf
    program: str | None = None


class Keys(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The key file: the token key's id, and the Ed25519 seed (base64).

    ``previous`` are the keys that the present one has replaced, see ``key_rotation``; ``trusted`` are
    those in other files, see ``service_keys``. ``sealing_key`` stands in files that earlier versions
    have made, see ``sealing_keys``.
    """

    key_id: str
    signing_seed: str
    sealing_key: str | None = None
    previous: list[PreviousKey] = []
    trusted: list[TrustedKey] = []

    def __repr__(self) -> str:
        """Without the secrets: tracebacks and logs show what a variable holds."""
        return f"Keys(key_id={self.key_id!r}, …)"

    def signing_key(self) -> Ed25519PrivateKey:
        """The private key that signs tokens."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing_seed, validate=True))

    def public_key(self) -> str:
        """The public half, in base64."""
        return base64.b64encode(self.signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def verifying_keys(self) -> dict[str, VerifyingKey]:
        """The keys that verify tokens, by their ids. Raises ValueError where one is none."""
        before = {each.key_id: VerifyingKey(each.verifying_key(), each.until.timestamp()) for each in self.previous}
        trusted = {
            each.key_id: VerifyingKey(
                each.verifying_key(), math.inf if each.until is None else each.until.timestamp(), each.program
            )
            for each in self.trusted
        }
        return before | trusted | {self.key_id: VerifyingKey(self.signing_key().public_key())}

    def check(self) -> None:
        """Raises ValueError where a key is none."""
        self.verifying_keys()


def load_keys(path: Path) -> Keys:
    """The keys in the file. Raises KeyFileError."""
    return read_key_file(path, Keys)


def load_or_make_keys(path: Path) -> Keys:
    """The keys in the file, which is made if it does not exist; of several services starting at
    once one makes it.
    """
    if not path.exists():
        _make_keys(path)
    return load_keys(path)


def new_signing_seed() -> str:
    """The seed of a new key for tokens, in base64."""
    seed = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return base64.b64encode(seed).decode()


def _verifying_key(public: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))


def _make_keys(path: Path) -> None:
    make_key_file(path, Keys(key_id=secrets.token_hex(8), signing_seed=new_signing_seed()))

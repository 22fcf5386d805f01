"""The key file of the embedded default: the key that signs tokens, those that it has replaced, and
the key that wraps persons' keys.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fristwerk_platform.key_files import make_key_file, read_key_file

SEALING_KEY_BYTES: Final = 32


class PreviousKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signed tokens before: its id, its public half (base64), and until when it
    verifies.
    """

    key_id: str
    public_key: str
    until: datetime

    def verifying_key(self) -> Ed25519PublicKey:
        """The public key. Raises ValueError if it is none."""
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key, validate=True))


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The key file: the token key's id, the Ed25519 seed, and the key that wraps data subjects'
    keys (both base64).

    ``previous`` are the keys that the present one has replaced, see ``key_rotation``.
    """

    key_id: str
    signing_seed: str
    sealing_key: str
    previous: list[PreviousKey] = []

    def __repr__(self) -> str:
        """Without the secrets: tracebacks and logs show what a variable holds."""
        return f"Keys(key_id={self.key_id!r}, …)"

    def signing_key(self) -> Ed25519PrivateKey:
        """The private key that signs tokens."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing_seed, validate=True))

    def sealing_bytes(self) -> bytes:
        """The 32 bytes that wrap the keys of data subjects. Raises ValueError if they are not 32."""
        key = base64.b64decode(self.sealing_key, validate=True)
        if len(key) != SEALING_KEY_BYTES:
            raise ValueError(f"the sealing key has {len(key)} bytes, not {SEALING_KEY_BYTES}")
        return key

    def check(self) -> None:
        """Raises ValueError where a key is none."""
        self.signing_key()
        self.sealing_bytes()
        for each in self.previous:
            each.verifying_key()


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


def _make_keys(path: Path) -> None:
    keys = Keys(
        key_id=secrets.token_hex(8),
        signing_seed=new_signing_seed(),
        sealing_key=base64.b64encode(secrets.token_bytes(SEALING_KEY_BYTES)).decode(),
    )
    make_key_file(path, keys)

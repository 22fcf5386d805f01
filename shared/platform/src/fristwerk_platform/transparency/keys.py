"""The key that signs checkpoints: a file of its own, so that whoever can issue tokens cannot sign
heads.

A new key is put in front; the ones before it stay, as heads that they signed are still checked.
"""

from __future__ import annotations

import base64
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_platform.key_files import make_key_file, read_key_file, replace_key_file
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.notes import Note, SigningKey, VerifierKey, encoded

FILE: Final = "checkpoint-keys.json"
SEED_BYTES: Final = 32
SIGNING_KEYS: Final = 2
"""The key in use and the one before it sign each head."""


class CheckpointKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The key file: which installation this is, and the Ed25519 seeds in base64, the one in use
    first.
    """

    installation: str
    seeds: list[str]

    def origin(self, provider: str, log: str) -> str:
        """What a provider's tree over a log is called, here and nowhere else."""
        return f"fristwerk/{self.installation}/{quote(provider, safe='')}/{log}"

    def signing(self, origin: str) -> SigningKey:
        """The key in use, under the name of a tree."""
        return self._all(origin)[0]

    def signed(self, checkpoint: Checkpoint) -> bytes:
        """A head's note, signed by the key in use and by the one before it: who knows only that one learns to trust the new."""
        text = checkpoint.text
        found = [each.sign(text).signatures[0] for each in self._all(checkpoint.origin)[:SIGNING_KEYS]]
        return encoded(Note(text, found))

    def verifiers(self, origin: str) -> list[VerifierKey]:
        """The public keys that have signed heads of a tree, the one in use first."""
        return [each.verifier() for each in self._all(origin)]

    def check(self) -> None:
        """Raises ValueError where a key is none, or where there is none."""
        if not self.verifiers("any"):
            raise ValueError("it holds no key")

    def _all(self, origin: str) -> list[SigningKey]:
        return [SigningKey(origin, _private_key(each)) for each in self.seeds]


def load_or_make_checkpoint_keys(path: Path) -> CheckpointKeys:
    """The keys in the file, which is made if it does not exist. Raises KeyFileError."""
    if not path.exists():
        make_key_file(path, CheckpointKeys(installation=secrets.token_hex(8), seeds=[_new_seed()]))
    return read_key_file(path, CheckpointKeys)


def rotate_checkpoint_key(path: Path) -> CheckpointKeys:
    """Put a new key in front of those in the file, which services use from their next start on. Raises KeyFileError."""
    before = read_key_file(path, CheckpointKeys)
    after = msgspec.structs.replace(before, seeds=[_new_seed(), *before.seeds])
    replace_key_file(path, after)
    return after


@lru_cache(maxsize=SIGNING_KEYS)
def _private_key(seed: str) -> Ed25519PrivateKey:
    """Kept, as making it takes as long as signing. Raises ValueError for a seed that is none."""
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed, validate=True))


def _new_seed() -> str:
    return base64.b64encode(secrets.token_bytes(SEED_BYTES)).decode()

"""The key that signs checkpoints: a file of its own, so that whoever can issue tokens cannot sign heads.

A new key is put in front; the ones before it stay, as heads that they signed are still checked.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_platform.key_files import KeyFileError, write_key_file
from fristwerk_proof.notes import SigningKey, VerifierKey

FILE: Final = "checkpoint-keys.json"


class CheckpointKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The key file: which installation this is, and the Ed25519 seeds in base64, the one in use first."""

    installation: str
    seeds: list[str]

    def origin(self, provider: str, log: str) -> str:
        """What a provider's tree over a log is called, here and nowhere else."""
        return f"fristwerk/{self.installation}/{quote(provider, safe='')}/{log}"

    def signing(self, origin: str) -> SigningKey:
        """The key in use, under the name of a tree."""
        return self._all(origin)[0]

    def verifiers(self, origin: str) -> list[VerifierKey]:
        """The public keys that have signed heads of a tree, the one in use first."""
        return [each.verifier() for each in self._all(origin)]

    def _all(self, origin: str) -> list[SigningKey]:
        seeds = [base64.b64decode(each, validate=True) for each in self.seeds]
        return [SigningKey(origin, Ed25519PrivateKey.from_private_bytes(each)) for each in seeds]


def load_or_make_checkpoint_keys(path: Path) -> CheckpointKeys:
    """The keys in the file, which is made if it does not exist. Raises KeyFileError."""
    if not path.exists():
        made = CheckpointKeys(installation=secrets.token_hex(8), seeds=[_new_seed()])
        write_key_file(path, msgspec.json.format(msgspec.json.encode(made)))
    return load_checkpoint_keys(path)


def load_checkpoint_keys(path: Path) -> CheckpointKeys:
    """The keys in the file. Raises KeyFileError."""
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=CheckpointKeys)
        if not keys.seeds:
            raise KeyFileError(f"The key file {path} is damaged: it holds no key.")
        keys.verifiers("any")
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyFileError(f"The key file {path} is damaged: {error}.") from error
    return keys


def rotated(keys: CheckpointKeys) -> CheckpointKeys:
    """With a new key in use, the others behind it."""
    return msgspec.structs.replace(keys, seeds=[_new_seed(), *keys.seeds])


def _new_seed() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()

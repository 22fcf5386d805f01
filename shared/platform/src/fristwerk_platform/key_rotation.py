"""A new key for tokens, while those that the one before has signed go on until they expire."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fristwerk_platform.key_files import replace_key_file
from fristwerk_platform.token_keys import Keys, PreviousKey, load_keys, new_signing_seed

OVERLAP: Final = timedelta(days=90)
"""As long as the longest token that is issued where nobody says how long."""


def rotate(file: Path, *, now: datetime, overlap: timedelta = OVERLAP) -> Keys:
    """Put a new signing key into the key file.

    The one before verifies until the overlap is over. Raises KeyFileError.
    """
    old = load_keys(file)
    before = PreviousKey(key_id=old.key_id, public_key=_public(old), until=now + overlap)
    keys = msgspec.structs.replace(
        old,
        key_id=secrets.token_hex(8),
        signing_seed=new_signing_seed(),
        previous=[before, *(each for each in old.previous if each.until > now)],
    )
    replace_key_file(file, keys)
    return keys


def jwks(keys: Keys, now: datetime) -> dict[str, Any]:
    """The public keys as a JSON Web Key Set (RFC 7517, RFC 8037), for those who verify our tokens
    and hold no secret.
    """
    public = {keys.key_id: _public(keys)} | {each.key_id: each.public_key for each in keys.previous if each.until > now}
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": name, "x": _url_safe(key)}
            for name, key in public.items()
        ]
    }


def _public(keys: Keys) -> str:
    return base64.b64encode(keys.signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _url_safe(key: str) -> str:
    return base64.urlsafe_b64encode(base64.b64decode(key)).decode().rstrip("=")

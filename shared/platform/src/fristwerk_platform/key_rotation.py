"""A new key for tokens, while those that the one before has signed go on until they expire."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from fristwerk_platform.key_files import KeyFileError, replace_key_file
from fristwerk_platform.service_keys import is_of_one_service, renew_trust
from fristwerk_platform.token_keys import Keys, PreviousKey, load_keys, new_signing_seed

OVERLAP: Final = timedelta(days=90)
"""As long as the longest token that is issued where nobody says how long."""


def rotate(file: Path, *, now: datetime, overlap: timedelta = OVERLAP, services: Sequence[Path] = ()) -> Keys:
    """Put a new signing key into the key file.

    The one before verifies until the overlap is over. The key files of ``services`` learn the new one
    first, so that nobody refuses what it signs. Raises KeyFileError.
    """
    old = load_keys(file)
    if is_of_one_service(old):
        raise KeyFileError(f"{file} is the key file of one service: make it a new one with service-key.")
    before = PreviousKey(key_id=old.key_id, public_key=old.public_key(), until=now + overlap)
    keys = msgspec.structs.replace(
        old,
        key_id=secrets.token_hex(8),
        signing_seed=new_signing_seed(),
        previous=[before, *(each for each in old.previous if each.until > now)],
    )
    for each in services:
        renew_trust(each, keys, now)
    replace_key_file(file, keys)
    return keys


def jwks(keys: Keys, now: datetime) -> dict[str, Any]:
    """The public keys as a JSON Web Key Set (RFC 7517, RFC 8037), for those who verify our tokens
    and hold no secret.
    """
    public = {keys.key_id: keys.public_key()} | {
        each.key_id: each.public_key for each in keys.previous if each.until > now
    }
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": name, "x": _url_safe(key)}
            for name, key in public.items()
        ]
    }


def _url_safe(key: str) -> str:
    return base64.urlsafe_b64encode(base64.b64decode(key)).decode().rstrip("=")

"""A key of its own for a service, so that whoever takes it can speak as that service alone.

With the key file that all share, each service could sign a token in anybody's name. A service's own
file holds its own key and the public halves of those that sign for everybody; the shared file, which
then only the service that issues tokens needs, holds the public half of the service's.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from fristwerk_platform.key_files import KeyFileError, replace_key_file
from fristwerk_platform.token_keys import Keys, TrustedKey, load_keys, new_signing_seed

REPLACED_FOR: Final = timedelta(hours=1)
"""So long the key that a service had before is taken: it finds the new one within a second, where
its file is the one that was written.
"""


def make_service_key(shared: Path, program: str, file: Path, *, now: datetime) -> Keys:
    """Make a key that signs tokens of one program alone, put it into a file of its own, and have it
    trusted by the shared key file. Raises KeyFileError.
    """
    keys = load_keys(shared)
    if is_of_one_service(keys):
        raise KeyFileError(f"{shared} is itself the key file of one service.")
    own = Keys(key_id=secrets.token_hex(8), signing_seed=new_signing_seed(), trusted=_signing_for_all(keys, now))
    known = [_ending(each, program, now) for each in keys.trusted if each.until is None or each.until > now]
    trusted = [TrustedKey(key_id=own.key_id, public_key=own.public_key(), program=program), *known]
    replace_key_file(shared, msgspec.structs.replace(keys, trusted=trusted))
    replace_key_file(file, own)
    return own


def renew_trust(file: Path, keys: Keys, now: datetime) -> None:
    """Have a service's key file trust what signs for everybody now. Raises KeyFileError."""
    own = load_keys(file)
    if not is_of_one_service(own):
        raise KeyFileError(f"{file} is not the key file of one service.")
    replace_key_file(file, msgspec.structs.replace(own, trusted=_signing_for_all(keys, now)))


def is_of_one_service(keys: Keys) -> bool:
    """Whether others than the file's own key sign for everybody."""
    return any(each.program is None for each in keys.trusted)


def _signing_for_all(keys: Keys, now: datetime) -> list[TrustedKey]:
    before = [
        TrustedKey(key_id=each.key_id, public_key=each.public_key, until=each.until)
        for each in keys.previous
        if each.until > now
    ]
    return [TrustedKey(key_id=keys.key_id, public_key=keys.public_key()), *before]


def _ending(key: TrustedKey, program: str, now: datetime) -> TrustedKey:
    """The key, which ends soon where it is the program's that gets another."""
    if key.program != program:
        return key
    return msgspec.structs.replace(key, until=min(filter(None, (key.until, now + REPLACED_FOR))))

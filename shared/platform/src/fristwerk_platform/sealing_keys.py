"""The key that wraps persons' keys: a file of its own, for the service alone that seals.

Earlier versions kept it in the key file, which every service reads. There it is found as long as it
has not been moved (:func:`move_sealing_key`).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final

import msgspec

from fristwerk_platform.key_files import KeyFileError, make_key_file, read_key_file, replace_key_file
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys

KEY_BYTES: Final = 32


class SealingKey(msgspec.Struct, frozen=True, kw_only=True):
    """The file: 32 bytes in base64."""

    sealing_key: str

    def __repr__(self) -> str:
        """Without the secret: tracebacks and logs show what a variable holds."""
        return "SealingKey(…)"

    def content(self) -> bytes:
        """The 32 bytes. Raises ValueError if they are not 32."""
        key = base64.b64decode(self.sealing_key, validate=True)
        if len(key) != KEY_BYTES:
            raise ValueError(f"the sealing key has {len(key)} bytes, not {KEY_BYTES}")
        return key

    def check(self) -> None:
        """Raises ValueError where the key is none."""
        self.content()


def load_sealing_key(settings: Settings) -> bytes:
    """The key: of its own file, else of the key file. Raises KeyFileError."""
    own, earlier = settings.sealing_key, _of_key_file(settings)
    if not own.exists() and earlier is not None:
        return _checked(settings, earlier)
    key = read_key_file(own, SealingKey).content()
    if earlier is not None and not hmac.compare_digest(_checked(settings, earlier), key):
        raise KeyFileError(f"{own} and {settings.keys} hold two sealing keys: only one of them opens what is stored.")
    return key


def load_or_make_sealing_key(settings: Settings) -> bytes:
    """The key, made where there is none; of several processes that start at once one makes it.

    Raises KeyFileError.
    """
    if not settings.sealing_key.exists() and _of_key_file(settings) is None:
        made = SealingKey(sealing_key=base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        make_key_file(settings.sealing_key, made)
    return load_sealing_key(settings)


def move_sealing_key(settings: Settings) -> bool:
    """Move the key out of the key file; whether it was there. Raises KeyFileError.

    An interruption leaves it in both files, or in one, and each time it is found.
    """
    keys = load_keys(settings.keys)
    if keys.sealing_key is None:
        return False
    _checked(settings, keys.sealing_key)
    make_key_file(settings.sealing_key, SealingKey(sealing_key=keys.sealing_key))
    load_sealing_key(settings)  # refuses another key that lay there already
    replace_key_file(settings.keys, msgspec.structs.replace(keys, sealing_key=None))
    return True


def _of_key_file(settings: Settings) -> str | None:
    """None as well where the key file cannot be read: then the sealing key's own file has to be there."""
    try:
        return load_keys(settings.keys).sealing_key
    except KeyFileError:
        return None


def _checked(settings: Settings, key: str) -> bytes:
    try:
        return SealingKey(sealing_key=key).content()
    except ValueError as error:
        raise KeyFileError(f"The key file {settings.keys} is damaged: {error}.") from error

"""Files that hold keys: made once, whole, durable, and readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec


class CheckedKeys(Protocol):
    """What a key file holds."""

    def check(self) -> None:
        """Raises ValueError where a key is none."""
        ...


SomeKeys = TypeVar("SomeKeys", bound=CheckedKeys)


class KeyFileError(Exception):
    """The key file cannot be read, made or understood; the message is a sentence."""


def read_key_file(path: Path, kind: type[SomeKeys]) -> SomeKeys:
    """The keys in the file. Raises KeyFileError."""
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=kind)
        keys.check()
    except FileNotFoundError:
        raise KeyFileError(f"There is no key file {path}; a service makes it on its first start.") from None
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyFileError(f"The key file {path} is damaged: {error}.") from error
    return keys


def make_key_file(path: Path, keys: CheckedKeys) -> None:
    """Make the file; of several processes that start at once one makes it, and its content holds.

    Raises KeyFileError.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(draft, keys)
        try:
            os.link(draft, path)  # fails if another service was first; its file holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _sync(path.parent)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be made: {error.strerror}.") from error


def replace_key_file(path: Path, keys: CheckedKeys) -> None:
    """Put other keys into the file, whole: whoever reads it finds the ones or the others. Raises
    KeyFileError.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(draft, keys)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be replaced: {error.strerror}.") from error


def _write(draft: Path, keys: CheckedKeys) -> None:
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(keys)))
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Let the folder's entries outlive a loss of power: a log that is sealed with lost keys tells
    nothing of a person.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

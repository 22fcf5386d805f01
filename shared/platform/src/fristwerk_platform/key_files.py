"""Files that hold keys: made once, whole, durable, and readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class KeyFileError(Exception):
    """The key file cannot be read, made or understood; the message is a sentence."""


def write_key_file(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Make the file; of several processes that start at once one makes it, and its content holds. Raises KeyFileError.

    With ``replace`` it takes the place of the file that is there.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            if replace:
                draft.replace(path)
            else:
                os.link(draft, path)  # fails if another service was first; its file holds
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be made: {error.strerror}.") from error


def _sync(folder: Path) -> None:
    """Let the folder's entries outlive a loss of power: a log that is sealed with lost keys tells nothing of a person."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The folder of one running Fristwerk: writable, and used by one at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fristwerk_local.errors import FailedError


class FolderError(FailedError):
    """The folder cannot be used; the message is a sentence."""


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Make the folder where it is missing, and keep every other Fristwerk out of it. Raises FolderError."""
    try:
        (folder / "log").mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise FolderError(f"The folder {folder} cannot be written: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            who = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
            raise FolderError(f"The folder {folder} is in use by another Fristwerk (process {who}).") from error
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(lock)

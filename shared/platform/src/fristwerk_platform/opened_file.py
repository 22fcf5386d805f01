"""Noticing that the file behind an open database was deleted, moved or replaced: what is written to
it then is lost.
"""

from __future__ import annotations

from pathlib import Path


class OpenedFile:
    """A path, and which file was there when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity: tuple[int, int] | None = None

    def remember(self) -> None:
        """The file is open: from now on the path must lead to it."""
        if self._identity is None:
            self._identity = self._found()

    @property
    def is_gone(self) -> bool:
        """Whether the path no longer leads to the file that was opened."""
        return self._identity is not None and self._found() != self._identity

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

"""The list of forgotten persons, kept apart from every database: what a restored backup brings back
is forgotten again by it.

It is a file of one data subject a line, beside the key file unless a setting names another place. A
subject is the random id of a customer and how often it was forgotten before, so the list says
nothing of anybody.
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog

_log = structlog.get_logger()


class ForgottenList:
    """The subjects in a file, which only grows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._listed: set[str] | None = None

    def subjects(self) -> frozenset[str]:
        """Everybody who was ever forgotten.

        Raises OSError where there is a list that cannot be read.
        """
        if self._listed is None:
            text = self._file.read_text("utf-8") if self._file.exists() else ""
            self._listed = {line for line in text.splitlines() if line}
        return frozenset(self._listed)

    def add(self, subject: str) -> None:
        """Note a subject durably.

        Where that fails the log says so: the key must be deleted nevertheless.
        """
        try:
            if subject in self.subjects():
                return
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, f"{subject}\n".encode())  # one write: several processes may append
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            _log.error("forgotten_not_listed", subject=subject, sentence=f"{self._file}: {error.strerror}.")
            return
        assert self._listed is not None, "read just now"
        self._listed.add(subject)

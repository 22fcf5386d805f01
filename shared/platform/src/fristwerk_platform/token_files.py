"""What decides over tokens and may change while a service runs: the key file and the list of
revoked tokens.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.revocations import read_revocations
from fristwerk_platform.settings import Settings, SettingsError
from fristwerk_platform.token_keys import Keys, load_keys

EVERY_SECONDS: Final = 1.0
"""How often the files are looked at, at most: so long a revoked token may go on."""
_log = structlog.get_logger()
Stamp = tuple[int, int, int] | None
"""Which file it is, and when it was changed; ``None`` where there is none."""


class TokenFiles:
    """Looks at the files now and then. What was read last holds while one of them cannot be read."""

    def __init__(self, key_file: Path, revoked_file: Path) -> None:
        """Raises SettingsError for a list that cannot be read at the start."""
        self._files = (key_file, revoked_file)
        self._stamps = self._looked()
        self._next = 0.0
        self.revoked = read_revocations(revoked_file)

    def reread(self, now: datetime) -> Keys | None:
        """The keys as they are now, if either file has changed since the last time; the list is
        read with them.
        """
        if now.timestamp() < self._next:
            return None
        self._next = now.timestamp() + EVERY_SECONDS
        stamps = self._looked()
        if stamps == self._stamps:
            return None
        key_file, revoked_file = self._files
        try:
            keys, revoked = load_keys(key_file), read_revocations(revoked_file)
        except (KeyFileError, SettingsError) as error:
            _log.error("token_files_not_read", sentence=str(error))
            return None
        self._stamps, self.revoked = stamps, revoked
        _log.info("token_files_read", key=keys.key_id)
        return keys

    def _looked(self) -> tuple[Stamp, ...]:
        return tuple(_stamp(file) for file in self._files)


def open_token_files(settings: Settings) -> TokenFiles:
    """The files that the settings name. Raises SettingsError."""
    return TokenFiles(settings.keys, settings.revoked)


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

"""Who may read the data folder: nobody but the user that runs the services, for logs and keys lie
in it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import structlog

from fristwerk_platform.settings import SettingsError

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
DATA: Final = ("*.db", "*.db-wal", "*.db-shm", "*.db-journal", "keys.json", "sealing-key.json", "checkpoint-keys.json")
_log = structlog.get_logger()


def protect_data_folder(folder: Path) -> None:
    """Make the folder if need be, and close its files and all that the process makes from now on to
    other users.

    A folder that was there stays as it is, it may be shared on purpose: where others may enter it,
    the log says so. Raises SettingsError if a file belongs to somebody else.
    """
    os.umask(OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (found for pattern in DATA for found in folder.glob(pattern)):
        try:
            if file.stat().st_mode & OTHERS:
                file.chmod(0o600)
        except FileNotFoundError:  # SQLite removes its journals at any time
            continue
        except PermissionError as error:
            raise SettingsError(f"Others may read {file}, and it belongs to another user: chmod 600 it.") from error
    if folder.stat().st_mode & OTHERS:
        _log.warning("data_folder_open_to_others", sentence=f"Other users may enter {folder}; chmod 700 closes it.")

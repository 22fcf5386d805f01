"""Copying a data folder while the services run: each SQLite file as of one moment, and none ahead
of what it is derived from.

What is derived is copied first, then the logs, then what the caller names. So no read model and no
hash tree has seen an event that the copied log lacks, and with the keys of persons at the end no
event is sealed with a key that was not copied.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from fristwerk_platform.backup.manifest import FILE, LOG, BackupError, Manifest, described, state_of_log

LOCK_SECONDS: Final = 30
"""How long a copy waits for a writer."""
UNFINISHED: Final = ".unfinished"
"""Ends the name of a backup that is being made; the next one removes what an interrupted one left."""
POINTERS: Final = "*.generation"
"""Files that name the version of a read model that is in use."""


def make_backup(
    folder: Path, out: Path, *, last: Sequence[str], now: datetime, version: str, token_key: str
) -> tuple[Path, Manifest]:
    """Copy the databases of ``folder`` into a new folder in ``out``, named after the second;
    returns where, and what it holds.

    ``last`` names the databases to copy after all others, in their order. Raises BackupError.
    """
    files = in_order(folder, last)
    if not files:
        raise BackupError(f"There is no database in {folder}.")
    made = out / now.strftime("%Y-%m-%dT%H-%M-%SZ")
    if made.exists():
        raise BackupError(f"There is a backup {made} already.")
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in out.glob(f"*{UNFINISHED}"):
        shutil.rmtree(left)
    draft = made.with_name(made.name + UNFINISHED)
    draft.mkdir(mode=0o700)
    for file in files:
        _copy(file, draft / file.name)
    copies = [draft / file.name for file in files]
    manifest = Manifest(
        version=version,
        made_at=now,
        token_key=token_key,
        files=[described(copy) for copy in copies],
        logs=[state_of_log(copy) for copy in copies if copy.name.endswith(LOG)],
    )
    manifest.write(draft)
    _sync(draft)
    draft.rename(made)
    _sync(out)
    return made, manifest


def in_order(folder: Path, last: Sequence[str]) -> list[Path]:
    """The files to copy: pointers and what is derived, then logs, then ``last``."""
    ends = [folder / f"{name}.db" for name in last]
    others = sorted({*folder.glob("*.db"), *folder.glob(POINTERS)} - set(ends))
    return [*sorted(others, key=lambda file: file.name.endswith(LOG)), *(file for file in ends if file.exists())]


def remove_older(out: Path, keep: int) -> list[str]:
    """Remove all whole backups in a folder but the newest; returns the names of those that are
    gone.
    """
    whole = sorted(each.parent for each in out.glob(f"*/{FILE}") if not each.parent.name.endswith(UNFINISHED))
    gone = whole[: max(0, len(whole) - keep)]
    for each in gone:
        shutil.rmtree(each)
    return [each.name for each in gone]


def _copy(file: Path, copy: Path) -> None:
    """One file as of one moment; writers go on meanwhile. Raises BackupError."""
    if file.suffix != ".db":
        shutil.copyfile(file, copy)
        _sync(copy)
        return
    try:
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS)) as live,
            closing(sqlite3.connect(copy)) as target,
        ):
            live.backup(target)  # all pages in one read transaction
            target.execute("PRAGMA journal_mode=DELETE")  # so that the copy is one file
    except sqlite3.Error as error:
        raise BackupError(f"{file} cannot be copied: {error}.") from error
    copy.chmod(0o600)
    _sync(copy)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

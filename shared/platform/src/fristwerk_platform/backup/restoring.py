"""Restoring a backup: into an empty data folder, and only once everything in it was found to be
what was copied.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from fristwerk_platform.backup.checking import check_backup, check_databases, check_heads
from fristwerk_platform.backup.manifest import BackupError, Manifest
from fristwerk_platform.transparency.keys import CheckpointKeys

DRAFT: Final = ".restoring"
"""The folder inside the data folder where copies are checked before they take their places."""


async def restore_backup(
    backup: Path, folder: Path, *, token_key: str, checkpoint_keys: CheckpointKeys, now: Callable[[], datetime]
) -> tuple[Manifest, list[str]]:
    """Check a backup and put it into ``folder``; returns what it holds, and a sentence for each
    tree that was checked.

    The key files stay where they are. Raises BackupError, with the folder as it was: where it holds
    a database already, where the backup is damaged, or where it belongs to other keys.
    """
    _check_empty(folder)
    manifest = check_backup(backup)
    if manifest.token_key != token_key:
        raise BackupError(f"The backup belongs to the key file with key {manifest.token_key}; here is {token_key}.")
    draft = folder / DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    try:
        for file in manifest.files:
            shutil.copyfile(backup / file.name, draft / file.name)
            (draft / file.name).chmod(0o600)
        check_databases(draft, manifest)
        sentences = await check_heads(draft, checkpoint_keys, now)
        for file in manifest.files:
            (draft / file.name).rename(folder / file.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest, sentences


def _check_empty(folder: Path) -> None:
    there = sorted(file.name for file in folder.glob("*.db"))
    if there:
        raise BackupError(f"{folder} holds databases already ({', '.join(there)}); restore into an empty folder.")

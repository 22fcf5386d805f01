"""What a backup says of itself: its files with their digests, how far each log goes, and under
which key persons are sealed.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = "manifest.json"
LOG: Final = "-log.db"
"""Ends the name of a log's file."""
CHUNK_BYTES: Final = 1 << 20


class BackupError(Exception):
    """A backup cannot be made, is damaged, or cannot be restored here. The message is a sentence."""


class CopiedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the backup; the digest is SHA-256 in hex digits."""

    name: str
    bytes: int
    sha256: str


class LogState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log goes, and the SHA-256 over the positions and lines of all of its events."""

    name: str
    position: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The file ``manifest.json``. A backup without one is not whole."""

    version: str
    made_at: datetime
    token_key: str
    """The id of the key that signs tokens: restored beside another key file, nobody's name could be
    read.
    """
    files: list[CopiedFile]
    logs: list[LogState]

    def write(self, folder: Path) -> None:
        """Store it durably."""
        with (folder / FILE).open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self)))
            file.flush()
            os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest:
    """What the backup in the folder says of itself. Raises BackupError."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except OSError as error:
        raise BackupError(f"There is no whole backup in {folder}: {FILE} cannot be read, {error.strerror}.") from error
    except msgspec.MsgspecError as error:
        raise BackupError(f"{folder / FILE} is damaged: {error}.") from error


def described(file: Path) -> CopiedFile:
    """A file with its digest."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            digest.update(chunk)
    return CopiedFile(name=file.name, bytes=file.stat().st_size, sha256=digest.hexdigest())


def state_of_log(file: Path) -> LogState:
    """How far the log in a file goes. Raises BackupError where it is none."""
    digest, position = hashlib.sha256(), 0
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            for at, line in database.execute("SELECT rowid, CAST(state AS BLOB) FROM stored_events ORDER BY rowid"):
                digest.update(at.to_bytes(8, "big") + len(line).to_bytes(8, "big") + line)
                position = at
    except sqlite3.Error as error:
        raise BackupError(f"{file} is no log that can be read: {error}.") from error
    return LogState(name=file.stem, position=position, sha256=digest.hexdigest())

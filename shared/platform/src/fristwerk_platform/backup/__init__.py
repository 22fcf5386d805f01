"""Backups of a data folder: made while the services run, and checked against digests and signed
heads before they are restored.

make_backup      copies every SQLite file of a folder, in an order in which no copy is ahead of what it is derived from
restore_backup   checks a backup and puts it into an empty folder
check_stored_heads  compares what lies in a database with its signed heads, whoever restored it
BackupError      what neither of them can do, as a sentence

A PostgreSQL is backed up by its own tools; ``docs/operations/backup.md`` says how.
"""

from fristwerk_platform.backup.checking import check_backup, check_stored_heads
from fristwerk_platform.backup.copying import make_backup, remove_older
from fristwerk_platform.backup.manifest import BackupError, Manifest
from fristwerk_platform.backup.restoring import restore_backup

__all__ = [
    "BackupError",
    "Manifest",
    "check_backup",
    "check_stored_heads",
    "make_backup",
    "remove_older",
    "restore_backup",
]

"""Read models in SQL: databases, the column type for instants, and versions that replace one another while in use.

Database              where rows are read and written: transactions and readings
open_database         one that is never rebuilt: a file or a schema
open_live_read_model  one that a rebuild may replace while it is in use
store, add, in_list   many rows or keys in one statement
migrated_by           where the revisions of a database's tables lie
KEPT, GROWING         marks of tables that cannot be derived from the log; a rebuild copies them
PASSING               mark of tables that a rebuild neither copies nor compares
"""

from __future__ import annotations

from fristwerk_platform.read_models.blue_green import LiveReadModel, open_live_read_model
from fristwerk_platform.read_models.bulk import add, in_list, store, upsert
from fristwerk_platform.read_models.carry_over import GROWING, KEPT, PASSING
from fristwerk_platform.read_models.database import (
    IRREPLACEABLE,
    REBUILDABLE,
    Database,
    DatabaseUnavailableError,
    SqlDatabase,
    UtcDateTime,
    advisory_lock,
    after_commit,
    open_database,
    postgres_database,
    sqlite_database,
)
from fristwerk_platform.read_models.migrations import NewerDatabaseError, migrated_by
from fristwerk_platform.read_models.versions import RebuildError

__all__ = [
    "GROWING",
    "IRREPLACEABLE",
    "KEPT",
    "PASSING",
    "REBUILDABLE",
    "Database",
    "DatabaseUnavailableError",
    "LiveReadModel",
    "NewerDatabaseError",
    "RebuildError",
    "SqlDatabase",
    "UtcDateTime",
    "add",
    "advisory_lock",
    "after_commit",
    "in_list",
    "migrated_by",
    "open_database",
    "open_live_read_model",
    "postgres_database",
    "sqlite_database",
    "store",
    "upsert",
]

"""Read models in SQL: databases, the column type for instants, and versions that replace one
another while in use.

Database              where rows are read and written: transactions and readings
open_database         one that is never rebuilt: a file or a schema
open_live_read_model  one that a rebuild may replace while it is in use
store, add, in_list   many rows or keys in one statement
write, removal        the writes of several tables in one statement
Query, fetch          a constant query through the driver, without SQLAlchemy's share
migrated_by           where the revisions of a database's tables lie
KEPT, GROWING         marks of tables that cannot be derived from the log; a rebuild copies them
PASSING               mark of tables that a rebuild neither copies nor compares
"""

from __future__ import annotations

from fristwerk_platform.read_models.blue_green import LiveReadModel, open_live_read_model
from fristwerk_platform.read_models.bulk import Write, add, in_list, removal, store, upsert, write
from fristwerk_platform.read_models.carry_over import GROWING, KEPT, PASSING
from fristwerk_platform.read_models.database import (
    Database,
    SqlDatabase,
    UtcDateTime,
    advisory_lock,
    after_commit,
    instant_of_stored,
    open_database,
    postgres_database,
    sqlite_database,
)
from fristwerk_platform.read_models.driver import Query, fetch
from fristwerk_platform.read_models.migrations import NewerDatabaseError, migrated_by
from fristwerk_platform.read_models.sqlite_pragmas import DURABLE, IRREPLACEABLE, REBUILDABLE
from fristwerk_platform.read_models.unavailable import DatabaseUnavailableError
from fristwerk_platform.read_models.versions import RebuildError

__all__ = [
    "DURABLE",
    "GROWING",
    "IRREPLACEABLE",
    "KEPT",
    "PASSING",
    "REBUILDABLE",
    "Database",
    "DatabaseUnavailableError",
    "LiveReadModel",
    "NewerDatabaseError",
    "Query",
    "RebuildError",
    "SqlDatabase",
    "UtcDateTime",
    "Write",
    "add",
    "advisory_lock",
    "after_commit",
    "fetch",
    "in_list",
    "instant_of_stored",
    "migrated_by",
    "open_database",
    "open_live_read_model",
    "postgres_database",
    "removal",
    "sqlite_database",
    "store",
    "upsert",
    "write",
]

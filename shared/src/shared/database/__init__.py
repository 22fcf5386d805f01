"""Read models in SQL: databases, the column type for instants, and generations that replace one another while in use.

Database            what a service does with a database: transactions and readings
open_database       one that stays: a file or a schema
store, add, among   many rows or keys in one statement
migrated_by         where the revisions of a database's tables lie
open_live_database  a read model, of which a rebuild may make the next generation beside it
KEPT, GROWING       marks of tables that cannot be made again from the log; a rebuild copies them. PASSING: nor are these compared
"""

from __future__ import annotations

from shared.database.copying import GROWING, KEPT, PASSING
from shared.database.engine import (
    IRREPLACEABLE,
    REBUILDABLE,
    Database,
    DatabaseUnavailableError,
    UtcDateTime,
    after_commit,
    one_at_a_time,
    open_database,
    postgres_database,
    sqlite_database,
)
from shared.database.generations import LiveDatabase, open_live_database
from shared.database.migrating import NewerDatabaseError, migrated_by
from shared.database.places import RebuildError
from shared.database.rows import add, among, store, upsert

__all__ = [
    "GROWING",
    "IRREPLACEABLE",
    "KEPT",
    "PASSING",
    "REBUILDABLE",
    "Database",
    "DatabaseUnavailableError",
    "LiveDatabase",
    "NewerDatabaseError",
    "RebuildError",
    "UtcDateTime",
    "add",
    "after_commit",
    "among",
    "migrated_by",
    "one_at_a_time",
    "open_database",
    "open_live_database",
    "postgres_database",
    "sqlite_database",
    "store",
    "upsert",
]

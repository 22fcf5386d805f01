"""The tables of the trees over one log: what is hashed, what was signed, how far the log was taken,
and who read of it.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
    text,
)

from fristwerk_platform.read_models import UtcDateTime

metadata: Final = MetaData()
tiles: Final = Table(
    "tree_tiles",
    metadata,
    Column("provider", String, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),  # up to 256 of 32 bytes, from left to right
    Column("positions", LargeBinary, nullable=False),  # of the leaves in the log, 8 bytes each; empty above level 0
)
heads: Final = Table(
    "tree_heads",
    metadata,
    Column("provider", String, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("as_found", Boolean, nullable=False),  # covers events from before there was a tree
    Column("note", LargeBinary, nullable=False),
)
progress: Final = Table(
    "tree_progress",
    metadata,
    Column("log", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("found_until", BigInteger, nullable=False),  # the log's last position when the trees began
)
stamps: Final = Table(
    "tree_stamps",
    metadata,
    Column("provider", String, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("stamped_at", UtcDateTime, nullable=False),  # by our clock; the authority's stands in the response
    Column("response", LargeBinary, nullable=False),  # TimeStampResp of RFC 3161 over the head's note, in DER
)
accesses: Final = Table(
    "tree_accesses",
    metadata,
    Column("provider", String, primary_key=True),
    Column("number", BigInteger, primary_key=True),  # from 1, without gaps
    Column("line", LargeBinary, nullable=False),  # who read what and when, the leaf of a tree of its own
    Column("peaks", LargeBinary, nullable=False),  # of the tree up to here, 32 bytes each, from left to right
)
_REFUSE: Final = "BEGIN SELECT RAISE(ABORT, 'what was read is never changed or deleted'); END"
_PROTECTION: Final = {
    "sqlite": (
        f"CREATE TRIGGER accesses_refuse_update BEFORE UPDATE ON tree_accesses {_REFUSE}",
        f"CREATE TRIGGER accesses_refuse_delete BEFORE DELETE ON tree_accesses {_REFUSE}",
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION refuse_access_change() RETURNS trigger LANGUAGE plpgsql
        AS $refuse$ BEGIN RAISE EXCEPTION 'what was read is never changed or deleted'; END $refuse$""",
        """CREATE TRIGGER accesses_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_accesses
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_access_change()""",
    ),
}


@event.listens_for(accesses, "after_create")
def _protect(_table: Table, connection: Connection, **_: Any) -> None:
    """What was recorded is refused to be changed, as events are."""
    for statement in _PROTECTION[connection.dialect.name]:
        connection.execute(text(statement))

"""The tables of the trees over one log: what is hashed, what was signed, and how far the log was
taken.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, String, Table

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

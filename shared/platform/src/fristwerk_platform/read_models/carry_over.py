"""Between two versions of a read model: copying rows that no log holds, and comparing what was
derived again.

A table is marked where it is defined, ``Table(…, info=KEPT)``. Everything here runs in one
transaction of the version that is being built, which sees the live version as of one moment under
the name of its schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, MetaData, Table, and_, delete, exists, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

KEPT: Final = {"rebuild": "copy"}
"""A table whose rows a rebuild copies, because they cannot be derived from the log."""
GROWING: Final = {"rebuild": "copy", "grows": True}
"""The same for a table whose rows are only ever added, with growing numbers as primary key."""
PASSING: Final = {"rebuild": "leave"}
"""A table that depends on when and how often the projector tried; it is not compared."""
_FETCHED: Final = 1_000


class TableComparison(msgspec.Struct, frozen=True, kw_only=True):
    """A table in two versions: how many rows differ or are in one only, and a digest of each
    version's rows.
    """

    table: str
    rows: int
    differing: int
    live: str
    built: str


def derived(metadata: MetaData) -> list[Table]:
    """The tables that the projectors fill, in the order of their names."""
    return sorted(
        (table for table in metadata.sorted_tables if "rebuild" not in table.info), key=lambda each: each.name
    )


async def copy_kept(connection: AsyncConnection, metadata: MetaData, schema: str) -> None:
    """Make the kept tables equal to those of the live version; rows that are equal already stay."""
    for table in metadata.sorted_tables:
        if table.info.get("rebuild") == "copy":
            await _copy(connection, table, table.to_metadata(MetaData(), schema=schema))


async def _copy(connection: AsyncConnection, table: Table, live: Table) -> None:
    columns = [column.name for column in table.columns]
    if table.info.get("grows"):
        (key,) = table.primary_key.columns
        last = (await connection.execute(select(func.max(key)))).scalar()
        taken = select(live).where(live.c[key.name] > (last or 0)).order_by(live.c[key.name])
    else:
        await connection.execute(delete(table).where(~_is_in(live, table, [*live.columns.keys()])))
        keys = [column.name for column in table.primary_key]
        taken = select(live).where(~_is_in(table, live, keys))
    await connection.execute(insert(table).from_select(columns, taken))
    if connection.dialect.name == "postgresql" and table.autoincrement_column is not None:
        await _advance_sequence(connection, table)


async def _advance_sequence(connection: AsyncConnection, table: Table) -> None:
    """Number new rows after the copied ones, which did not take their numbers from the sequence."""
    key = table.autoincrement_column
    assert key is not None, "checked by the caller"
    last = (await connection.execute(select(func.max(key)))).scalar()
    if last is not None:
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
        await connection.execute(sequence, {"table": table.name, "column": key.name, "last": last})


async def compare(connection: AsyncConnection, table: Table, schema: str) -> TableComparison:
    """Compare a table in both versions."""
    live = table.to_metadata(MetaData(), schema=schema)
    before, _ = await _digest(connection, live)
    after, rows = await _digest(connection, table)
    differing = 0 if before == after else await _differing(connection, table, live)
    return TableComparison(table=table.name, rows=rows, differing=differing, live=before, built=after)


async def _digest(connection: AsyncConnection, table: Table) -> tuple[str, int]:
    """A digest of all rows in the order of the primary key, and how many they are."""
    digest, rows = sha256(), 0
    encode = msgspec.msgpack.Encoder().encode
    async with connection.stream(select(table).order_by(*table.primary_key.columns)) as result:
        async for part in result.partitions(_FETCHED):
            rows += len(part)
            digest.update(encode([tuple(row) for row in part]))
    return digest.hexdigest(), rows


async def _differing(connection: AsyncConnection, table: Table, live: Table) -> int:
    """How many rows of either are not in the other; a row that is in both with different values
    counts once.
    """
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns]
    changed = select(func.count()).select_from(live).where(~_is_in(table, live, names))
    added = select(func.count()).select_from(table).where(~_is_in(live, table, keys))
    return sum([(await connection.execute(each)).scalar_one() for each in (changed, added)])


def _is_in(table: Table, other: Table, names: Sequence[str]) -> ColumnElement[bool]:
    """Whether a row of the other table is in the table, comparing the named columns."""
    there = table.alias("there")  # the two have the same name
    same: list[ColumnElement[bool]] = [
        there.c[name].is_not_distinct_from(other.c[name]) if other.c[name].nullable else there.c[name] == other.c[name]
        for name in names
    ]
    return exists(select(1).select_from(there).where(and_(*same)).correlate(other))

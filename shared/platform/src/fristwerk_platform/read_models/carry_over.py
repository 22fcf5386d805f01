"""Between two generations: copying what cannot be made again from the log, and comparing what was made again.

A table is marked where it is defined, ``Table(…, info=KEPT)``. Everything here runs in one transaction of the generation that is
being built, which sees the live one as of one moment under the name of its schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, MetaData, Table, and_, delete, exists, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

KEPT: Final = {"rebuild": "copy"}
"""A table whose rows a rebuild copies: nobody can derive them from the log."""
GROWING: Final = {"rebuild": "copy", "grows": True}
"""The same for a table whose rows are only ever added, with growing numbers as primary key."""
PASSING: Final = {"rebuild": "leave"}
"""A table that depends on when and how often the projector tried; it is not compared."""
_FETCHED: Final = 1_000


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two generations hold in a table: how many rows stand in one only or differ, and a digest of each side's rows."""

    table: str
    rows: int
    differing: int
    live: str
    built: str


def derived(metadata: MetaData) -> list[Table]:
    """The tables that the projectors make, in the order of their names."""
    return sorted(
        (table for table in metadata.sorted_tables if "rebuild" not in table.info), key=lambda each: each.name
    )


async def copy_kept(connection: AsyncConnection, metadata: MetaData, schema: str) -> None:
    """Let the kept tables hold what they hold in the live generation; what is there already stays."""
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
        await connection.execute(delete(table).where(~_stands_in(live, table, [*live.columns.keys()])))
        keys = [column.name for column in table.primary_key]
        taken = select(live).where(~_stands_in(table, live, keys))
    await connection.execute(insert(table).from_select(columns, taken))
    if connection.dialect.name == "postgresql" and table.autoincrement_column is not None:
        await _go_on_numbering(connection, table)


async def _go_on_numbering(connection: AsyncConnection, table: Table) -> None:
    """New rows are numbered after the copied ones, which did not ask the sequence."""
    key = table.autoincrement_column
    assert key is not None, "checked by the caller"
    last = (await connection.execute(select(func.max(key)))).scalar()
    if last is not None:
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
        await connection.execute(sequence, {"table": table.name, "column": key.name, "last": last})


async def compare(connection: AsyncConnection, table: Table, schema: str) -> Comparison:
    """Compare a table in both generations."""
    live = table.to_metadata(MetaData(), schema=schema)
    before, _ = await _digest(connection, live)
    after, rows = await _digest(connection, table)
    differing = 0 if before == after else await _differing(connection, table, live)
    return Comparison(table=table.name, rows=rows, differing=differing, live=before, built=after)


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
    """Rows of either that do not stand in the other; a row that stands in both with other values counts once."""
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns]
    changed = select(func.count()).select_from(live).where(~_stands_in(table, live, names))
    added = select(func.count()).select_from(table).where(~_stands_in(live, table, keys))
    return sum([(await connection.execute(each)).scalar_one() for each in (changed, added)])


def _stands_in(table: Table, other: Table, names: Sequence[str]) -> ColumnElement[bool]:
    """Whether a row of the other table stands in the table, as far as those columns go."""
    there = table.alias("there")  # the two have the same name
    same: list[ColumnElement[bool]] = [
        there.c[name].is_not_distinct_from(other.c[name]) if other.c[name].nullable else there.c[name] == other.c[name]
        for name in names
    ]
    return exists(select(1).select_from(there).where(and_(*same)).correlate(other))

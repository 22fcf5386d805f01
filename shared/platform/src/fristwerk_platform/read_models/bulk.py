"""Many rows in one statement of constant text: stored, added, or looked up by a list of keys.

A statement for each row, or a parameter for each key, costs a projector more than all of its own work. PostgreSQL takes a column
as an array; SQLite takes the keys as a JSON text, and rows through its driver's loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Table, any_, bindparam, func, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
Replacing = TypeVar("Replacing", sqlite.Insert, postgresql.Insert)
_ORDINAL: Final = "ordinal_in_list"


async def store(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows; each replaces the row with the same primary key, whether stored or earlier in the list."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        keys = [column.name for column in table.primary_key]
        last = {tuple([row[key] for key in keys]): row for row in rows}
        await connection.execute(_stored_at_once(table, tuple(rows[0])), _columns(list(last.values())))
    else:
        await connection.execute(upsert(connection, table), rows)


async def add(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows in their order; all have the same columns. Raises IntegrityError where a key exists already."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(_inserted_at_once(table, tuple(rows[0])), _columns(rows))
    else:
        await connection.execute(insert(table), rows)


def in_list(connection: AsyncConnection, column: Column[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text column holds one of the values."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(msgspec.json.encode(list(values)).decode()).table_valued("value")
    return column.in_(select(listed.c.value))


def upsert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert into the table that replaces the row with the same primary key."""
    if connection.dialect.name == "postgresql":
        return _replacing(postgresql.insert(table), table)
    return _replacing(sqlite.insert(table), table)


def _replacing(statement: Replacing, table: Table, columns: Sequence[str] = ()) -> Replacing:
    keys = [column.name for column in table.primary_key]
    names = columns or [column.name for column in table.columns]
    others = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


@lru_cache(maxsize=64)
def _stored_at_once(table: Table, columns: tuple[str, ...]) -> postgresql.Insert:
    """Like ``_inserted_at_once``, replacing rows with the same primary key."""
    return _replacing(_inserted_at_once(table, columns), table, columns)


@lru_cache(maxsize=64)
def _inserted_at_once(table: Table, columns: tuple[str, ...]) -> postgresql.Insert:
    """Inserts columns given as arrays, in the order of the list, so that a sequence numbers the rows in that order."""
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in columns]
    listed = func.unnest(*arrays).table_valued(*columns, with_ordinality=_ORDINAL).render_derived()
    rows = select(*[listed.c[name] for name in columns]).order_by(listed.c[_ORDINAL])
    return postgresql.insert(table).from_select(columns, rows)


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}

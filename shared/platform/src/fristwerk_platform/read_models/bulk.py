"""Many rows in one statement of constant text: stored, added, removed, or looked up by a list of
keys.

A statement for each row, or a parameter for each key, costs a projector more than all of its own
work. PostgreSQL takes each column as an array, and the writes of several tables as one statement;
SQLite takes rows through its driver's loop, and all writes in one change of thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Column, ColumnElement, Dialect, LargeBinary, Table, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.array_literals import array_literal
from fristwerk_platform.read_models.driver import run_on_postgres, run_on_sqlite

Row = Mapping[str, Any]
_ORDINAL: Final = "ordinal_in_list"


class Write(msgspec.Struct, frozen=True):
    """A write of one table.

    ``store`` replaces the row with the same primary key, whether stored or earlier in the list;
    ``add`` inserts rows in their order; ``remove`` deletes the rows that agree with one of these in
    all columns that it has. All rows have the same columns.
    """

    kind: Literal["store", "add", "remove"]
    table: Table
    rows: Sequence[Row]


class _Shape(msgspec.Struct, frozen=True):
    """What the text of a write depends on."""

    kind: Literal["store", "add", "remove"]
    table: Table
    columns: tuple[str, ...]


async def write(connection: AsyncConnection, *writes: Write) -> None:
    """Carry out writes at once, in no order: no two of them concern the same row. Raises
    IntegrityError where a key that is added exists already.
    """
    wanted = [each for each in writes if each.rows]
    if not wanted:
        return
    shapes = tuple(_Shape(each.kind, each.table, tuple(each.rows[0])) for each in wanted)
    dialect = connection.dialect
    if dialect.name == "postgresql":
        arrays = [
            array
            for each, shape in zip(wanted, shapes, strict=True)
            for array in _postgres_arrays(each, shape, dialect)
        ]
        await run_on_postgres(connection, _postgres_text(shapes), *arrays)
    else:
        prepared = [
            (_sqlite_text(shape), list(zip(*_columns(each, shape, dialect), strict=True)))
            for each, shape in zip(wanted, shapes, strict=True)
        ]
        await run_on_sqlite(connection, lambda driver: _execute_all(driver, prepared))


def _execute_all(driver: sqlite3.Connection, prepared: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> None:
    for statement, rows in prepared:
        driver.executemany(statement, rows)


async def store(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows; each replaces the row with the same primary key, whether stored or earlier
    in the list.
    """
    await write(connection, Write("store", table, rows))


async def add(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows in their order; all have the same columns. Raises IntegrityError where a key
    exists already.
    """
    await write(connection, Write("add", table, rows))


def removal(column: Column[Any], keys: Sequence[str]) -> Write:
    """Delete the rows that hold one of the keys in a text column."""
    return Write("remove", column.table, [{column.name: key} for key in keys])


def in_list(connection: AsyncConnection, column: Column[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text column holds one of the values."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(msgspec.json.encode(list(values)).decode()).table_valued("value")
    return column.in_(select(listed.c.value))


def upsert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert into the table that replaces the row with the same primary key."""
    if connection.dialect.name == "postgresql":
        statement = postgresql.insert(table)
        return statement.on_conflict_do_update(
            index_elements=_keys(table), set_=dict(_others(table, statement.excluded))
        )
    inserting = sqlite.insert(table)
    return inserting.on_conflict_do_update(index_elements=_keys(table), set_=dict(_others(table, inserting.excluded)))


def _others(table: Table, excluded: Any) -> Sequence[tuple[str, Any]]:
    return [(column.name, excluded[column.name]) for column in table.columns if not column.primary_key]


@lru_cache(maxsize=256)
def _keys(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _columns(each: Write, shape: _Shape, dialect: Dialect) -> list[list[Any]]:
    """The values of each column as the driver takes them, in the order of the shape's columns."""
    rows = each.rows
    if each.kind == "store":
        keys = _keys(each.table)
        rows = list({tuple([row[key] for key in keys]): row for row in rows}.values())
    return [
        [row[name] for row in rows] if process is None else [process(row[name]) for row in rows]
        for name, process in _processors(shape, dialect).items()
    ]


@lru_cache(maxsize=256)
def _processors(shape: _Shape, dialect: Dialect) -> Mapping[str, Callable[[Any], Any] | None]:
    """For each column what makes a value of it one of the driver's."""
    types = {name: shape.table.c[name].type.dialect_impl(dialect) for name in shape.columns}
    return {name: each.bind_processor(dialect) for name, each in types.items()}


def _postgres_arrays(each: Write, shape: _Shape, dialect: Dialect) -> list[Sequence[Any] | str]:
    """The columns of a write, each as the driver takes an array."""
    columns, binary = _columns(each, shape, dialect), _binary(shape)
    return [
        values if name in binary else array_literal(values) for name, values in zip(shape.columns, columns, strict=True)
    ]


@lru_cache(maxsize=256)
def _binary(shape: _Shape) -> frozenset[str]:
    """The columns that hold bytes."""
    return frozenset(name for name in shape.columns if isinstance(shape.table.c[name].type, LargeBinary))


@lru_cache(maxsize=256)
def _postgres_text(shapes: tuple[_Shape, ...]) -> str:
    """One statement for all: each column of each table is an array."""
    first, parts = 1, []
    for shape in shapes:
        parts.append(_postgres_part(shape, first))
        first += len(shape.columns)
    named = [f"written_{number} AS ({part})" for number, part in enumerate(parts[:-1])]
    return (f"WITH {', '.join(named)} " if named else "") + parts[-1]


_POSTGRES: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without types


def _postgres_part(shape: _Shape, first: int) -> str:
    arrays = [
        f"${number}::{'' if name in _binary(shape) else 'text::'}{_postgres_type(shape, name)}[]"
        for number, name in enumerate(shape.columns, first)
    ]
    table, names = _quoted_table(shape.table), _quoted(shape.columns)
    if shape.kind == "remove":
        listed = f"unnest({', '.join(arrays)})"
        return f"DELETE FROM {table} WHERE ({names}) IN (SELECT * FROM {listed})"  # noqa: S608 - names of our own tables
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM unnest({', '.join(arrays)}) WITH ORDINALITY "  # noqa: S608
        f"AS listed ({names}, {_ORDINAL}) ORDER BY {_ORDINAL}{_replacing(shape)}"
    )


def _postgres_type(shape: _Shape, name: str) -> str:
    """Without a collation, which values have not before they are in a column: an array of such a type is a syntax error."""
    return shape.table.c[name].type.compile(dialect=_POSTGRES).partition(" COLLATE ")[0]


@lru_cache(maxsize=256)
def _sqlite_text(shape: _Shape) -> str:
    table, names = _quoted_table(shape.table), _quoted(shape.columns)
    if shape.kind == "remove":
        same = " AND ".join(f"{_quoted([name])} = ?" for name in shape.columns)
        return f"DELETE FROM {table} WHERE {same}"  # noqa: S608 - names of our own tables
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(shape.columns))}){_replacing(shape)}"  # noqa: S608


def _replacing(shape: _Shape) -> str:
    """What to do with the row of the same primary key; the two databases write it alike."""
    if shape.kind == "add":
        return ""
    keys = _keys(shape.table)
    others = [f"{_quoted([name])} = excluded.{_quoted([name])}" for name in shape.columns if name not in keys]
    action = f"UPDATE SET {', '.join(others)}" if others else "NOTHING"
    return f" ON CONFLICT ({_quoted(keys)}) DO {action}"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _quoted_table(table: Table) -> str:
    return f'"{table.name}"' if table.schema is None else f'"{table.schema}"."{table.name}"'

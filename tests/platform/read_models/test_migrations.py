"""Tables are made at once where there are none, migrated where they are older, left alone where they are newer."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from fristwerk_platform.read_models import Database, NewerDatabaseError, migrated_by, open_database
from fristwerk_platform.read_models.migrations import revisions
from fristwerk_platform.settings import Settings

FIRST = """
    op.create_table("notes", sa.Column("note", sa.String(), primary_key=True))
"""
SECOND = """
    op.add_column("notes", sa.Column("stars", sa.Integer(), nullable=False, server_default="3"))
    op.create_table("colours", sa.Column("colour", sa.String(), primary_key=True))
"""
FAILING = (
    SECOND
    + """
    op.drop_table("nothing_of_that_name")
"""
)


def tables(folder: Path | None, *, stars: bool) -> MetaData:
    metadata = MetaData(info=migrated_by(folder) if folder else {})
    columns: list[Column[Any]] = [Column("note", String, primary_key=True)]
    if stars:
        columns.append(Column("stars", Integer, nullable=False, server_default="3"))
        Table("colours", metadata, Column("colour", String, primary_key=True))
    Table("notes", metadata, *columns)
    return metadata


def write(folder: Path, number: int, steps: str) -> None:
    """A revision, as a service has them in its folder."""
    before = f'"{number - 1:04}"' if number > 1 else "None"
    folder.joinpath(f"v{number:04}_step.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f'revision = "{number:04}"\ndown_revision = {before}\n\n\ndef upgrade() -> None:\n'
        + textwrap.indent(textwrap.dedent(steps), "    ")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two revisions, the second of which adds a column and a table."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    write(folder, 1, FIRST)
    write(folder, 2, SECOND)
    return folder


@pytest.fixture
async def opened(database_settings: Settings) -> AsyncIterator[Callable[[MetaData], Database]]:
    """Opens the test's database for code that expects those tables; closed after the test."""
    async with AsyncExitStack() as closing:

        def open_one(metadata: MetaData) -> Database:
            database = open_database(database_settings, "notes", metadata)
            closing.push_async_callback(database.close)
            return database

        yield open_one


async def shape(database: Database) -> dict[str, list[str]]:
    """The tables and their columns."""

    def seen(connection: Any) -> dict[str, list[str]]:
        there = inspect(connection)
        return {name: [each["name"] for each in there.get_columns(name)] for name in sorted(there.get_table_names())}

    async with database.reading() as connection:
        return await connection.run_sync(seen)


async def notes(database: Database, metadata: MetaData) -> list[tuple[Any, ...]]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(select(metadata.tables["notes"]))]


NEWEST = {"alembic_version": ["version_num"], "colours": ["colour"], "notes": ["note", "stars"]}


async def test_an_empty_database_gets_its_tables_at_once(opened: Any, folder: Path) -> None:
    for number in (1, 2):
        write(folder, number, 'raise AssertionError("a revision was run")')
    database = opened(tables(folder, stars=True))

    await database.create()
    await database.create()

    assert await shape(database) == NEWEST


async def test_a_database_from_before_migrations_is_migrated_with_what_it_holds(opened: Any, folder: Path) -> None:
    old = tables(None, stars=False)
    before = opened(old)
    await before.create()
    async with before.transaction() as connection:
        await connection.execute(insert(old.tables["notes"]), [{"note": "kept"}])
    await before.close()

    metadata = tables(folder, stars=True)
    database = opened(metadata)
    await database.create()

    assert await shape(database) == NEWEST
    assert await notes(database, metadata) == [("kept", 3)]


async def test_of_several_that_start_at_once_one_migrates(opened: Any, folder: Path) -> None:
    await opened(tables(None, stars=False)).create()

    starting = [opened(tables(folder, stars=True)) for _ in range(4)]
    await asyncio.gather(*(each.create() for each in starting))

    assert await shape(starting[0]) == NEWEST


async def test_a_revision_that_fails_leaves_everything_as_it_was(opened: Any, folder: Path) -> None:
    before = opened(tables(None, stars=False))
    await before.create()
    write(folder, 2, FAILING)

    with pytest.raises(SQLAlchemyError):
        await opened(tables(folder, stars=True)).create()

    assert await shape(before) == {"notes": ["note"]}


async def test_a_database_that_a_newer_version_has_used_is_left_alone(opened: Any, folder: Path) -> None:
    await opened(tables(folder, stars=True)).create()
    folder.joinpath("v0002_step.py").unlink()
    older = opened(tables(folder, stars=False))

    with pytest.raises(NewerDatabaseError, match="at revision 0002, this version of Fristwerk knows 0001"):
        await older.create()

    assert await shape(older) == NEWEST


def test_revisions_are_found_in_their_order(folder: Path) -> None:
    write(folder, 10, FIRST)
    folder.joinpath("__init__.py").touch()

    assert revisions(tables(folder, stars=True)) == ["0001", "0002", "0010"]
    assert revisions(MetaData()) == []


def test_alembic_sees_the_same_revisions_in_one_line(folder: Path) -> None:
    script = ScriptDirectory(str(folder), version_locations=[str(folder)])

    assert script.get_heads() == revisions(tables(folder, stars=True))[-1:]

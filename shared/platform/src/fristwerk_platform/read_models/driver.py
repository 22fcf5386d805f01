"""Constant statements through the driver's own connection, inside a transaction of SQLAlchemy or
without one.

A statement through SQLAlchemy costs four times what the driver alone takes, and on SQLite several
changes of thread. What a follower runs for every event goes through here: a text that never
changes, written once for both databases, with lists as arrays (PostgreSQL) or JSON (SQLite).
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models.unavailable import DatabaseUnavailableError

Result = TypeVar("Result")
_LIST: Final = re.compile(r"IN LIST\(\$(\d+)\)")
_PARAMETER: Final = re.compile(r"\$(\d+)")


class Query:
    """A constant query. ``$1`` is the first argument; ``column IN LIST($2)`` looks for texts that
    the second one lists.
    """

    def __init__(self, template: str) -> None:
        self.postgres = _LIST.sub(r"= ANY($\1::text[])", template)
        self.sqlite = _PARAMETER.sub(r"?\1", _LIST.sub(r"IN (SELECT value FROM json_each($\1))", template))


async def fetch(connection: AsyncConnection, query: Query, *arguments: Any) -> Sequence[Sequence[Any]]:
    """The rows of a query, with values as the driver has them: an instant is a number.

    Raises what SQLAlchemy raises.
    """
    if connection.dialect.name == "postgresql":
        return await run_on_postgres(connection, query.postgres, *arguments)
    given = [_as_json(each) if isinstance(each, list) else each for each in arguments]
    return await run_on_sqlite(connection, lambda driver: driver.execute(query.sqlite, given).fetchall())


async def run_on_postgres(connection: AsyncConnection, statement: str, *arguments: Any) -> Sequence[Sequence[Any]]:
    """The rows of a statement in PostgreSQL's own notation, in the transaction if there is one."""
    driver: asyncpg.Connection = _driver_of(connection)
    with translated():
        if connection.in_transaction() and not driver.is_in_transaction():
            await _begin(connection)
        rows: Sequence[Sequence[Any]] = await driver.fetch(statement, *arguments)
    return rows


async def run_on_sqlite(connection: AsyncConnection, run: Callable[[sqlite3.Connection], Result]) -> Result:
    """What ``run`` returns in the thread of the connection: any number of statements, one change of
    thread there and back.
    """
    driver = _driver_of(connection)
    with translated():
        # The driver has no public way to run several statements in its thread at once.
        result: Result = await driver._execute(run, driver._conn)  # noqa: SLF001
        return result


async def _begin(connection: AsyncConnection) -> None:
    """Begin on the server: SQLAlchemy would do so with the first statement of its own, which takes
    as long as five of these.
    """
    assert connection.sync_connection is not None, "the connection is open"
    adapter: Any = connection.sync_connection.connection.dbapi_connection
    try:
        # There is no public way; an own BEGIN would leave SQLAlchemy believing that there is
        # nothing to commit.
        await adapter._start_transaction()  # noqa: SLF001
    except connection.dialect.loaded_dbapi.Error as error:
        raise error.__cause__ or error from None
    except asyncio.CancelledError:
        # The server may have begun, of which SQLAlchemy knows nothing: the connection would go back
        # to the pool with a transaction that the next user writes into and nobody ever commits.
        await connection.invalidate()
        raise


def _driver_of(connection: AsyncConnection) -> Any:
    sync = connection.sync_connection
    assert sync is not None, "the connection is open"
    return sync.connection.driver_connection


def _as_json(values: Sequence[Any]) -> str:
    return msgspec.json.encode(values).decode()


@contextmanager
def translated() -> Iterator[None]:
    """The drivers' errors as SQLAlchemy raises them; they name no values."""
    try:
        yield
    except (sqlite3.Error, asyncpg.PostgresError) as error:
        raise _as_sqlalchemy(error)(None, None, error, hide_parameters=True) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseUnavailableError(f"{type(error).__name__}: {error}") from error


def _as_sqlalchemy(error: Exception) -> type[DBAPIError]:
    match error:
        case sqlite3.IntegrityError() | asyncpg.IntegrityConstraintViolationError():
            return IntegrityError
        case sqlite3.OperationalError():
            return OperationalError
        case asyncpg.SyntaxOrAccessError():
            return ProgrammingError
        case _:
            return DBAPIError

"""How SQLite goes about what is asked of a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event

from fristwerk_platform.read_models import SqlDatabase


async def plan_of(database: SqlDatabase, ask: Callable[[], Awaitable[Any]]) -> list[str]:
    """The steps of the plan of each query that asking executes, in order."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        await ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    steps: list[str] = []
    async with database.reading() as connection:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps += [str(row[-1]) for row in rows]
    return steps

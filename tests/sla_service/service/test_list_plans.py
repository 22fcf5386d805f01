"""The lists of timers that people look at find their page by an index, and sort nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from sla_service.queries.read_model import ReadModel, TimerFilter
from tests.sla_service.service.conftest import Service

NOW = datetime(2026, 6, 9, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [({}, "timers_by_id"), ({"state": "running", "by_deadline": True}, "timers_not_ended")],
    ids=["all", "running by deadline"],
)
async def test_a_list_of_timers_is_read_in_the_order_of_an_index(
    service: Service, wanted: dict[str, Any], index: str
) -> None:
    asked: list[tuple[str, Any]] = []

    @event.listens_for(service.database._engine.sync_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    await ReadModel(service.database).timers(TimerFilter(provider="infoniqa", now=NOW, **wanted))
    statement, parameters = next(each for each in asked if each[0].startswith("SELECT"))
    async with service.database.reading() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plan = " ".join(str(row[-1]) for row in rows)

    assert f"USING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan

"""The lists of timers that people look at find their page by an index, and sort nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sla_service.queries.read_model import ReadModel, TimerFilter
from tests.query_plans import plan_of
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
    query = TimerFilter(provider="infoniqa", now=NOW, **wanted)
    plan = " ".join(await plan_of(service.database, lambda: ReadModel(service.database).timers(query)))

    assert f"USING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan

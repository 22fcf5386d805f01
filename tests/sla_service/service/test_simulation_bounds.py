"""A simulation that would keep a request busy for long is refused before anything is asked for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sla_service.application.calendar_client import CalendarClient
from tests.sla_service.service.conftest import Desk


def of_regions(number: int, regions: int, years: str = "2026") -> dict[str, Any]:
    """A calendar that takes long to expand."""
    return {
        "calendar": f"c{number}",
        "timezone": "Europe/Zurich",
        "hours": {"mon": ["08:00-12:00"]},
        "holidays": [{"country": "CH", "subdivision": "ZH"}] * regions,
        "years": years,
    }


TOO_MUCH: list[tuple[dict[str, Any], str]] = [
    ({"calendars": {f"c{n}": of_regions(n, 1) for n in range(9)}}, "/calendars/c8"),
    ({"calendars": {f"c{n}": of_regions(n, 1) for n in range(8)}, "calendar": of_regions(9, 1)}, "/calendar"),
    ({"calendars": {f"c{n}": of_regions(n, 48, "2021-2025") for n in range(2)}}, "/calendars/c1"),
    ({"calendar": of_regions(1, 50, "2001-2030")}, "/calendar"),
]


async def test_more_than_can_be_done_at_once_is_refused_before_it_is_begun(
    day: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 documents of 48 regions took 28 seconds in one request."""
    asked: list[Any] = []

    async def expanded(*_more: object, **_named: object) -> None:
        asked.append(1)
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(CalendarClient, "calendar", expanded)
    headers = day.stack.headers("manager", "infoniqa")
    for body, pointer in TOO_MUCH:
        answer = await day.stack.clients["sla"].post("/v1/simulations", json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/too-much-at-once"), answer.text
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert any(limit in answer.json()["detail"] for limit in ("at most 8", "more than 400"))
    assert asked == []

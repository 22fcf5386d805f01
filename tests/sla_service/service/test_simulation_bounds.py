"""A simulation that would keep a request busy for long is refused before anything is asked for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sla_service.application import simulation_bounds
from sla_service.application.calendar_client import CalendarClient
from sla_service.application.simulation_bounds import check_room
from sla_service.domain.errors import NotAcceptable
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


async def test_a_provider_keeps_no_more_simulations_than_there_may_be(
    day: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is stored with its calendars for a week, and all providers' are carried out one after the other."""
    client, headers = day.stack.clients["sla"], day.stack.headers("manager", "infoniqa")
    monkeypatch.setattr(simulation_bounds, "MAX_KEPT", 2)

    answers = [
        await client.post("/v1/simulations", json={"calendar": of_regions(1, 1)}, headers=headers) for _ in range(3)
    ]

    assert [each.status_code for each in answers] == [201, 201, 422]
    assert answers[2].json()["type"] == "/problems/too-much-at-once"
    others = day.stack.headers("manager", "hamburg")
    assert (await client.get("/v1/simulations", headers=others)).json()["items"] == []


@pytest.mark.parametrize(("unfinished", "kept"), [(10, 10), (0, 1_000)])
def test_what_is_unfinished_and_what_is_kept_are_bounded(unfinished: int, kept: int) -> None:
    with pytest.raises(NotAcceptable, match="too-much-at-once"):
        check_room(unfinished, kept)
    check_room(unfinished - 1 if unfinished else 0, kept - 1)

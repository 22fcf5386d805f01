"""A line in the log for each request, or for a share of them, and nothing in it that somebody wrote."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_platform.http.request_log import RequestLog, request_observers
from fristwerk_platform.settings import Settings
from tests.conftest import OpenServices, ServicesInOneProcess


class Route:
    """What the route table leaves in the scope."""

    def __init__(self, name: str) -> None:
        self.name = name


def scope(path: str = "/v1/tickets", operation: str = "list_tickets") -> dict[str, Any]:
    return {"method": "GET", "path": path, "route": Route(operation), "state": {}}


def noted(logged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in logged if each["event"] == "request"]


async def test_each_request_is_one_line_without_anything_that_somebody_wrote(
    stack_on_sqlite: ServicesInOneProcess, logged: list[dict[str, Any]]
) -> None:
    client = stack_on_sqlite.clients["ticket"]

    path = "/v1/customers/not-there-Erika-Mustermann?secret=word"
    answer = await client.get(path, headers=stack_on_sqlite.headers("agent", "north"))

    lines = [each for each in noted(logged) if each["operation"] != "read_events"]
    assert len(lines) == 1
    seconds = lines[0].pop("seconds")
    assert 0 < seconds < 60
    assert lines[0] == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "operation": "read_customer",
        "status": answer.status_code,
        "problem": answer.json()["type"].removeprefix("/problems/"),
        "provider": "north",
        "role": "agent",
    }


def test_the_share_follows_from_the_correlation_id_so_that_services_agree(logged: list[dict[str, Any]]) -> None:
    names = [f"{number:032x}" for number in range(2_000)]
    services = [RequestLog(0.25), RequestLog(0.25)]
    chosen: list[set[str]] = []
    for each in services:
        found = set()
        for name in names:
            before = len(logged)
            each.note(scope(), name, 200, 0.01)
            found |= {name} if len(logged) > before else set()
        chosen.append(found)

    assert chosen[0] == chosen[1]
    assert 400 < len(chosen[0]) < 600


@pytest.mark.parametrize(
    ("given", "status", "seconds", "lines"),
    [
        (scope(), 200, 0.01, 0),
        (scope(), 404, 0.01, 0),
        (scope(), 503, 0.01, 1),
        (scope(), 200, 1.5, 1),
        (scope("/v1/events", "read_events"), 200, 25.0, 0),
        (scope("/metrics", "read_metrics_metrics_get"), 200, 1.5, 0),
        (scope("/health/ready", "health_ready_health_ready_get"), 503, 0.01, 1),
    ],
)
def test_what_failed_or_took_long_is_logged_in_any_case(
    given: dict[str, Any], status: int, seconds: float, lines: int, logged: list[dict[str, Any]]
) -> None:
    RequestLog(0.0).note(given, "any", status, seconds)

    assert len(noted(logged)) == lines


@pytest.mark.parametrize(("share", "lines"), [(0.0, 0), (1.0, 1)])
async def test_the_setting_is_the_share(
    share: float, lines: int, open_services: OpenServices, tmp_path: Any, logged: list[dict[str, Any]]
) -> None:
    async with open_services(Settings(var=tmp_path, log_requests=share)) as services:
        await services.clients["sla"].get("/v1/timers", headers=services.headers("agent"))

    assert len([each for each in noted(logged) if each["operation"] == "list_timers"]) == lines


def test_nothing_is_traced_unless_a_collector_is_named() -> None:
    assert [type(each).__name__ for each in request_observers(Settings(), "any")] == ["RequestLog"]
    assert request_observers(Settings(log_level="warning"), "any") == []

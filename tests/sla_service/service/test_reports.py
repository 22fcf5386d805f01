"""Reports over HTTP, on the recorded day: every figure can be counted by hand in its story."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.sla_service.service.conftest import Desk


async def compliance(desk: Desk, **params: Any) -> dict[str, Any]:
    report: dict[str, Any] = await desk.read("/v1/reports/compliance", role="manager", **params)
    return report


def row(report: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    (found,) = [each for each in report["items"] if each[key] == value]
    only: dict[str, Any] = found
    return only


async def test_promises_are_counted_by_metric_with_the_share_met_as_a_decimal(day: Desk) -> None:
    report = await compliance(day)
    first = row(report, "metric", "first_response")
    assert {name: first[name] for name in ("timers", "met", "missed", "running", "cancelled", "measured")} == {
        "timers": 5,
        "met": 4,
        "missed": 1,
        "running": 0,
        "cancelled": 0,
        "measured": 0,
    }
    assert first["share_met"] == "80.00"
    assert report["total"]["timers"] == sum(each["timers"] for each in report["items"])


async def test_used_time_is_counted_on_the_timers_own_clock(day: Desk) -> None:
    """lohnlauf 30 + 60 min, import 7 h 30 to the next morning, jahresabschluss 1 h, rueckfrage 20 min, druck 8 h."""
    used = row(await compliance(day), "metric", "first_response")["used_seconds"]
    minutes = sorted([90, 330, 60, 20, 480])
    assert used == {
        "count": 5,
        "p50": minutes[2] * 60,
        "p90": minutes[4] * 60,
        "p95": minutes[4] * 60,
        "p99": minutes[4] * 60,
        "max": minutes[4] * 60,
    }


async def test_groups_are_by_severity_customer_agreement_and_month(day: Desk) -> None:
    by_severity = await compliance(day, group_by="severity")
    assert [each["severity"] for each in by_severity["items"]] == ["kritisch", "mittel", "niedrig"]
    assert row(by_severity, "severity", "mittel")["share_met"] == "0.00"
    by_customer = await compliance(day, group_by="customer")
    assert row(by_customer, "customer", day.id("muster", "customer"))["timers"] == 4
    by_agreement = await compliance(day, group_by="agreement")
    assert [each["agreement"] for each in by_agreement["items"]] == ["infoniqa"]
    by_month = await compliance(day, group_by="month")
    assert [(each["month"], each["timers"]) for each in by_month["items"]] == [("2026-06", 5)]


async def test_filters_narrow_and_unknown_values_of_them_find_nothing(day: Desk) -> None:
    assert (await compliance(day, severity="niedrig"))["total"]["timers"] == 3
    assert (await compliance(day, customer=day.id("bedarf", "customer")))["total"]["timers"] == 1
    assert (await compliance(day, agreement="infoniqa", metric="first_response"))["total"]["timers"] == 5
    assert (await compliance(day, agreement="nobody"))["total"]["share_met"] is None


async def test_local_days_count_as_whole_days_and_instants_are_exact(day: Desk) -> None:
    """lohnlauf was received on 3 June at 14:30Z, rueckfrage on 30 June."""
    assert (await compliance(day, **{"from": "2026-06-03", "until": "2026-06-03"}))["total"]["timers"] == 1
    assert (await compliance(day, **{"from": "2026-06-04", "until": "2026-06-29"}))["total"]["timers"] == 3
    assert (await compliance(day, **{"from": "2026-06-03T14:30:00Z", "until": "2026-06-03T14:30:01Z"}))["total"][
        "timers"
    ] == 1
    assert (await compliance(day, **{"from": "2026-06-03T14:30:01Z", "until": "2026-06-04"}))["total"]["timers"] == 0
    assert (await compliance(day, until="2026-06-03T14:30:00Z"))["total"]["timers"] == 0


async def test_a_ticket_without_entitlement_is_measured_where_its_agreement_only_measures(day: Desk) -> None:
    desk = day.of("fluxpunkt")
    resolution = row(await compliance(desk), "metric", "resolution")
    assert (resolution["timers"], resolution["running"], resolution["share_met"]) == (2, 2, None)
    assert (
        row(await compliance(desk, group_by="customer"), "customer", desk.id("interessent", "customer"))["timers"] == 1
    )

    await desk.done(
        f"/v1/tickets/{desk.id('frage')}/resolution", {"text": "erledigt", "occurred_at": "2026-06-19T09:00:00Z"}
    )
    await desk.caught_up()
    resolution = row(await compliance(desk), "metric", "resolution")
    assert (resolution["measured"], resolution["met"], resolution["share_met"]) == (1, 0, None)
    assert resolution["used_seconds"]["max"] == 2 * 3600
    assert (await desk.read(f"/v1/tickets/{desk.id('frage')}/timers"))["items"] == []


async def test_a_report_comes_as_csv_for_spreadsheets(day: Desk) -> None:
    answer = await day.ask("/v1/reports/compliance", role="auditor", format="csv", group_by="severity")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(each["severity"], each["met"], each["share_met"]) for each in rows] == [
        ("kritisch", "1", "100.00"),
        ("mittel", "0", "0.00"),
        ("niedrig", "3", "100.00"),
    ]


async def test_long_lists_of_groups_are_paged_in_a_stable_order(day: Desk) -> None:
    seen: list[str] = []
    path: str | None = "/v1/reports/compliance"
    params: dict[str, Any] = {"group_by": "severity", "limit": 1}
    while path is not None:
        answer = await day.ask(path, role="billing", **params)
        seen += [each["severity"] for each in answer.json()["items"]]
        path, params = answer.links.get("next", {}).get("url"), {}
    assert seen == ["kritisch", "mittel", "niedrig"]


async def test_the_time_of_a_ticket_is_attributed_to_agents_and_states_on_both_clocks(day: Desk) -> None:
    """import: received Monday 11:00, severity 11:05, answered Tuesday 08:30, the last entry starts then; still in progress."""
    ticket = day.id("import")
    report = await day.read("/v1/reports/attribution", ticket=ticket)
    assert report["ticket"] == ticket
    assert report["received_at"] == "2026-06-08T09:00:00Z"
    new = next(each for each in report["items"] if each["state"] == "new")
    assert (new["agent"], new["wall_seconds"], new["business_seconds"]) == (None, 77_400, 5 * 3600 + 1800)
    (missed,) = report["missed"]
    assert (missed["metric"], missed["missed_at"]) == ("first_response", "2026-06-08T14:00:00Z")
    assert missed["shares"] == [{"agent": None, "state": "new", "seconds": 4 * 3600, "counted": True}]


async def test_the_attribution_of_a_period_adds_up_and_ends_with_resolutions(day: Desk) -> None:
    report = await day.read("/v1/reports/attribution", **{"from": "2026-06-01", "until": "2026-06-30"})
    assert (report["tickets"], report["not_attributed"]) == (5, 0)
    new = next(each for each in report["items"] if each["state"] == "new")
    assert new["tickets"] == 5
    one = await day.read("/v1/reports/attribution", ticket=day.id("lohnlauf"))
    assert one["until"] == "2026-06-05T08:40:00Z"
    assert sum(each["wall_seconds"] for each in one["items"]) == 42 * 3600 + 600
    assert [(each["metric"], each["timers"], each["seconds"]) for each in report["missed"]] == [
        ("first_response", 1, 4 * 3600)
    ]


async def test_an_attribution_comes_as_csv_too(day: Desk) -> None:
    answer = await day.ask("/v1/reports/attribution", ticket=day.id("import"), format="csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {"timer", "agent", "state", "wall_seconds", "business_seconds", "clock_seconds"} <= rows[0].keys()
    assert [each["clock_seconds"] for each in rows if each["timer"]] == [str(4 * 3600)]

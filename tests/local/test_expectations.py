"""Expectations: which differences from a story are found, and what counts as equal."""

from __future__ import annotations

from typing import Any

from fristwerk_local.expectations import differences
from fristwerk_local.results import ProviderResult, TicketResult
from fristwerk_local.story import ProviderStory, Story, TicketOutcome


def found(*, ticket: TicketOutcome | None = None, preview: dict[str, Any] | None = None, **result: Any) -> list[str]:
    """The differences of a story with one ticket ``t`` and one customer ``c``."""
    provider = ProviderStory(
        name="p",
        timezone="Europe/Berlin",
        steps=(),
        tickets={"t": ticket} if ticket else {},
        previews={"c": preview} if preview else {},
    )
    shown = TicketResult(
        id="id-t",
        state={"entitled": result.get("entitled", True)},
        events=result.get("events", []),
        timers=result.get("timers", []),
        absent=[],
    )
    outcome = ProviderResult(tickets={"t": shown}, previews={"c": result.get("shown", {})})
    return differences(Story(name="s", providers=(provider,)), {"p": outcome})


def timer(**fields: Any) -> dict[str, Any]:
    return {"metric": "first_response", "state": "met", "due_at": "2026-06-05T07:30:00Z", "note": None} | fields


def line(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "ticket": "id-t", "month": None, "minutes": 30, "amount": money("10.00")} | fields


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_timers_that_are_as_expected_differ_in_nothing() -> None:
    expected = TicketOutcome(
        timers=({"metric": "first_response", "state": "met", "due_at": "2026-06-05T09:30:00+02:00"},)
    )

    assert found(ticket=expected, timers=[timer(), timer(metric="resolution")]) == []


def test_another_deadline_is_a_difference() -> None:
    expected = TicketOutcome(timers=({"metric": "first_response", "due_at": "2026-06-05T07:31:00Z"},))

    [difference] = found(ticket=expected, timers=[timer()])

    assert difference.startswith("p/t: first_response 1: due_at is 2026-06-05 07:30")


def test_a_timer_too_many_of_a_metric_is_a_difference() -> None:
    expected = TicketOutcome(timers=({"metric": "first_response"},))

    assert found(ticket=expected, timers=[timer(), timer()]) == ["p/t: 2 timers of first_response instead of 1"]


def test_an_empty_list_of_timers_means_none_at_all() -> None:
    assert found(ticket=TicketOutcome(timers=()), timers=[timer()]) == ["p/t: 1 timers of first_response instead of 0"]
    assert found(ticket=TicketOutcome(timers=()), timers=[]) == []


def test_a_null_is_expected_as_a_null() -> None:
    expected = TicketOutcome(timers=({"metric": "first_response", "note": None, "due_at": None},))

    assert len(found(ticket=expected, timers=[timer()])) == 1


def test_entitlement_and_acknowledgement_are_compared() -> None:
    expected = TicketOutcome(entitled=False, acknowledged={"cost_notice": True})
    sent = {"type": "AcknowledgementSent", "data": {"cost_notice": False}}

    assert found(ticket=expected, entitled=True, events=[sent]) == [
        "p/t: entitled is True instead of False",
        "p/t: acknowledgement: cost_notice is False instead of True",
    ]
    assert found(ticket=TicketOutcome(acknowledged=False), events=[sent]) == ["p/t: 1 acknowledgements were recorded"]


def test_lines_are_folded_by_kind_and_ticket_before_they_are_compared() -> None:
    expected = {"lines": [{"kind": "hourly", "ticket": "t", "minutes": 60, "amount": "20.00"}], "net": "20.00"}

    assert found(preview=expected, shown={"lines": [line("hourly"), line("hourly")], "net": money("20")}) == []


def test_an_addon_is_folded_by_its_month() -> None:
    expected = {"lines": [{"kind": "addon", "month": "2026-06", "days": 15, "amount": "5.00"}]}
    shown = line("addon", ticket=None, month="2026-06", days=15, minutes=None, amount=money("5.00"))

    assert found(preview=expected, shown={"lines": [shown]}) == []


def test_a_missing_line_and_one_too_many_are_differences() -> None:
    expected = {"lines": [{"kind": "hourly", "ticket": "t", "minutes": 30}]}

    assert found(preview=expected, shown={"lines": [line("free")]}) == [
        "p/c, preview: no line hourly of t",
        "p/c, preview: a line free of t that was not expected",
    ]


def test_held_minutes_are_compared_by_the_tickets_name_and_violations_by_code() -> None:
    expected = {"held_minutes": {"t": 20}, "violations": ["no_rate"]}

    assert found(preview=expected, shown={"held_minutes": {"id-t": 20}, "violations": [{"code": "no_rate"}]}) == []
    assert found(preview=expected, shown={"held_minutes": {}, "violations": []}) == [
        "p/c, preview: held_minutes are {} instead of {'t': 20}",
        "p/c, preview: violations are [] instead of ['no_rate']",
    ]

"""Lines and deadlines: which promise fits a ticket, and what pauses and warnings do to its clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fristwerk_language.events.tickets import TicketCreated
from fristwerk_language.terms import agreement_document, parse_span, parse_warning
from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError
from sla_service.domain.timers.service_levels import NotApplicable, ServiceLevelLine, ServiceLevels, service_levels
from sla_service.domain.timers.target import deadline, time_before, warnings

OFFICE = Calendar.of_parts(
    name="office",
    timezone="UTC",
    week={day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    first_year=2026,
    last_year=2026,
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def text(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%a %d %H:%M}"


def levels(*lines: dict[str, Any], **more: object) -> ServiceLevels:
    document = {
        "agreement": "a",
        "timezone": "UTC",
        "currency": "EUR",
        "calendar": "office",
        "severities": [{"id": "high", "name": "High"}, {"id": "low", "name": "Low"}],
        "channels": ["email", "phone"],
        "sites": [{"id": "north", "calendar": "office"}],
        "groups": [{"id": "gold"}, {"id": "rest"}],
        "ticket_types": [{"id": "quick", "service": "repair"}, {"id": "advice", "service": "consulting"}],
        "service_levels": [{"metric": "first_response", **line} for line in lines],
        "billing": {"plans": {"m": {}}, "addons": {"vip": {"monthly_price": "1.00"}}},
    }
    return service_levels(agreement_document(document | more))


def ticket(**fields: object) -> TicketCreated:
    known: dict[str, Any] = {
        "reference": "r",
        "customer": "c",
        "agreement": "a",
        "agreement_version": 1,
        "calendar": "office",
        "calendar_version": 1,
        "type": "normal",
        "channel": "email",
        "received_at": datetime(2026, 6, 3, tzinfo=UTC),
        "entitled": True,
        "entitled_why": "",
    }
    return TicketCreated(**(known | fields))


def fitting(promises: ServiceLevels, severity: str | None = None, **fields: object) -> list[str] | str:
    opened = ticket(**fields)
    found = promises.candidates("first_response", opened, severity, opened.type)
    return found.reason if isinstance(found, NotApplicable) else [str(line.target) for line in found]


def test_the_first_line_that_fits_wins() -> None:
    promises = levels(
        {"severity": "high", "target": "1 hours"}, {"target": "2 hours"}, {"severity": "low", "target": "3 hours"}
    )
    assert fitting(promises, "high") == ["1 hours"]
    assert fitting(promises, "low") == ["2 hours"]
    assert fitting(promises) == ["2 hours"]


@pytest.mark.parametrize(
    ("key", "value", "fields"),
    [
        ("type", "quick", {"type": "quick"}),
        ("group", "gold", {"group": "gold"}),
        ("channel", "phone", {"channel": "phone"}),
        ("site", "north", {"site": "north"}),
        ("plan", "m", {"plan": "m"}),
        ("addon", "vip", {"addons": ["other", "vip"]}),
    ],
)
def test_every_named_key_must_fit(key: str, value: str, fields: dict[str, Any]) -> None:
    promises = levels({key: value, "severity": "high", "target": "1 hours"})
    assert fitting(promises, "high", **fields) == ["1 hours"]
    assert fitting(promises, "low", **fields) == "not_configured"
    assert fitting(promises, "high") == "not_configured"


def test_without_a_severity_the_strictest_agreement_offers_a_line_for_each() -> None:
    lines = ({"severity": "high", "target": "1 hours"}, {"severity": "low", "target": "30 minutes"})
    assert fitting(levels(*lines, unclassified="strictest")) == ["1 hours", "30 minutes"]
    assert fitting(levels(*lines, unclassified="strictest"), "high") == ["1 hours"]
    assert fitting(levels(*lines)) == "severity_not_set"


def test_a_line_that_waits_for_a_severity_is_not_called_missing() -> None:
    """``not_configured`` is said where no severity would bring a line."""
    lines = ({"severity": "high", "type": "quick", "target": "1 hours"}, {"channel": "phone", "target": "2 hours"})
    assert fitting(levels(*lines), type="quick") == "severity_not_set"
    assert fitting(levels(*lines), "low", type="quick") == "not_configured"
    assert fitting(levels(*lines)) == "not_configured"


def test_a_service_that_is_not_covered_fits_no_line() -> None:
    promises = levels({"target": "1 hours"}, services=["repair"])
    assert fitting(promises, type="advice") == "service_not_covered"
    assert fitting(promises, type="quick") == ["1 hours"]
    assert fitting(promises) == ["1 hours"]


def test_work_is_billable_unless_the_first_cover_that_fits_says_otherwise() -> None:
    coverage = [{"activity": "help", "plan": "m", "billable": True}, {"activity": "help", "billable": False}]
    promises = levels({"target": "1 hours"}, billing={"plans": {"m": {}}, "coverage": coverage})
    assert promises.billable(ticket(plan="m"), "help")
    assert not promises.billable(ticket(), "help")
    assert promises.billable(ticket(), "travel")


def test_a_pause_outside_opening_hours_costs_nothing_on_a_business_clock() -> None:
    span, start = parse_span("2 business hours"), at("2026-06-05 16:00")
    weekend = [(at("2026-06-05 18:00"), at("2026-06-08 08:00"))]
    found = deadline(OFFICE, span, start, weekend)
    assert (text(found.due), found.paused) == ("Mon 08 10:00", (0,))


def test_a_pause_that_costs_nothing_leaves_a_deadline_at_closing_where_it_is() -> None:
    night = [(at("2026-06-04 18:00"), at("2026-06-05 08:00"))]
    assert text(deadline(OFFICE, parse_span("9 business hours"), at("2026-06-04 16:00"), night).due) == "Fri 05 17:00"


def test_a_pause_costs_what_passes_on_the_clock() -> None:
    pause = [(at("2026-06-05 16:30"), at("2026-06-08 09:45"))]
    business = deadline(OFFICE, parse_span("2 business hours"), at("2026-06-05 16:00"), pause)
    wall = deadline(OFFICE, parse_span("2 hours"), at("2026-06-05 16:00"), pause)
    assert (text(business.due), business.paused) == ("Mon 08 11:15", (75 * 60,))
    assert (text(wall.due), wall.paused) == ("Mon 08 11:15", (65 * 3600 + 900,))


def test_a_pause_that_begins_when_the_budget_is_used_up_moves_nothing() -> None:
    span, start = parse_span("1 business hours"), at("2026-06-05 10:00")
    exactly, before = at("2026-06-05 11:00"), at("2026-06-05 10:59")
    assert text(deadline(OFFICE, span, start, [(exactly, at("2026-06-05 12:00"))]).due) == "Fri 05 11:00"
    assert text(deadline(OFFICE, span, start, [(before, at("2026-06-05 12:00"))]).due) == "Fri 05 12:01"


def test_a_pause_that_goes_on_suspends_the_deadline() -> None:
    found = deadline(OFFICE, parse_span("1 business hours"), at("2026-06-05 10:00"), [(at("2026-06-05 10:30"), None)])
    assert found.suspended
    late = deadline(OFFICE, parse_span("1 business hours"), at("2026-06-05 10:00"), [(at("2026-06-05 11:30"), None)])
    assert not late.suspended


def test_paused_business_days_come_first_and_the_paused_business_time_is_added() -> None:
    pause = [(at("2026-06-04 10:00"), at("2026-06-04 12:00"))]
    found = deadline(OFFICE, parse_span("1 business days"), at("2026-06-03 16:00"), pause)
    assert (text(found.due), found.paused) == ("Fri 05 10:00", (2 * 3600,))


def line_with(target: str, *rules: str) -> ServiceLevelLine:
    (found,) = levels({"target": target, "warn_at": list(rules)}).lines["first_response"]
    assert found.warn_at == tuple(parse_warning(rule) for rule in rules)
    return found


def warned(target: str, start: str, *rules: str, pauses: tuple[Any, ...] = ()) -> list[str]:
    spans = [(at(since), None if until is None else at(until)) for since, until in pauses]
    due = deadline(OFFICE, parse_span(target), at(start), spans).due
    return [text(instant) for _, instant in warnings(OFFICE, line_with(target, *rules), at(start), due, spans)]


def test_warnings_count_in_the_targets_own_clock() -> None:
    assert warned("4 business hours", "2026-06-05 15:00", "75%", "30 business minutes") == [
        "Mon 08 10:00",
        "Mon 08 10:30",
    ]
    assert warned("4 business hours", "2026-06-05 15:00", "50%", "2 business hours") == ["Fri 05 17:00", "Mon 08 09:00"]
    assert warned("4 hours", "2026-06-06 03:00", "75%", "30 business minutes") == ["Sat 06 06:00", "Sat 06 06:30"]
    assert warned("1 business days", "2026-06-05 15:00", "50%", "1 business days") == ["Mon 08 11:00", "Fri 05 15:00"]


def test_a_warning_span_longer_than_the_target_warns_when_the_clock_starts() -> None:
    assert warned("1 business hours", "2026-06-06 12:00", "4 business hours") == ["Mon 08 09:00"]


def test_pauses_move_warnings_too() -> None:
    pause = (("2026-06-05 15:30", "2026-06-05 16:30"),)
    assert warned("2 business hours", "2026-06-05 15:00", "75%", pauses=pause) == ["Mon 08 09:30"]
    between = (("2026-06-05 11:00", "2026-06-05 12:00"),)
    assert warned("3 business hours", "2026-06-05 09:00", "90 business minutes", pauses=between) == ["Fri 05 10:30"]


def test_warnings_that_a_pause_holds_back_are_left_out() -> None:
    assert warned(
        "2 business hours", "2026-06-05 10:00", "25%", "75%", "1 business minutes", pauses=(("2026-06-05 11:00", None),)
    ) == ["Fri 05 10:30"]


def test_time_before_a_deadline_leaves_pauses_out() -> None:
    pauses = [(at("2026-06-05 11:00"), at("2026-06-05 12:00")), (at("2026-06-05 15:00"), None)]
    assert text(time_before(OFFICE, "business", at("2026-06-05 13:00"), 90 * 60, pauses)) == "Fri 05 10:30"
    assert text(time_before(OFFICE, "wall", at("2026-06-05 13:00"), 90 * 60, pauses)) == "Fri 05 10:30"


def test_a_deadline_beyond_the_published_years_is_refused() -> None:
    with pytest.raises(CalendarRangeError, match="office"):
        deadline(OFFICE, parse_span("2 business hours"), at("2026-12-31 16:00"))


def test_a_share_of_business_days_leaves_the_paused_business_time_out() -> None:
    pause = (("2026-06-03 10:00", "2026-06-03 12:00"),)
    assert warned("2 business days", "2026-06-03 09:00", "50%", pauses=pause) == ["Thu 04 11:00"]
    later = (("2026-06-05 16:00", "2026-06-05 17:00"),)
    assert warned("2 business days", "2026-06-03 09:00", "50%", pauses=later) == ["Wed 03 17:00"]


def test_a_pause_that_ended_before_the_time_counted_back_costs_nothing() -> None:
    pause = (at("2026-06-03 09:00"), at("2026-06-03 10:00"))
    assert text(time_before(OFFICE, "business", at("2026-06-03 15:00"), 2 * 3600, [pause])) == "Wed 03 13:00"

"""The worked dates of the service levels, on the shipped calendars and agreements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.terms import parse_span, zone
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.explanation.explanation_steps import deadline_with_steps
from ticket_service.holidays import materialise


def local(moment: datetime, timezone: str) -> str:
    return f"{moment.astimezone(zone(timezone)):%a %Y-%m-%d %H:%M %Z}"


def due(calendar: Calendar, start: str, target: str) -> datetime:
    begin = datetime.fromisoformat(start)
    begin = begin if begin.tzinfo else begin.replace(tzinfo=calendar.hours.zone)
    return deadline_with_steps(calendar, parse_span(target), begin.astimezone(UTC))[0]


@pytest.mark.parametrize(
    ("calendar", "timezone", "expected"),
    [
        ("woking", "Europe/London", "Wed 2026-05-13 17:00 BST"),
        ("hamburg", "Europe/Berlin", "Mon 2026-05-18 09:30 CEST"),
    ],
)
def test_two_business_hours_end_today_in_woking_and_after_ascension_and_the_bridge_day_in_hamburg(
    calendars: Callable[[str], Calendar], calendar: str, timezone: str, expected: str
) -> None:
    assert local(due(calendars(calendar), "2026-05-13T14:00Z", "2 business hours"), timezone) == expected


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [("infoniqa", "Fri 2026-06-05 09:30 CEST"), ("infoniqa-literal", "Thu 2026-06-04 10:00 CEST")],
)
def test_corpus_christi_read_as_meant_and_read_to_the_letter(
    calendars: Callable[[str], Calendar], calendar: str, expected: str
) -> None:
    assert local(due(calendars(calendar), "2026-06-03 16:30", "2 business hours"), "Europe/Zurich") == expected


def test_corpus_christi_with_the_eve_and_the_holiday_closed_is_due_friday_at_ten(
    shipped: dict[str, dict[str, Any]],
) -> None:
    from fristwerk_language.terms import calendar_document

    document = shipped["calendars/infoniqa"] | {"closed_on": "both"}
    event: CalendarPublished = materialise(calendar_document(document), 2)
    found = due(Calendar.published(event), "2026-06-03 16:30", "2 business hours")
    assert local(found, "Europe/Zurich") == "Fri 2026-06-05 10:00 CEST"


@pytest.mark.parametrize(
    ("start", "target", "expected"),
    [
        ("2026-06-09 16:30", "2 business hours", "Wed 2026-06-10 09:30 CEST"),
        ("2026-06-06 11:00", "2 business hours", "Mon 2026-06-08 10:00 CEST"),
    ],
)
def test_infoniqa_counts_from_the_next_opening_and_over_the_night(
    calendars: Callable[[str], Calendar], start: str, target: str, expected: str
) -> None:
    assert local(due(calendars("infoniqa"), start, target), "Europe/Zurich") == expected


@pytest.mark.parametrize(
    ("start", "target", "expected"),
    [
        ("2026-07-03 15:00", "1 business days", "Mon 2026-07-06 15:00 CEST"),
        ("2026-07-03 18:00", "1 business days", "Mon 2026-07-06 17:00 CEST"),
        ("2026-07-03 16:00", "2 business hours", "Mon 2026-07-06 10:00 CEST"),
    ],
)
def test_digidesk_counts_arbeitstage_and_business_hours(
    calendars: Callable[[str], Calendar], start: str, target: str, expected: str
) -> None:
    assert local(due(calendars("digidesk"), start, target), "Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("start", "target", "expected"),
    [
        ("2026-07-03 16:00", "2 business hours", "Mon 2026-07-06 10:00 CEST"),
        ("2026-07-03 16:30", "2 business hours", "Mon 2026-07-06 10:30 CEST"),
        ("2026-07-01 07:00", "2 business hours", "Wed 2026-07-01 11:00 CEST"),
        ("2026-07-04 03:00", "1 hours", "Sat 2026-07-04 04:00 CEST"),
        ("2026-07-03 15:00", "1 business days", "Mon 2026-07-06 15:00 CEST"),
        ("2026-07-03 15:00", "2 business days", "Tue 2026-07-07 15:00 CEST"),
        ("2026-07-03 15:00", "24 hours", "Sat 2026-07-04 15:00 CEST"),
    ],
)
def test_liveagent_counts_hours_around_the_clock_and_business_time_by_its_office(
    calendars: Callable[[str], Calendar], start: str, target: str, expected: str
) -> None:
    assert local(due(calendars("liveagent-office"), start, target), "Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("received_at", "channel", "severity", "due_at", "soft_due_at"),
    [
        ("2026-07-03 16:00", "dedicated_email", "standard", "Mon 2026-07-06 10:00 CEST", "Fri 2026-07-03 17:00 CEST"),
        ("2026-07-04 03:00", "dedicated_chat", "critical", "Sat 2026-07-04 04:00 CEST", None),
        ("2026-07-03 15:00", "dedicated_chat", "bugfix", "Mon 2026-07-06 15:00 CEST", "Sat 2026-07-04 15:00 CEST"),
    ],
)
def test_liveagent_first_responses(
    story: Callable[..., Any], received_at: str, channel: str, severity: str, due_at: str, soft_due_at: str | None
) -> None:
    ticket = story(
        "liveagent",
        received_at,
        channel=channel,
        severity=severity,
        calendar="liveagent-office",
        plan="all_inclusive",
        addons=["dedicated_support"],
    )
    timer = ticket.timer("first_response")
    assert local(timer.due_at, "Europe/Berlin") == due_at
    assert (timer.soft_due_at and local(timer.soft_due_at, "Europe/Berlin")) == soft_due_at


@pytest.mark.parametrize(
    ("type_", "received_at", "expected"),
    [
        ("quick_normal", "2026-07-03 15:00", "Mon 2026-07-06 15:00 CEST"),
        ("quick_normal", "2026-07-03 18:00", "Mon 2026-07-06 17:00 CEST"),
        ("quick_high", "2026-07-03 16:00", "Mon 2026-07-06 10:00 CEST"),
    ],
)
def test_digidesk_quicktickets(story: Callable[..., Any], type_: str, received_at: str, expected: str) -> None:
    timer = story("digidesk", received_at, type=type_).timer("processing_started")
    assert local(timer.due_at, "Europe/Berlin") == expected


def test_a_normal_digidesk_ticket_has_no_target_for_its_processing(story: Callable[..., Any]) -> None:
    assert story("digidesk", "2026-07-03 15:00").absent()["processing_started"] == "not_configured"

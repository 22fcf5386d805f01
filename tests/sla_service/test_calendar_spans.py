"""Why a calendar was open or closed: every gap has its reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from sla_service.domain.calendar.calendar import Calendar, ReversedSpanError
from sla_service.domain.calendar.calendar_spans import calendar_spans, clock_changes


def reasons(calendar: Calendar, start: str, end: str) -> list[str]:
    instants = [
        int(datetime.fromisoformat(text).replace(tzinfo=calendar.hours.zone).timestamp()) for text in (start, end)
    ]
    found = calendar_spans(calendar, *instants)
    assert [each.start for each in found][1:] == [each.end for each in found][:-1], "there are no holes"
    return [each.reason for each in found]


def test_a_long_weekend_in_hamburg_names_holiday_bridge_day_and_weekend(calendars: Callable[[str], Calendar]) -> None:
    hamburg = calendars("hamburg")
    assert reasons(hamburg, "2026-05-13 16:00", "2026-05-18 09:30") == [
        "open",
        "night",
        "holiday",
        "bridge_day",
        "weekend",
        "night",
        "open",
    ]


def test_a_lunch_break_is_no_night(calendars: Callable[[str], Calendar]) -> None:
    assert reasons(calendars("infoniqa"), "2026-06-09 11:00", "2026-06-10 08:30") == [
        "open",
        "break",
        "open",
        "night",
        "open",
    ]


def test_the_day_before_a_holiday_closes_as_its_eve(calendars: Callable[[str], Calendar]) -> None:
    assert reasons(calendars("infoniqa-literal"), "2026-06-03 10:00", "2026-06-04 09:00") == ["eve", "night", "open"]


def test_a_day_closed_by_hand_says_so(calendars: Callable[[str], Calendar]) -> None:
    assert reasons(calendars("digidesk"), "2026-12-24 10:00", "2026-12-25 10:00") == ["by_hand", "holiday"]


def test_a_holiday_on_a_weekend_is_a_weekend(calendars: Callable[[str], Calendar]) -> None:
    assert reasons(calendars("infoniqa"), "2026-08-01 10:00", "2026-08-02 10:00") == ["weekend"]


def test_exceptional_hours_and_weekdays_without_hours_are_named() -> None:
    shop = Calendar.of_parts(
        name="shop",
        timezone="Europe/Berlin",
        week={day: ["09:00-18:00"] for day in ("tue", "wed", "thu", "fri")},
        exceptional={date(2026, 6, 3): [], date(2026, 6, 4): ["09:00-12:00"]},
        first_year=2026,
        last_year=2026,
    )
    assert reasons(shop, "2026-06-01 10:00", "2026-06-01 20:00") == ["no_hours"]
    assert reasons(shop, "2026-06-03 00:00", "2026-06-04 12:00") == ["exceptional_hours", "night", "open"]
    (*_, opened) = calendar_spans(
        shop, *(int(datetime.fromisoformat(f"2026-06-04T{hour}:00Z").timestamp()) for hour in ("05", "09"))
    )
    assert (opened.reason, opened.remark) == ("open", "shop")


def test_the_tail_of_a_shift_cut_by_a_holiday_is_closed_for_the_holiday() -> None:
    nights = Calendar.of_parts(
        name="nights",
        timezone="Europe/Berlin",
        week={"fri": ["22:00-06:00"]},
        closed=[date(2026, 8, 1)],
        first_year=2026,
        last_year=2026,
    )
    assert reasons(nights, "2026-07-31 23:00", "2026-08-02 00:00") == ["open", "by_hand"]


def test_the_change_of_the_clocks_is_noted_with_the_times_it_moves() -> None:
    sundays = Calendar.of_parts(
        name="sundays",
        timezone="Europe/Berlin",
        week={"sun": ["00:00-02:30", "04:00-05:00"]},
        first_year=2026,
        last_year=2026,
    )
    spring = [int(datetime.fromisoformat(text).timestamp()) for text in ("2026-03-28T12:00Z", "2026-03-30T12:00Z")]
    autumn = [int(datetime.fromisoformat(text).timestamp()) for text in ("2026-10-24T12:00Z", "2026-10-26T12:00Z")]
    (forward,) = clock_changes(sundays, *spring)
    (back,) = clock_changes(sundays, *autumn)
    assert forward.at == int(datetime.fromisoformat("2026-03-29T01:00Z").timestamp())
    assert (forward.forward_seconds, forward.skipped, forward.repeated) == (3600, (9000,), ())
    assert back.at == int(datetime.fromisoformat("2026-10-25T01:00Z").timestamp())
    assert (back.forward_seconds, back.skipped, back.repeated) == (-3600, (), (9000,))
    assert clock_changes(sundays, autumn[1], autumn[1] + 86_400) == ()


def test_a_reversed_span_is_refused(calendars: Callable[[str], Calendar]) -> None:
    with pytest.raises(ReversedSpanError):
        calendar_spans(calendars("hamburg"), 1_780_000_001, 1_780_000_000)

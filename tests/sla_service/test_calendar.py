"""The calendar's arithmetic: closings, zero, midnight shifts, exceptions, changing clocks, and the end of publication."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fristwerk_language.events.terms import CalendarPublished, ClosedDay, OpenedDay
from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError, ReversedSpanError

HOUR = 3600
OFFICE = {day: ["08:00-12:00", "13:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
NIGHTS = {day: ["22:00-06:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
ALWAYS = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def calendar(week: dict[str, Any], timezone: str = "UTC", **parts: Any) -> Calendar:
    return Calendar.of_parts(
        name="office", timezone=timezone, week=week, **({"first_year": 2024, "last_year": 2030} | parts)
    )


def at(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def test_a_budget_used_up_exactly_at_closing_is_due_at_the_closing_instant() -> None:
    assert calendar(OFFICE).add_business_time(at("2026-06-05T16:00"), HOUR) == at("2026-06-05T17:00")
    assert calendar(OFFICE).add_business_time(at("2026-06-05T11:00"), HOUR) == at("2026-06-05T12:00")


def test_one_second_more_than_until_closing_is_due_after_the_next_opening() -> None:
    assert calendar(OFFICE).add_business_time(at("2026-06-05T16:00"), HOUR + 1) == at("2026-06-08T08:00:01")


def test_adding_zero_outside_hours_gives_the_next_opening_and_inside_nothing_moves() -> None:
    office = calendar(OFFICE)
    assert office.add_business_time(at("2026-06-05T17:00"), 0) == at("2026-06-08T08:00")
    assert office.add_business_time(at("2026-06-05T12:30"), 0) == at("2026-06-05T13:00")
    assert office.add_business_time(at("2026-06-05T09:30"), 0) == at("2026-06-05T09:30")


def test_subtracting_gives_the_last_instant_so_an_opening_rather_than_the_closing_before_it() -> None:
    office = calendar(OFFICE)
    assert office.subtract_business_time(at("2026-06-08T10:00"), 2 * HOUR) == at("2026-06-08T08:00")
    assert office.subtract_business_time(at("2026-06-08T10:00"), 2 * HOUR + 1) == at("2026-06-05T16:59:59")
    assert office.subtract_business_time(at("2026-06-07T10:00"), 0) == at("2026-06-07T10:00")


def test_negative_amounts_count_the_other_way() -> None:
    office = calendar(OFFICE)
    assert office.add_business_time(at("2026-06-08T10:00"), -HOUR) == at("2026-06-08T09:00")
    assert office.subtract_business_time(at("2026-06-08T10:00"), -HOUR) == at("2026-06-08T11:00")


def test_business_time_between_is_signed() -> None:
    office = calendar(OFFICE)
    friday, monday = at("2026-06-05T16:00"), at("2026-06-08T09:00")
    assert office.business_time_between(friday, monday) == 2 * HOUR
    assert office.business_time_between(monday, friday) == -2 * HOUR


def test_a_closing_instant_is_closed_and_not_its_own_next_closing() -> None:
    office = calendar(OFFICE)
    closing = at("2026-06-05T12:00")
    assert not office.is_open(closing)
    assert office.is_open(at("2026-06-05T08:00"))
    assert office.next_closing(closing) == at("2026-06-05T17:00")
    assert office.next_opening(closing) == at("2026-06-05T13:00")


def test_business_intervals_are_cut_to_the_span() -> None:
    found = calendar(OFFICE).business_intervals(at("2026-06-05T11:00"), at("2026-06-05T14:00"))
    assert found == ((at("2026-06-05T11:00"), at("2026-06-05T12:00")), (at("2026-06-05T13:00"), at("2026-06-05T14:00")))


def test_business_intervals_of_a_reversed_span_are_refused() -> None:
    with pytest.raises(ReversedSpanError, match="ends 60 seconds before it starts"):
        calendar(OFFICE).business_intervals(at("2026-06-05T11:01"), at("2026-06-05T11:00"))


def test_a_shift_across_midnight_is_one_interval() -> None:
    nights = calendar(NIGHTS)
    assert nights.next_closing(at("2026-06-01T23:00")) == at("2026-06-02T06:00")
    assert nights.is_open(at("2026-06-06T05:59"))
    assert not nights.is_open(at("2026-06-06T22:30"))


def test_a_holiday_closes_the_local_date_it_falls_on_and_leaves_the_rest_of_a_shift() -> None:
    nights = calendar(NIGHTS, closed=[date(2026, 6, 3)])
    assert nights.is_open(at("2026-06-02T23:59"))
    assert not nights.is_open(at("2026-06-03T00:00"))
    assert not nights.is_open(at("2026-06-03T22:30"))
    assert nights.next_opening(at("2026-06-03T00:00")) == at("2026-06-04T00:00")
    assert nights.is_open(at("2026-06-04T05:59"))


def test_exceptional_hours_replace_all_that_is_written_on_their_date() -> None:
    nights = calendar(NIGHTS, exceptional={date(2026, 6, 3): ["10:00-12:00"]})
    assert nights.is_open(at("2026-06-03T05:00")), "Tuesday's shift runs on into the date"
    assert nights.is_open(at("2026-06-03T11:00"))
    assert not nights.is_open(at("2026-06-03T22:30"))
    assert not nights.is_open(at("2026-06-04T05:00")), "the replaced shift has no other half"


def test_a_date_without_exceptional_hours_is_closed_by_them() -> None:
    office = calendar(OFFICE, exceptional={date(2026, 6, 3): []})
    assert office.next_opening(at("2026-06-03T09:00")) == at("2026-06-04T08:00")


def test_a_closed_day_wins_over_exceptional_hours() -> None:
    office = calendar(OFFICE, closed=[date(2026, 6, 3)], exceptional={date(2026, 6, 3): ["10:00-12:00"]})
    assert not office.is_open(at("2026-06-03T11:00"))


def test_a_day_taken_out_of_the_closed_ones_is_open() -> None:
    event = CalendarPublished(
        name="office",
        version=1,
        title="Office",
        language="en",
        timezone="UTC",
        hours={"wed": ["08:00-17:00"]},
        closed_days=[
            ClosedDay(on=date(2026, 6, 3), name="A holiday", source="holidays 0.109 CH public", kind="holiday")
        ],
        opened_days=[OpenedDay(on=date(2026, 6, 3), reason="stocktaking")],
        first_year=2026,
        last_year=2026,
        holidays_version="0.109",
        tzdata_version="2026f",
        document={},
        digest="",
    )
    assert Calendar.published(event).is_open(at("2026-06-03T09:00"))


def test_around_the_clock_is_one_interval_through_new_year() -> None:
    always = calendar(ALWAYS)
    assert always.add_business_time(at("2025-12-31T23:00"), 2 * HOUR) == at("2026-01-01T01:00")
    assert always.business_time_between(at("2024-06-01T00:00"), at("2027-06-01T00:00")) == 1095 * 24 * HOUR
    assert len(always.business_intervals(at("2024-06-01T00:00"), at("2027-06-01T00:00"))) == 1


def test_the_hour_lost_in_spring_and_the_hour_won_in_autumn_are_counted_as_they_pass() -> None:
    berlin = calendar(ALWAYS, "Europe/Berlin")
    assert berlin.business_time_between(at("2026-03-29T00:00+01:00"), at("2026-03-30T00:00+02:00")) == 23 * HOUR
    assert berlin.business_time_between(at("2026-10-25T00:00+02:00"), at("2026-10-26T00:00+01:00")) == 25 * HOUR


def test_an_opening_that_does_not_exist_moves_forward() -> None:
    sundays = calendar({"sun": ["02:30-06:00"]}, "Europe/Berlin")
    assert sundays.next_opening(at("2026-03-29T00:00+01:00")) == at("2026-03-29T03:30+02:00")
    assert sundays.next_closing(at("2026-03-29T00:00+01:00")) == at("2026-03-29T06:00+02:00")


def test_a_closing_that_does_not_exist_moves_forward() -> None:
    sundays = calendar({"sun": ["00:00-02:30"]}, "Europe/Berlin")
    assert sundays.next_closing(at("2026-03-29T00:30+01:00")) == at("2026-03-29T03:30+02:00")


def test_of_a_local_time_that_exists_twice_the_first_counts() -> None:
    sundays = calendar({"sun": ["00:00-02:30", "02:45-06:00"]}, "Europe/Berlin")
    closing, opening = at("2026-10-25T02:30+02:00"), at("2026-10-25T02:45+02:00")
    assert sundays.next_closing(at("2026-10-25T00:30+02:00")) == closing
    assert sundays.next_opening(closing) == opening
    assert sundays.next_closing(opening) == at("2026-10-25T06:00+01:00")


def test_of_two_closings_the_later_one_counts_after_each_was_moved() -> None:
    nights = calendar({"sat": ["22:00-03:00"], "sun": ["00:00-02:30"]}, "Europe/Berlin")
    assert nights.next_closing(at("2026-03-28T23:00+01:00")) == at("2026-03-29T03:30+02:00")


def test_hours_swallowed_by_the_gap_leave_nothing_behind() -> None:
    sundays = calendar({"sun": ["02:45-03:15"]}, "Europe/Berlin")
    assert sundays.next_opening(at("2026-03-28T12:00Z")) == at("2026-04-05T02:45+02:00")


def test_a_midnight_that_does_not_exist_is_where_the_day_begins() -> None:
    sao_paulo = calendar({"sat": ["20:00-24:00"], "sun": ["00:00-04:00"]}, "America/Sao_Paulo", first_year=2018)
    found = sao_paulo.business_intervals(at("2018-11-03T12:00Z"), at("2018-11-05T12:00Z"))
    assert found == ((at("2018-11-03T20:00-03:00"), at("2018-11-04T04:00-02:00")),)
    assert found[0][1] - found[0][0] == 7 * HOUR


BEYOND = [
    lambda office: office.add_business_time(at("2030-12-31T18:00"), 60),
    lambda office: office.next_opening(at("2030-12-31T18:00")),
    lambda office: office.next_closing(at("2030-12-31T18:00")),
    lambda office: office.is_open(at("2031-01-01T00:00")),
    lambda office: office.business_time_between(at("2030-12-31T18:00"), at("2031-01-01T00:00")),
]


@pytest.mark.parametrize("ask", BEYOND)
def test_beyond_the_published_years_the_calendar_says_so_and_names_itself_and_the_year(ask: Callable[..., Any]) -> None:
    with pytest.raises(CalendarRangeError, match=r"calendar office .* 2024 to 2030; this would need 2031\.") as error:
        ask(calendar(OFFICE))
    assert (error.value.calendar, error.value.year) == ("office", 2031)


def test_before_the_published_years_the_calendar_says_so() -> None:
    office = calendar(OFFICE)
    with pytest.raises(CalendarRangeError, match="2023"):
        office.subtract_business_time(at("2024-01-01T07:00"), 60)


def test_a_billion_minutes_are_refused_at_once() -> None:
    office = calendar(OFFICE)
    for seconds in (60 * 10**9, 10**30):
        with pytest.raises(CalendarRangeError, match="2031"):
            office.add_business_time(at("2026-06-05T16:00"), seconds)
        with pytest.raises(CalendarRangeError, match="2023"):
            office.subtract_business_time(at("2026-06-05T16:00"), seconds)


def test_instants_no_date_can_hold_are_refused() -> None:
    for instant in (10**15, -(10**15), 10**30):
        with pytest.raises(CalendarRangeError):
            calendar(OFFICE).is_open(instant)


def test_a_calendar_that_is_never_open_ends_in_the_same_error() -> None:
    with pytest.raises(CalendarRangeError):
        calendar({}).add_business_time(at("2026-06-05T16:00"), 60)


def test_years_are_compiled_in_any_order() -> None:
    forwards, backwards = calendar(OFFICE), calendar(OFFICE)
    spans = [(at(f"{year}-06-01T00:00"), at(f"{year}-12-01T00:00")) for year in range(2024, 2031)]
    assert [forwards.business_time_between(*span) for span in spans] == [
        backwards.business_time_between(*span) for span in reversed(spans)
    ][::-1]


def test_the_digest_changes_with_any_opening_and_not_with_the_order_of_questions() -> None:
    asked, fresh = calendar(OFFICE), calendar(OFFICE)
    asked.is_open(at("2029-06-05T16:00"))
    assert asked.digest() == fresh.digest()
    assert asked.digest() != calendar(OFFICE, closed=[date(2030, 12, 31)]).digest()
    assert asked.digest() != calendar(OFFICE, timezone="Europe/Berlin").digest()


def test_the_difference_of_two_versions_names_what_is_opened_and_what_is_closed() -> None:
    old = calendar(OFFICE, closed=[date(2026, 6, 4)])
    new = calendar(OFFICE, exceptional={date(2026, 6, 5): ["08:00-11:00"]})
    difference = old.difference(new)
    assert difference.opened == (
        (at("2026-06-04T08:00"), at("2026-06-04T12:00")),
        (at("2026-06-04T13:00"), at("2026-06-04T17:00")),
    )
    assert difference.closed == (
        (at("2026-06-05T11:00"), at("2026-06-05T12:00")),
        (at("2026-06-05T13:00"), at("2026-06-05T17:00")),
    )
    assert old.difference(old) == ((), ())
    assert old.difference(calendar(OFFICE, first_year=2031, last_year=2032)) == ((), ())

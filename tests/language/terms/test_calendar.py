"""Calendar documents: what is taken, what it means, and what is refused where."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.terms import CalendarDocument, TermsError, calendar_document, canonical, digest

WEEK = {"mon-fri": ["08:00-12:00", "13:00-17:00"]}


def calendar(**keys: Any) -> CalendarDocument:
    return calendar_document(
        {"calendar": "office", "timezone": "Europe/Zurich", "hours": WEEK, "years": "2024-2030"} | keys
    )


def refused(**keys: Any) -> list[str]:
    with pytest.raises(TermsError) as refusal:
        calendar(**keys)
    assert all(sentence for _, sentence in refusal.value.errors)
    return [pointer for pointer, _ in refusal.value.errors]


def sentence(**keys: Any) -> str:
    with pytest.raises(TermsError) as refusal:
        calendar(**keys)
    return refusal.value.errors[0][1]


def test_a_span_of_weekdays_is_spread_over_its_days() -> None:
    document = calendar(hours={"mon-wed": ["08:00-12:00"], "sat": ["10:00-12:00"]})
    assert document.hours == {
        "mon": ["08:00-12:00"],
        "tue": ["08:00-12:00"],
        "wed": ["08:00-12:00"],
        "sat": ["10:00-12:00"],
    }


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ({"hours": {"mon-tue": ["08:00-12:00"]}}, {"hours": {"tue": ["08:00-12:00"], "mon": ["08:00-12:00"]}}),
        (
            {"hours": {"mon": ["13:00-17:00", "08:00-12:00"]}},
            {"hours": {"mon": ["08:00-12:00", "13:00-17:00"], "sat": []}},
        ),
        ({"years": 2026}, {"years": "2026-2026"}),
        ({"holidays": [{"country": "DE"}]}, {"holidays": [{"country": "DE", "categories": ["public"]}]}),
        ({}, {"closed_on": "holiday", "bridge_days": False, "language": "de", "title": "", "example": False}),
    ],
)
def test_two_ways_to_write_the_same_have_one_canonical_form(written: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical(calendar(**written)) == canonical(calendar(**other))
    assert digest(canonical(calendar(**written))) == digest(canonical(calendar(**other)))


def test_the_canonical_form_of_the_smallest_calendar_reads_back() -> None:
    assert calendar_document(canonical(calendar())) == calendar()


def test_a_document_that_is_no_mapping_is_refused_as_a_whole() -> None:
    documents: tuple[Any, ...] = (None, [], "calendar", 5)
    for data in documents:
        with pytest.raises(TermsError) as refusal:
            calendar_document(data)
        assert refusal.value.errors == [("", "a calendar document is a mapping of keys")]


def test_all_missing_keys_are_named_at_once() -> None:
    with pytest.raises(TermsError) as refusal:
        calendar_document({})
    assert refusal.value.errors == [(f"/{key}", "is required") for key in ("calendar", "timezone", "hours", "years")]


@pytest.mark.parametrize(
    "hours",
    [["00:00-24:00"], ["22:00-06:00"], ["22:00-00:00"], ["08:00-12:00", "12:00-17:00"], ["08:00-12:00", "20:00-02:00"]],
    ids=["around the clock", "past midnight", "until midnight", "touching", "a last shift past midnight"],
)
def test_hours_are_taken(hours: list[str]) -> None:
    assert calendar(hours={"mon": hours}).hours == {"mon": hours}


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        ({"mon-fri": ["8-17"]}, "/hours/mon-fri/0"),
        ({"mon-fri": ["08:00-12:00", "13:00-25:00"]}, "/hours/mon-fri/1"),
        ({"mon": ["08:60-09:00"]}, "/hours/mon/0"),
        ({"mon": ["24:00-08:00"]}, "/hours/mon/0"),
        ({"mon": ["08:00-24:01"]}, "/hours/mon/0"),
        ({"mon": ["08:00-08:00"]}, "/hours/mon/0"),
        ({"mon": [830]}, "/hours/mon/0"),
        ({"mon": "08:00-12:00"}, "/hours/mon"),
        ({"mon": None}, "/hours/mon"),
        ({"mon": ["08:00-12:00", "11:00-17:00"]}, "/hours/mon"),
        ({"mon": ["08:00-12:00", "08:00-12:00"]}, "/hours/mon"),
        ({"mon": ["20:00-02:00", "23:00-24:00"]}, "/hours/mon"),
        ({"mon": ["22:00-00:00", "23:00-23:30"]}, "/hours/mon"),
        ({"mon": ["08:00-09:00"] * 25}, "/hours/mon"),
        ({"mon-fri": ["08:00-12:00"], "fri": ["08:00-10:00"]}, "/hours/fri"),
        ({"fri-mon": ["08:00-12:00"]}, "/hours/fri-mon"),
        ({"mon - fri": ["08:00-12:00"]}, "/hours/mon - fri"),
        ({"a/b~c": ["08:00-12:00"]}, "/hours/a~1b~0c"),
        ({"Montag": ["08:00-12:00"]}, "/hours/Montag"),
        ({}, "/hours"),
        ({"mon-sun": []}, "/hours"),
        ("08:00-17:00", "/hours"),
    ],
)
def test_impossible_hours_are_refused_at_the_key_that_was_written(hours: Any, pointer: str) -> None:
    assert refused(hours=hours) == [pointer]


def test_a_calendar_that_is_never_open_says_how_around_the_clock_is_written() -> None:
    assert sentence(hours={}) == "the calendar is never open; around the clock is 'mon-sun: [\"00:00-24:00\"]'"


def test_a_calendar_may_open_by_exceptional_hours_only() -> None:
    special = {"date": "2026-06-03", "hours": ["17:00-20:00", "08:00-12:00"], "reason": "Open house"}
    assert calendar(hours={}, exceptional_hours=[special]).exceptional_hours[0].hours == ["08:00-12:00", "17:00-20:00"]


@pytest.mark.parametrize(
    "zone",
    ["Europe/Atlantis", "CEST", "Europe", "../../etc/passwd", "Europe/../Europe/Berlin", "", "U" * 5_000, "a\0b"],
)
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    assert refused(timezone=zone) == ["/timezone"]
    assert len(sentence(timezone=zone)) < 200


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_an_iana_zone_is_taken(zone: str) -> None:
    assert calendar(timezone=zone).timezone == zone


@pytest.mark.parametrize(
    ("years", "first", "last"), [("2024-2030", 2024, 2030), (2026, 2026, 2026), ("2026", 2026, 2026)]
)
def test_years_are_a_span_or_one(years: Any, first: int, last: int) -> None:
    document = calendar(years=years)
    assert (document.first_year, document.last_year) == (first, last)


@pytest.mark.parametrize("years", ["2030-2024", "2024-2054", "24-30", "2024 - 2030", True, 20.24, None, [2024, 2030]])
def test_impossible_years_are_refused(years: Any) -> None:
    assert refused(years=years) == ["/years"]


@pytest.mark.parametrize(
    "day", ["2026-02-29", "24.12.2026", "2026-1-1", "20261224", 20261224, "2026-12-24T00:00", None]
)
def test_impossible_dates_are_refused(day: Any) -> None:
    assert refused(closed=[{"date": day, "reason": "x"}]) == ["/closed/0/date"]


@pytest.mark.parametrize("key", ["closed", "open", "exceptional_hours"])
def test_single_days_lie_within_the_years_and_stand_once(key: str) -> None:
    extra: dict[str, Any] = {"hours": ["08:00-09:00"]} if key == "exceptional_hours" else {}
    outside = {"date": "2031-01-01", "reason": "x"} | extra
    assert refused(**{key: [outside]}) == [f"/{key}/0/date"]
    twice = {"date": "2026-01-05", "reason": "x"} | extra
    assert refused(**{key: [twice, twice]}) == [f"/{key}/1/date"]


def test_a_day_is_not_closed_and_open_by_hand() -> None:
    day = {"date": "2026-01-05", "reason": "x"}
    assert refused(closed=[day], open=[day]) == ["/open/0/date"]


def test_exceptional_hours_are_not_on_days_closed_by_hand() -> None:
    day = {"date": "2026-01-05", "reason": "x"}
    assert refused(closed=[day], exceptional_hours=[day | {"hours": ["08:00-09:00"]}]) == ["/exceptional_hours/0/date"]


@pytest.mark.parametrize(
    ("keys", "pointer"),
    [
        ({"bridgedays": True}, "/bridgedays"),
        ({"closed": [{"date": "2026-01-05", "reason": "x", "name": "y"}]}, "/closed/0/name"),
        ({"holidays": [{"country": "DE", "state": "HH"}]}, "/holidays/0/state"),
        ({"closed": [{"date": "2026-01-05"}]}, "/closed/0/reason"),
        ({"closed": [{"date": "2026-01-05", "reason": ""}]}, "/closed/0/reason"),
        ({"closed": {"date": "2026-01-05", "reason": "x"}}, "/closed"),
        (
            {"exceptional_hours": [{"date": "2026-01-05", "hours": ["9-12"], "reason": "x"}]},
            "/exceptional_hours/0/hours/0",
        ),
        ({"holidays": [{"country": "Germany"}]}, "/holidays/0/country"),
        ({"holidays": [{"country": "DE", "categories": []}]}, "/holidays/0/categories"),
        ({"holidays": ["DE"]}, "/holidays/0"),
        ({"closed_on": "eves"}, "/closed_on"),
        ({"bridge_days": "yes"}, "/bridge_days"),
        ({"bridge_days": 1}, "/bridge_days"),
        ({"language": "German"}, "/language"),
        ({"calendar": "my office"}, "/calendar"),
        ({"calendar": "x" * 65}, "/calendar"),
        ({"title": 5}, "/title"),
        ({"title": "a\0b"}, "/title"),
        ({"title": "a\ud800"}, "/title"),
    ],
)
def test_an_unknown_key_or_value_is_refused_at_its_place(keys: dict[str, Any], pointer: str) -> None:
    assert refused(**keys) == [pointer]


def test_an_unknown_key_is_called_so() -> None:
    assert sentence(bridgedays=True) == "is not a key of the terms language here"


@pytest.mark.parametrize("subdivision", ["ENG", "Stadt Zurich", "Zürich"])
def test_a_subdivision_has_the_name_that_people_use(subdivision: str) -> None:
    document = calendar(holidays=[{"country": "CH", "subdivision": subdivision}])
    assert document.holidays[0].subdivision == subdivision


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        calendar().title = "other"

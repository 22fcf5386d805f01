"""Calendars made concrete: holidays, eves, bridge days, and what the library must not decide for us."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.examples import example
from fristwerk_language.terms import TZDATA_VERSION, TermsError, calendar_document, digest, read_yaml
from ticket_service.holidays import HOLIDAYS_VERSION, UnknownRegionError, materialise

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "tests/cases/holidays.json").read_text(encoding="utf-8"))
TERMS = ROOT / "deploy/local/src/fristwerk_local/terms/calendars"
REGION_CASES = [
    (region, category) for region, categories in CASES["holidays_2024_2028"].items() for category in categories
]


def published(**keys: Any) -> CalendarPublished:
    document = {
        "calendar": "office",
        "language": "en",
        "timezone": "Europe/Zurich",
        "hours": {"mon-fri": ["08:00-17:00"]},
        "years": "2024-2028",
    }
    return materialise(calendar_document(document | keys), 1)


def shipped(name: str) -> CalendarPublished:
    return materialise(calendar_document(read_yaml((TERMS / f"{name}.yaml").read_bytes())), 1)


def region_of(name: str, *categories: str) -> dict[str, Any]:
    country, _, subdivision = name.partition("-")
    return {"country": country, "subdivision": subdivision, "categories": list(categories or ("public",))}


def closed_in(calendar: CalendarPublished, first: str, last: str) -> list[str]:
    days = sorted({day.on for day in calendar.closed_days})
    return [str(day) for day in days if date.fromisoformat(first) <= day <= date.fromisoformat(last)]


def refused(**keys: Any) -> list[tuple[str, str]]:
    with pytest.raises(TermsError) as refusal:
        published(**keys)
    return refusal.value.errors


@pytest.mark.parametrize(("region", "category"), REGION_CASES)
def test_the_holidays_of_a_region_are_the_known_ones(region: str, category: str) -> None:
    calendar = published(holidays=[region_of(region, category)])
    found = {str(day.on): day.name for day in calendar.closed_days}
    assert found == CASES["holidays_2024_2028"][region][category]


@pytest.mark.parametrize("region", CASES["bridge_days_2026_2027"])
def test_the_bridge_days_of_a_region_are_the_known_ones(region: str) -> None:
    calendar = published(holidays=[region_of(region)], bridge_days=True, years="2026-2027")
    bridges = [day for day in calendar.closed_days if day.kind == "bridge_day"]
    known = CASES["bridge_days_2026_2027"][region]
    assert [str(day.on) for day in bridges] == [each["date"] for each in known]
    assert [day.name for day in bridges] == [f"Bridge day ({each['because']})" for each in known]


def test_the_holiday_sentence_read_by_its_meaning_closes_the_holidays() -> None:
    reading = CASES["seed000_dec2026"]["reading_B_holidays_closed"]
    assert closed_in(shipped("infoniqa"), "2026-12-01", "2026-12-31") == [each[:10] for each in reading]


def test_the_holiday_sentence_read_to_the_letter_closes_the_days_before_holidays() -> None:
    reading = CASES["seed000_dec2026"]["reading_A_literal_eves_closed"]
    assert closed_in(shipped("infoniqa-literal"), "2026-12-01", "2026-12-31") == [each[:10] for each in reading]


def test_both_readings_together_leave_the_known_number_of_open_weekdays() -> None:
    regions = [region_of("CH-LU"), region_of("CH-ZH")]
    calendar = published(holidays=regions, closed_on="both")
    weekdays = [f"2026-12-{day:02}" for day in range(1, 32) if date(2026, 12, day).weekday() < 5]
    still_open = set(weekdays) - set(closed_in(calendar, "2026-12-01", "2026-12-31"))
    assert len(still_open) == CASES["seed000_dec2026"]["open_weekdays_A_or_B_closed"]


def test_a_holiday_before_a_holiday_stands_there_once_as_a_holiday_if_both_are_closed() -> None:
    calendar = published(holidays=[region_of("CH-LU")], closed_on="both")
    christmas = [(day.name, day.kind) for day in calendar.closed_days if day.on == date(2026, 12, 25)]
    assert christmas == [("Christmas Day", "holiday")]


def test_the_union_of_two_cantons_names_each_source_of_a_day() -> None:
    christmas = [day for day in shipped("infoniqa").closed_days if day.on == date(2026, 12, 25)]
    assert [day.source for day in christmas] == [
        f"holidays {HOLIDAYS_VERSION} CH-LU public",
        f"holidays {HOLIDAYS_VERSION} CH-ZH public",
    ]


def test_a_holiday_of_one_canton_only_closes_the_calendar_of_both() -> None:
    [corpus_christi] = [day for day in shipped("infoniqa").closed_days if day.on == date(2026, 6, 4)]
    assert (corpus_christi.name, corpus_christi.kind) == ("Fronleichnam", "holiday")
    assert corpus_christi.source == f"holidays {HOLIDAYS_VERSION} CH-LU public"


def test_the_eve_of_a_holiday_is_named_after_it_and_the_holiday_stays_open() -> None:
    days = {day.on: day for day in shipped("infoniqa-literal").closed_days}
    assert days[date(2026, 6, 3)].name == "Tag vor Fronleichnam"
    assert days[date(2026, 6, 3)].kind == "eve"
    assert date(2026, 6, 4) not in days


def test_a_holiday_followed_by_another_is_closed_in_the_literal_reading() -> None:
    assert "2026-12-25" in closed_in(shipped("infoniqa-literal"), "2026-12-25", "2026-12-26")


def test_the_last_new_years_eve_is_closed_because_of_the_year_after() -> None:
    assert closed_in(shipped("infoniqa-literal"), "2030-12-27", "2030-12-31") == ["2030-12-31"]


def test_a_bridge_day_at_the_turn_of_the_last_year_is_found() -> None:
    calendar = published(holidays=[region_of("DE-HH")], bridge_days=True, years="2024-2029", timezone="Europe/Berlin")
    assert date(2030, 1, 1).weekday() == 1
    assert closed_in(calendar, "2029-12-31", "2029-12-31") == ["2029-12-31"]


def test_a_bridge_day_between_holidays_of_two_regions_rests_on_both() -> None:
    # Ascension Day, Thursday 14 May 2026, is followed by a Friday that only the bridge-day rule closes.
    calendar = published(holidays=[region_of("CH-LU"), region_of("DE-HH")], bridge_days=True)
    bridge = [day.source for day in calendar.closed_days if day.on == date(2026, 5, 15)]
    assert bridge == [f"holidays {HOLIDAYS_VERSION} CH-LU public", f"holidays {HOLIDAYS_VERSION} DE-HH public"]


def test_two_working_days_between_a_holiday_and_a_weekend_are_no_bridge_days() -> None:
    # Wednesday 1 January 2025 in Hamburg: Thursday and Friday are two.
    calendar = published(holidays=[region_of("DE-HH")], bridge_days=True)
    assert closed_in(calendar, "2025-01-02", "2025-01-03") == []


def test_without_the_rule_no_bridge_day_is_closed() -> None:
    assert closed_in(published(holidays=[region_of("DE-HH")]), "2026-05-15", "2026-05-15") == []


def test_days_closed_by_hand_keep_their_reason() -> None:
    calendar = published(closed=[{"date": "2026-12-24", "reason": "Company party"}])
    [day] = calendar.closed_days
    assert (day.name, day.source, day.kind) == ("Company party", "by hand", "by_hand")


def test_a_day_taken_out_by_hand_is_open_and_says_why() -> None:
    calendar = published(holidays=[region_of("CH-LU")], open=[{"date": "2026-06-04", "reason": "Staffed from Zürich"}])
    assert closed_in(calendar, "2026-06-04", "2026-06-04") == []
    assert [(str(day.on), day.reason) for day in calendar.opened_days] == [("2026-06-04", "Staffed from Zürich")]


def test_a_bridge_day_can_be_taken_out_by_hand() -> None:
    taken_out = [{"date": "2026-05-15", "reason": "Trade fair"}]
    calendar = published(holidays=[region_of("DE-HH")], bridge_days=True, open=taken_out)
    assert closed_in(calendar, "2026-05-14", "2026-05-15") == ["2026-05-14"]


def test_exceptional_hours_on_a_holiday_are_refused() -> None:
    special = [{"date": "2026-06-04", "hours": ["09:00-12:00"], "reason": "Stocktaking"}]
    [(pointer, sentence)] = refused(holidays=[region_of("CH-LU")], exceptional_hours=special)
    assert pointer == "/exceptional_hours/0/date"
    assert "2026-06-04 is closed (Corpus Christi)" in sentence


def test_exceptional_hours_on_a_holiday_taken_out_by_hand_are_taken() -> None:
    calendar = published(
        holidays=[region_of("CH-LU")],
        open=[{"date": "2026-06-04", "reason": "Stocktaking"}],
        exceptional_hours=[{"date": "2026-06-04", "hours": ["09:00-12:00"], "reason": "Stocktaking"}],
    )
    assert [day.hours for day in calendar.exceptional_hours] == [["09:00-12:00"]]


def test_half_days_close_a_day_only_where_their_category_is_listed() -> None:
    without = published(holidays=[region_of("CH-Stadt Zurich")])
    with_half_days = published(holidays=[region_of("CH-Stadt Zurich", "public", "half_day")])
    assert closed_in(without, "2026-04-20", "2026-04-20") == []
    assert closed_in(with_half_days, "2026-04-20", "2026-04-20") == ["2026-04-20"]


@pytest.mark.parametrize(
    ("region", "pointer", "named"),
    [
        ({"country": "XX"}, "/holidays/0/country", "'XX'"),
        ({"country": "CH", "subdivision": "QQ"}, "/holidays/0/subdivision", "'QQ'"),
        ({"country": "GB", "subdivision": "ENG", "categories": ["bank"]}, "/holidays/0/categories/0", "'bank'"),
    ],
)
def test_a_region_that_the_library_does_not_know_is_refused_by_name(
    region: dict[str, Any], pointer: str, named: str
) -> None:
    with pytest.raises(UnknownRegionError) as refusal:
        published(holidays=[region])
    [(place, sentence)] = refusal.value.errors
    assert place == pointer
    assert named in sentence


def test_years_that_the_library_does_not_know_are_refused_and_not_read_as_without_holidays() -> None:
    [(pointer, sentence)] = refused(holidays=[{"country": "DE"}], years="2095-2105")
    assert pointer == "/years"
    assert "DE from 1991 to 2100" in sentence


def test_eves_need_the_year_after_the_last_to_be_known() -> None:
    assert published(holidays=[{"country": "DE"}], years="2098-2100").last_year == 2100
    assert refused(holidays=[{"country": "DE"}], years="2098-2100", closed_on="eve")[0][0] == "/years"


def test_what_the_library_only_warns_of_is_refused() -> None:
    [(pointer, sentence)] = refused(holidays=[{"country": "IN"}], years="2034-2037")
    assert pointer == "/holidays/0"
    assert sentence.startswith("IN: ")


def test_a_calendar_whose_every_open_day_is_closed_is_refused() -> None:
    sundays = [date(2026, 1, 4) + timedelta(weeks=week) for week in range(52)]
    closed = [{"date": str(day), "reason": "Winter break"} for day in sundays]
    [(pointer, sentence)] = refused(hours={"sun": ["08:00-12:00"]}, closed=closed, years="2026")
    assert pointer == "/hours"
    assert "never open in the years 2026-2026" in sentence


def test_a_calendar_that_is_open_on_a_single_day_is_taken() -> None:
    special = [{"date": "2026-06-03", "hours": ["08:00-12:00"], "reason": "Open house"}]
    assert published(hours={}, exceptional_hours=special).exceptional_hours[0].on == date(2026, 6, 3)


@pytest.mark.parametrize(
    ("language", "country", "name"),
    [
        ("de", "CH", "Neujahrstag"),
        ("de-CH", "CH", "Neujahrstag"),
        ("fr", "CH", "Nouvel An"),
        ("en", "CH", "New Year's Day"),
        ("en", "GB", "New Year's Day"),
        ("de", "GB", "New Year's Day"),
        ("de", "BB", "New Year's Day"),
    ],
)
def test_names_are_in_the_documents_language_or_the_regions_own(language: str, country: str, name: str) -> None:
    calendar = published(language=language, holidays=[{"country": country}])
    assert calendar.closed_days[0].name == name


@pytest.mark.parametrize("environment", ["th", "uk"])
def test_the_language_of_the_machine_never_names_a_holiday(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = published(language="de", holidays=[region_of("GB-ENG"), region_of("CH-LU")])
    monkeypatch.setenv("LANGUAGE", environment)
    assert published(language="de", holidays=[region_of("GB-ENG"), region_of("CH-LU")]) == before


def test_the_digest_covers_everything_but_the_version() -> None:
    document = calendar_document(read_yaml((TERMS / "hamburg.yaml").read_bytes()))
    first, second = materialise(document, 1), materialise(document, 2)
    assert (first.version, second.version) == (1, 2)
    assert first.digest == second.digest
    assert first.digest != published().digest


def test_the_digest_can_be_computed_from_the_event_alone() -> None:
    calendar = shipped("woking")
    content = msgspec.json.decode(msgspec.json.encode(calendar))
    del content["version"], content["digest"]
    assert digest(content) == calendar.digest


def test_the_versions_of_library_and_time_zones_stand_in_the_event() -> None:
    calendar = shipped("always")
    assert (calendar.holidays_version, calendar.tzdata_version) == (HOLIDAYS_VERSION, TZDATA_VERSION)


@pytest.mark.parametrize("name", sorted(path.stem for path in TERMS.glob("*.yaml")))
def test_each_shipped_calendar_lists_a_date_once_per_source_and_within_its_years(name: str) -> None:
    calendar = shipped(name)
    keys = [(day.on, day.source) for day in calendar.closed_days]
    assert keys == sorted(set(keys))
    assert all(calendar.first_year <= on.year <= calendar.last_year for on, _ in keys)


def test_the_worked_example_of_a_calendar_is_what_publishing_its_document_gives() -> None:
    told = example("CalendarPublished").event
    assert isinstance(told, CalendarPublished)
    given = materialise(calendar_document(told.document), told.version)
    assert [(day.on, day.name, day.kind) for day in given.closed_days] == [
        (day.on, day.name, day.kind) for day in told.closed_days
    ]
    for key in ("name", "version", "title", "hours", "opened_days", "exceptional_hours", "first_year", "document"):
        assert getattr(given, key) == getattr(told, key)

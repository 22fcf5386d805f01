"""The cases command: known cases pass, wrong answers fail with a sentence, and malformed files are told apart from wrong ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fristwerk_cases.sla import run
from fristwerk_platform.settings import SettingsError
from sla_service.cli import run_cases

CASES = Path(__file__).parents[1] / "cases"
OFFICE = {"tz": "Europe/Berlin", "week": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
ADD = {
    "id": 1,
    "calendar": "office",
    "op": "add",
    "start": "2026-06-05T14:00:00Z",
    "seconds": 3600,
    "expected": "2026-06-05T15:00:00Z",
}
TIMELINE = {
    "id": "T-1",
    "kind": "timeline",
    "calendar": "office",
    "policy": {
        "first_response_min": 60,
        "next_response_min": 120,
        "resolution_min": 240,
        "pause_states": ["pending", "closed"],
    },
    "events": [{"at": "2026-06-08T08:00:00Z", "type": "ticket_created"}],
    "as_of": "2026-06-08T08:30:00Z",
}


def ran(
    folder: Path, *cases: Any, name: str = "service_levels.json", calendars: Any = None
) -> tuple[int, int, list[str]]:
    known = {"office": OFFICE} if calendars is None else calendars
    (folder / name).write_text(json.dumps({"calendars": known, "cases": list(cases)}), encoding="utf-8")
    return run(folder)


def test_every_known_case_passes() -> None:
    assert run(CASES) == (1441, 0, [])


def test_a_wrong_answer_fails_with_a_sentence_and_the_others_pass(tmp_path: Path) -> None:
    wrong = ADD | {"id": 2, "expected": "2026-06-05T15:00:01Z"}
    assert ran(tmp_path, ADD, wrong) == (
        1,
        1,
        [
            "service_levels.json: case 2: expected is 2026-06-05T15:00:00+00:00, expected 2026-06-05T15:00:01+00:00",
        ],
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"op": "guess"}, "is of an unknown kind 'guess'"),
        ({"calendar": "nowhere"}, "names an unknown calendar 'nowhere'"),
        ({"start": "2026-06-05T14:00:00"}, "'start' is '2026-06-05T14:00:00', not an instant with its offset"),
        ({"start": None}, "'start' is None, not an instant"),
        ({"seconds": -1}, "'seconds' is -1, not a whole number that is not negative"),
        ({"seconds": 1.5}, "'seconds' is 1.5, not a whole number"),
        ({"seconds": 60 * 10**9}, "The calendar office is published for the years 1950 to 2100"),
        ({"expected": "soon"}, "'expected' is 'soon', not an instant"),
        ({"op": "diff"}, "needs 'end'"),
    ],
)
def test_a_malformed_case_is_a_sentence_that_names_the_place(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    passed, failed, (message,) = ran(tmp_path, ADD | change, name="business_time.json")
    assert (passed, failed) == (0, 1)
    assert message.startswith("business_time.json: case 1")
    assert sentence in message


def test_a_case_without_expectations_or_without_an_object_fails(tmp_path: Path) -> None:
    nothing = {key: value for key, value in ADD.items() if key != "expected"}
    assert ran(tmp_path, nothing, 5, {}, name="business_time.json")[2] == [
        "business_time.json: case 1 expects nothing that could be checked",
        "business_time.json: case 2 is not an object",
        "business_time.json: case 3 needs 'kind'",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "the file is not JSON"),
        ("[]", "the file is not an object"),
        ("{}", "the file needs 'calendars'"),
        ('{"calendars": {}}', "the file needs 'cases'"),
        (
            '{"calendars": {"c": {"tz": "Mars/Base", "week": {}}}, "cases": []}',
            "the calendar c: 'Mars/Base' is not an IANA time zone",
        ),
        ('{"calendars": {"c": {"tz": "UTC", "week": {"someday": []}}}, "cases": []}', "'someday' is not a weekday"),
        (
            '{"calendars": {"c": {"tz": "UTC", "week": {"mon": [["9", "17"]]}}}, "cases": []}',
            "is not an interval of local time",
        ),
        ('{"calendars": {"c": {"tz": "UTC", "week": {"mon": ["09:00"]}}}, "cases": []}', "is not a list of intervals"),
        (
            '{"calendars": {"c": {"tz": "UTC", "week": {}, "holidays": ["Easter"]}}, "cases": []}',
            "'Easter' is not a date",
        ),
    ],
)
def test_a_malformed_file_is_one_failure_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "business_time.json").write_text(text, encoding="utf-8")
    passed, failed, (message,) = run(tmp_path)
    assert (passed, failed) == (0, 1)
    assert sentence in message


def test_a_folder_without_cases_has_nothing_to_run_and_a_missing_one_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path) == (0, 0, [])
    assert run(tmp_path / "nowhere")[:2] == (0, 1)


def test_a_reversed_pause_is_refused(tmp_path: Path) -> None:
    case = {
        "id": "R",
        "kind": "add_business_time",
        "calendar": "office",
        "start": "2026-06-05T14:00:00Z",
        "duration_seconds": 60,
        "pauses": [["2026-06-05T15:00:00Z", "2026-06-05T14:00:00Z"]],
        "expect": {"deadline": "2026-06-05T14:01:00Z"},
    }
    assert "ends before it starts" in ran(tmp_path, case)[2][0]


def test_listed_but_inactive_holidays_are_open_and_recurring_ones_closed(tmp_path: Path) -> None:
    calendar = OFFICE | {
        "holidays": ["2026-06-05", "2026-06-08"],
        "inactive_holidays": ["2026-06-08"],
        "recurring_holidays": ["02-29", "06-09"],
    }
    openings = {"2026-06-05": "2026-06-08", "2026-06-09": "2026-06-10"}
    cases = [
        {
            "kind": "clock_start",
            "calendar": "office",
            "start": f"{closed}T08:00:00Z",
            "expect": {"clock_start": f"{opened}T07:00:00Z"},
        }
        for closed, opened in openings.items()
    ]
    assert ran(tmp_path, *cases, calendars={"office": calendar}) == (2, 0, [])


def told(*events: tuple[str, str] | tuple[str, str, str], as_of: str, **expected: object) -> dict[str, Any]:
    """A timeline on 8 June 2026 in UTC; an event is (time, type) or (time, type, state)."""
    keys = ("at", "type", "to")
    return TIMELINE | {
        "events": [
            *TIMELINE["events"],
            *(dict(zip(keys, (f"2026-06-08T{at}:00Z", *rest), strict=False)) for at, *rest in events),
        ],
        "as_of": f"2026-06-08T{as_of}:00Z",
        "expect": expected,
    }


TIMELINES = [
    told(
        as_of="08:30",
        first_response_due="2026-06-08T09:00:00Z",
        first_response_minutes=30,
        first_response_left_minutes=30,
        longest_response_minutes=None,
        next_deadline="2026-06-08T09:00:00Z",
    ),
    told(("09:30", "agent_message"), as_of="10:00", first_response_due=None, first_response_left_minutes=-30),
    told(
        ("08:10", "state_changed", "pending"),
        as_of="09:00",
        first_response_due=None,
        resolution_due=None,
        next_deadline=None,
    ),
    told(
        ("08:10", "state_changed", "pending"),
        ("08:40", "state_changed", "open"),
        as_of="09:00",
        first_response_due="2026-06-08T09:30:00Z",
        next_response_due="2026-06-08T10:30:00Z",
        resolution_due="2026-06-08T12:30:00Z",
    ),
    told(
        ("09:00", "state_changed", "closed"),
        as_of="09:30",
        resolution_due=None,
        resolution_minutes=60,
        next_response_due=None,
    ),
    told(
        ("08:30", "state_changed", "closed"),
        ("10:00", "customer_message"),
        ("10:00", "state_changed", "open"),
        as_of="10:00",
        resolution_due="2026-06-08T13:30:00Z",
        first_response_due="2026-06-08T10:30:00Z",
        next_response_due="2026-06-08T11:30:00Z",
    ),
    told(
        ("08:10", "agent_message"),
        ("08:20", "customer_message"),
        ("09:20", "agent_message"),
        as_of="10:00",
        longest_response_minutes=60,
        longest_response_left_minutes=60,
        next_response_due=None,
    ),
    told(("09:59", "agent_message"), as_of="09:30", first_response_due="2026-06-08T09:00:00Z"),
]


@pytest.mark.parametrize("case", TIMELINES)
def test_timelines_run_through_the_timers_of_a_ticket(tmp_path: Path, case: dict[str, Any]) -> None:
    assert ran(tmp_path, case) == (1, 0, [])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"events": []}, "tells of no ticket_created up to its 'as_of'"),
        ({"events": [{"at": "2026-06-08T08:00:00Z", "type": "party"}]}, "event 1 is of an unknown type 'party'"),
        ({"events": [{"at": "2026-06-08T08:00:00Z", "type": "state_changed"}]}, "event 1 needs 'state'"),
        ({"policy": {"first_response_min": "soon"}}, "its policy: 'first_response_min' is 'soon'"),
        ({"policy": {"first_response_min": 0}}, "its policy: "),
        ({"expect": {"mood": "good"}}, "expects 'mood', which such a case does not have"),
    ],
)
def test_a_malformed_timeline_is_a_sentence(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    case = TIMELINE | {"expect": {"first_response_due": None}} | change
    _, failed, (message,) = ran(tmp_path, case)
    assert failed == 1
    assert sentence in message


def test_without_the_distribution_of_known_cases_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fristwerk_cases", None)
    with pytest.raises(SettingsError, match="fristwerk-cases, which is not installed"):
        run_cases(CASES, lambda _line: None)

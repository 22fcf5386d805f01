"""Known cases: the shared ones and our own pass, wrong ones and malformed files are told apart in sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fristwerk_cases.billing import run

SHARED = Path(__file__).parents[1] / "cases"
OWN = Path(__file__).parent / "more_cases"
A_CASE = {
    "id": "a",
    "contract": {"currency": "EUR", "hourly": {"rate": "120.00", "increment_min": 30}},
    "events": [{"t": "time_logged", "id": "e", "ticket": "T", "start": "2026-05-04T10:00:00Z", "min": 20}],
    "expect": {"net": "60.00"},
}


def written(folder: Path, data: object) -> Path:
    folder.joinpath("rating.json").write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("folder", "number"), [(SHARED, 62), (OWN, 50)])
def test_every_known_case_passes(folder: Any, number: int) -> None:
    assert run(folder) == (number, 0, [])


def test_a_wrong_expectation_fails_and_says_what_came_out(tmp_path: Path) -> None:
    wrong = A_CASE | {"expect": {"net": "61.00", "lines": [["hourly", "T", 30, "120.00", "61.00"]], "held": {"T": 5}}}
    passed, failed, messages = run(written(tmp_path, {"cases": [A_CASE, wrong]}))
    assert (passed, failed) == (1, 1)
    assert messages == [
        "a: the line [hourly, T, 30, 120.00, 61.00] is missing",
        "a: the line [hourly, T, 30, 120.00, 60.00] is not expected",
        "a: net is 60.00, expected 61.00",
        "a: held is {}, expected {'T': 5}",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"contract": {"currency": "EUR", "colour": "blue"}},
            "a: Object contains unknown field `colour` - at `$.contract`",
        ),
        ({"expect": {"nett": "1"}}, "a: Object contains unknown field `nett` - at `$.expect`"),
        (
            {"events": [{"t": "time_logged", "id": "e", "ticket": "T", "start": "2026-05-04T10:00:00Z"}]},
            "a: entry e has neither min nor end",
        ),
        (
            {"events": [{"t": "time_logged", "id": "e", "ticket": "T", "start": "2026-05-04T10:00:00Z", "min": -1}]},
            "a: entry e has negative minutes",
        ),
        ({"events": [{"t": "no_show", "appt": "A1"}]}, "a: the appointment A1 was never booked"),
        ({"events": [{"t": "time_corrected", "id": "x", "min": 1}]}, "a: the entry x was never logged"),
        ({"cutoffs": ["2026-06-30", "2026-05-31"]}, "a: cutoffs stand in the order of their days"),
    ],
)
def test_a_malformed_case_fails_with_a_sentence(tmp_path: Path, change: Any, sentence: str) -> None:
    assert run(written(tmp_path, {"cases": [A_CASE | change]})) == (0, 1, [sentence])


def test_terms_that_the_language_refuses_are_named(tmp_path: Path) -> None:
    negative = A_CASE | {"contract": {"currency": "EUR", "hourly": {"rate": "-1", "increment_min": 30}}}
    _, failed, (message,) = run(written(tmp_path, {"cases": [negative]}))
    assert failed == 1
    assert message.startswith("a: its terms are refused: /billing/hourly/rate")


@pytest.mark.parametrize("text", ["{", "[]", '{"cases": 3}', "[" * 100_000])
def test_a_file_that_is_none_is_one_failure(tmp_path: Path, text: Any) -> None:
    passed, failed, (message,) = run(written(tmp_path, text))
    assert (passed, failed) == (0, 1)
    assert message.startswith("rating.json: ")


def test_a_folder_without_the_file_has_no_cases(tmp_path: Path) -> None:
    passed, failed, messages = run(tmp_path)
    assert (passed, failed) == (0, 0)
    assert messages == [f"{tmp_path} has no rating.json"]

"""Instants, days, texts and numbers of request bodies: exact, within their limits, and the same on every version of Python."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fristwerk_platform.http import (
    Identifier,
    Instant,
    LocalDate,
    LongText,
    Minutes,
    PhoneNumber,
    ShortLines,
    ShortText,
    StrictBool,
    parse_instant,
)

offsets = st.integers(-(23 * 60 + 59), 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 12, 30), timezones=offsets))  # noqa: DTZ001 - Hypothesis adds zones
def test_an_instant_is_read_with_its_offset_in_whole_seconds(at: datetime) -> None:
    assert parse_instant(at.isoformat()) == at.astimezone(UTC).replace(microsecond=0)
    assert parse_instant(at.isoformat()).tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-06-03T16:30:00+02:00", datetime(2026, 6, 3, 14, 30, tzinfo=UTC)),
        ("2026-06-03T14:30:00Z", datetime(2026, 6, 3, 14, 30, tzinfo=UTC)),
        ("2026-06-03t14:30:00z", datetime(2026, 6, 3, 14, 30, tzinfo=UTC)),
        ("2026-06-03 14:30Z", datetime(2026, 6, 3, 14, 30, tzinfo=UTC)),
        ("2026-06-03T14:30:59.999999999Z", datetime(2026, 6, 3, 14, 30, 59, tzinfo=UTC)),
        ("2026-06-03T14:30:00.1-00:00", datetime(2026, 6, 3, 14, 30, tzinfo=UTC)),
        ("2024-02-29T23:59:59-23:59", datetime(2024, 3, 1, 23, 58, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_may_be_written_in_the_ways_of_rfc_3339(given: str, at: datetime) -> None:
    assert TypeAdapter(Instant).validate_python(given) == at


@pytest.mark.parametrize(
    "given",
    [
        "",
        "now",
        "2026-06-03",
        "2026-06-03T14:30:00",
        "2026-06-03T14:30:00 Z",
        "2026-06-03T14Z",
        "20260603T143000Z",
        "2026-W23-3T14:30:00Z",
        "2026-154T14:30:00Z",
        "2026-6-3T14:30:00Z",
        "26-06-03T14:30:00Z",
        "+2026-06-03T14:30:00Z",
        "12026-06-03T14:30:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-00-03T14:30:00Z",
        "2026-13-03T14:30:00Z",
        "2026-06-31T14:30:00Z",
        "2026-02-29T14:30:00Z",
        "2026-06-03T24:00:00Z",
        "2026-06-03T25:00:00Z",
        "2026-06-03T14:60:00Z",
        "2016-12-31T23:59:60Z",
        "2026-06-03T14:30:00.Z",
        "2026-06-03T14:30:00,5Z",
        "2026-06-03T14:30:00.1234567890Z",
        "2026-06-03T14:30:00+24:00",
        "2026-06-03T14:30:00+23:60",
        "2026-06-03T14:30:00+01:99",
        "2026-06-03T14:30:00+99:99",
        "2026-06-03T14:30:00+0200",
        "2026-06-03T14:30:00+02",
        "2026-06-03T14:30:00+02:00:30",
        "2026-06-03T14:30:00Z\n",
        "２０２６-06-03T14:30:00Z",
        "٢٠٢٦-06-03T14:30:00Z",
        "2026-06-03T14:30:00Z" + "0" * 10_000,
        1_780_000_000,
        1e9,
        None,
        True,
        ["2026-06-03T14:30:00Z"],
        {"at": "2026-06-03T14:30:00Z"},
        datetime(2026, 6, 3, 14, 30),  # noqa: DTZ001 - a naive one is what is refused
    ],
    ids=lambda given: repr(given)[:40],
)
def test_what_is_no_instant_is_refused(given: object) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Instant).validate_python(given)

    assert len(refused.value.errors()[0]["msg"]) < 200


@pytest.mark.parametrize(
    "given",
    ["0001-01-01T00:00:00Z", "1026-06-05T09:00:00+02:00", "1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z"],
)
def test_an_instant_lies_between_1970_and_2100(given: str) -> None:
    with pytest.raises(ValidationError, match="must lie in the years 1970 to 2100"):
        TypeAdapter(Instant).validate_python(given)
    with pytest.raises(ValidationError, match="must lie in the years 1970 to 2100"):
        TypeAdapter(LocalDate).validate_python(given[:10])


def test_a_day_is_read_in_one_way_only() -> None:
    assert TypeAdapter(LocalDate).validate_python("2024-02-29") == date(2024, 2, 29)
    for wrong in (
        "2026-02-29",
        "20260603",
        "2026-W23-3",
        "2026-154",
        "0000-01-01",
        "2026-06-03T00:00",
        "",
        None,
        20260603,
    ):
        with pytest.raises(ValidationError):
            TypeAdapter(LocalDate).validate_python(wrong)


@pytest.mark.parametrize(
    ("kind", "good", "wrong"),
    [
        (LongText, ["a", " a ", "x" * 20_000, "Ä\n😀"], ["", "  ", "\n\t", "\u3000", "x" * 20_001, 7, None]),
        (
            ShortText,
            ["a", "x" * 500, "Söhne & Co\u00a0KG", "עברית", "नाम"],
            [
                "",
                " ",
                "x" * 501,
                "a\nb",
                "a\rb",
                "a\tb",
                "\x1b[31mred",
                "\a",
                "a\u202eb",
                "\u2066a",
                "a\u2028b",
                "\x9b",
                "\ufeff",
            ],
        ),
        (
            ShortLines,
            ["a", "Hauptstraße 1\n20095 Hamburg"],
            ["", "a\n\nb", "a\r\nb", "a\n\x1b[31m", "a\u202e\nb", "x" * 501, 7, None],
        ),
        (
            PhoneNumber,
            ["+49 40 000001", "+41 (0)41 000 00 00", "specialist", "040/000-1"],
            ["", " ", "Frau Saxofon!", "+49\n1", "1  2"],
        ),
        (Identifier, ["a", "A-1_b.c", "9", "x" * 64], ["", "-a", ".a", "a b", "ä", "a\n", "x" * 65, "a/b"]),
        (Minutes, [1, 100_000], [0, -1, 100_001, 1.0, "1", True, None]),
        (StrictBool, [True, False], ["true", 1, 0, None]),
    ],
    ids=["LongText", "ShortText", "ShortLines", "PhoneNumber", "Identifier", "Minutes", "StrictBool"],
)
def test_values_have_their_limits(kind: Any, good: list[object], wrong: list[object]) -> None:
    for value in good:
        assert TypeAdapter(kind).validate_python(value) == value
    for value in wrong:
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(value)

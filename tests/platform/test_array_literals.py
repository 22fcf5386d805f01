"""Arrays written as texts are what PostgreSQL reads from them, whatever their elements are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fristwerk_platform.array_literals import array_literal

TEXTS = [
    *("", "a", '"', "\\", '\\"', '"\\', "\\\\", "\\n", "\\\\n", "{a,b}", "a,b", " a ", "NULL", "null", "'", "$1", "%s"),
    *("\n", "\t\r\b\f", "\x01\x1f", 'line\n"quoted"', "\\\n", "\\\\\n", "\x7f", "Zürich\u2028\U0001f600", None),
]
LISTS: Sequence[tuple[str, Sequence[Any]]] = [
    ("text", TEXTS),
    ("text", [each for each in TEXTS if each is None or min(each, default="x") >= " "]),
    ("text", []),
    ("text", [None, None]),
    ("bigint", [0, -1, 2**63 - 1, -(2**63), None]),
    ("boolean", [True, False, None]),
    ("date", [date(1, 1, 1), date(2026, 11, 30), date(9999, 12, 31), None]),
    (
        "timestamptz",
        [
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            None,
        ],
    ),
]


@pytest.mark.parametrize(("kind", "values"), LISTS)
async def test_the_database_reads_what_was_meant(postgres_url: str, kind: str, values: Sequence[Any]) -> None:
    connection = await asyncpg.connect(postgres_url)
    read = await connection.fetchval(f"SELECT $1::text::{kind}[]", array_literal(values))
    assert read == list(values)
    await connection.close()


def elements(literal: str) -> list[str]:
    """What PostgreSQL's manual says of quoted elements (8.15.6): a backslash stands before what means itself."""
    found, inside, at = [], False, 1
    while at < len(literal) - 1:
        if literal[at] == '"':
            inside = not inside
            if inside:
                found.append("")
        elif inside:
            at += literal[at] == "\\"
            found[-1] += literal[at]
        at += 1
    return found


@given(st.lists(st.text(st.sampled_from('\\"na\n\x00ä{},'), max_size=8), max_size=5))
def test_every_text_comes_back_from_the_rules_of_quoting(values: list[str]) -> None:
    assert elements(array_literal(values)) == values


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        array_literal(["\ud800"])

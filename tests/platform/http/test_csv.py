"""Tables for spreadsheets: a text that one would run as a formula is text, and a number stays a number."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fristwerk_platform.http.queries import csv_answer, csv_cell

FORMULAS = ['=HYPERLINK("https://x.example";"Rechnung")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("wrapped", [str, lambda text: [text], lambda text: (text, "b")], ids=["text", "list", "tuple"])
def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe_in_front(text: str, wrapped: Any) -> None:
    assert csv_cell(wrapped(text)).startswith(f"'{text}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5, "-5"),
        (Decimal("-0.02"), "-0.02"),
        (None, ""),
        (True, "true"),
        (date(2026, 6, 3), "2026-06-03"),
        (["a", "b"], "a b"),
        ([], ""),
        ("a=b", "a=b"),
    ],
)
def test_other_values_stand_as_they_are(value: Any, text: str) -> None:
    assert csv_cell(value) == text


def test_the_cells_of_a_table_are_quoted_and_come_back_as_they_were_written() -> None:
    rows = [{"agent": each, "minutes": -1} for each in FORMULAS]
    read = list(csv.reader(io.StringIO(bytes(csv_answer(("agent", "minutes"), rows).body).decode(), newline="")))
    assert read == [["agent", "minutes"], *([f"'{each}", "-1"] for each in FORMULAS)]

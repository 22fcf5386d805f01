"""Every statement of the five vendors stands once in ``docs/requirements.md``, with tests that exist or a reason."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "requirements.md").read_text("utf-8")
ROWS: Final = re.findall(r"^\| ([A-Z]{3}-\d\d) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
STATEMENTS: Final = {"INF": 32, "FLX": 25, "HAM": 23, "DIG": 39, "LVA": 28}
"""How many statements each vendor's text has."""
OPEN: Final[set[str]] = set()
"""The statements that do not hold whole yet."""
NONE: Final = {"FLX-06", "FLX-12", "FLX-25", "HAM-01", "HAM-02", "HAM-23", "DIG-27", "DIG-32", "DIG-39"}
"""The statements from which nothing follows for software."""
NAMED: Final = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
MARK: Final = re.compile(r"\*(open|none)\*: \S.{15,}")


@cache
def functions(file: str) -> frozenset[str]:
    """The names of a file's functions, without importing it."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_statement_stands_there_once() -> None:
    wanted = [f"{vendor}-{number:02}" for vendor, count in STATEMENTS.items() for number in range(1, count + 1)]

    assert [each for each, _, _ in ROWS] == wanted
    assert len(re.findall(r"^\| [A-Z]{3}-", PAGE, re.MULTILINE)) == len(wanted), "a row cannot be read"


@pytest.mark.parametrize(("statement", "shown"), [(each, shown) for each, _, shown in ROWS], ids=[r[0] for r in ROWS])
def test_a_statement_has_tests_or_says_why_not(statement: str, shown: str) -> None:
    missing = [f"{file}::{name}" for file, name in NAMED.findall(shown) if name not in functions(file)]

    assert missing == []
    assert NAMED.search(shown) or MARK.search(shown), f"{statement} names no test and gives no reason"
    assert len(NAMED.findall(shown)) == shown.count("::"), f"{statement} names a test that cannot be read"


def test_what_is_open_and_what_is_none_of_softwares_business_is_known() -> None:
    def marked(word: str) -> set[str]:
        return {statement for statement, _, shown in ROWS if f"*{word}*" in shown}

    assert marked("open") == OPEN
    assert marked("none") == NONE

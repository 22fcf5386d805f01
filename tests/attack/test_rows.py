"""The table of what was found by attacks names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
ROW: Final = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NAMED: Final = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")
ROWS: Final = 23


def test_every_row_names_tests_that_are_there() -> None:
    found, _, taken_out = (TESTS / "attack" / "README.md").read_text("utf-8").partition("\n## What was taken out\n")
    rows = ROW.findall(found)

    assert [int(number) for number, _ in rows] == list(range(1, ROWS + 1))
    for number, named in rows + [(number, failed) for number, failed in ROW.findall(taken_out) if "::" in failed]:
        tests = NAMED.findall(named)
        assert tests, f"row {number} names no test"
        assert len(tests) == named.count("::"), f"row {number} names something else"
        for file, name in tests:
            tree = ast.parse((TESTS / file).read_text("utf-8"))
            there = {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in there, f"row {number}: {file} has no {name}"

"""Rules of our own that keep four kinds of fault out: naive instants, SQL made of what somebody sent, money as floats, and
requests that wait for ever.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.syntax_trees import parsed

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = sorted(
    path for folder in ("services", "shared", "tools", "deploy") for path in (ROOT / folder).rglob("src/**/*.py")
)
MONEY: Final = (
    "services/billing-service/src/billing_service/domain/",
    "services/billing-service/src/billing_service/documents/",
)
SQL: Final = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "DROP ", "ALTER ")
OUR_NAMES: Final = frozenset({"table", "events", "columns", "values", "condition", "self.events_table_name"})
"""What the event log puts its SQL together of: names of tables and columns, conditions of its own, and question marks."""
ARGUMENTS_WITH_ZONE: Final = 8
INSTANTS: Final = frozenset({"now", "today", "datetime", "utcnow", "utcfromtimestamp", "replace"})
"""What makes an instant, or changes one."""
WALL_CLOCK: Final = ("/terms/opening.py", "/terms/coverage.py")
"""Where the hands of a local clock are meant, without a zone."""


EXCEPT: Final = {
    "naive instants": WALL_CLOCK,
    "SQL of anything": ("/read_models/bulk.py",),  # made of a table's own description, values beside it
}


def last_name(called: ast.expr) -> str:
    """``now`` of ``datetime.now``; nothing of what has no name."""
    match called:
        case ast.Name(id=str(name)) | ast.Attribute(attr=str(name)):
            return name
        case _:
            return ""


def naive_instants(tree: ast.AST) -> Iterator[ast.AST]:
    """``utcnow``, ``now()`` or ``datetime(…)`` without a zone, and zones taken away."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or last_name(node.func) not in INSTANTS:
            continue
        called = ast.unparse(node.func)
        zoned = any(each.arg in ("tzinfo", "tz") and ast.unparse(each.value) != "None" for each in node.keywords)
        unzoned = any(each.arg == "tzinfo" and not zoned for each in node.keywords)
        without_zone = {
            "now": not node.args and not zoned and called.startswith("datetime"),
            "today": called.startswith("datetime"),
            "datetime": len(node.args) < ARGUMENTS_WITH_ZONE and not zoned,
            "utcnow": True,
            "utcfromtimestamp": True,
            "replace": unzoned,
        }
        if without_zone[last_name(node.func)]:
            yield node


def sql_of_anything(tree: ast.AST) -> Iterator[ast.AST]:
    """f-strings, ``%`` and ``format`` that put something other than a constant or a table's name into SQL."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if text.lstrip().upper().startswith(SQL):
                inserted = [ast.unparse(each.value) for each in node.values if isinstance(each, ast.FormattedValue)]
                if not all(each.lstrip("_").isupper() or each in OUR_NAMES for each in inserted):
                    yield node
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod() | ast.Add()) if _is_sql(text):
                yield node
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")) if _is_sql(text):
                yield node
            case _:
                pass


def _is_sql(text: str) -> bool:
    return text.lstrip().startswith(SQL)


def floats(tree: ast.AST) -> Iterator[ast.AST]:
    """Float constants, ``float`` itself, and true division of anything."""
    for node in ast.walk(tree):
        if (isinstance(node, ast.Constant) and isinstance(node.value, float)) or (
            isinstance(node, ast.Name) and node.id == "float"
        ):
            yield node


def endless_requests(tree: ast.AST) -> Iterator[ast.AST]:
    """Clients without a limit of time: httpx has one unless it is taken away, the others have none."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if {"requests", "aiohttp", "urllib3"} & {each.name for each in names}:
                yield node
            case ast.ImportFrom(module="requests" | "aiohttp" | "urllib3" | "urllib.request"):
                yield node
            case ast.Call(keywords=keywords) if any(
                each.arg == "timeout"
                and isinstance(each.value, ast.Constant)
                and each.value.value is None
                and ast.unparse(node.func).startswith(("httpx.", "self._client.", "client."))
                for each in keywords
            ):
                yield node
            case _:
                pass


RULES: Final = {
    "naive instants": (naive_instants, ("",)),
    "SQL of anything": (sql_of_anything, ("",)),
    "floats in money": (floats, MONEY),
    "endless requests": (endless_requests, ("",)),
}
BAD: Final = {
    "naive instants": [
        "datetime.now()",
        "datetime.utcnow()",
        "datetime(2026, 6, 3)",
        "at.replace(tzinfo=None)",
        "datetime.today()",
    ],
    "SQL of anything": [
        "f'SELECT * FROM t WHERE a = {given}'",
        "'SELECT * FROM t WHERE a = %s' % given",
        "'DELETE FROM t WHERE a = ' + given",
        "'UPDATE t SET a = {}'.format(given)",
    ],
    "floats in money": ["price * 1.5", "float(price)", "x: float = 1"],
    "endless requests": ["httpx.AsyncClient(timeout=None)", "import requests", "from urllib.request import urlopen"],
}
GOOD: Final = {
    "naive instants": ["datetime.now(UTC)", "datetime(2026, 6, 3, tzinfo=UTC)", "at.replace(tzinfo=UTC)"],
    "SQL of anything": [
        "f'SELECT * FROM {TABLE} WHERE a = ?'",
        "f'SELECT * FROM {self.events_table_name}'",
        "f'{a} of {b}'",
    ],
    "floats in money": ["price * Decimal('1.5')", "1 + 2"],
    "endless requests": ["httpx.AsyncClient(timeout=5.0)", "import httpx"],
}


@pytest.mark.parametrize("rule", RULES)
def test_the_sources_keep_the_rule(rule: str) -> None:
    found, where = RULES[rule]
    broken = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {ast.unparse(node)[:100]}"
        for path in SOURCES
        if any(part in path.as_posix() for part in where)
        if not path.as_posix().endswith(EXCEPT.get(rule, ("no such file",)))
        for node in found(parsed(path))
    ]

    assert len(SOURCES) > 200
    assert broken == []


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_finds_what_it_is_made_for_and_nothing_else(rule: str) -> None:
    found, _ = RULES[rule]

    assert [each for each in BAD[rule] if not list(found(ast.parse(each)))] == []
    assert [each for each in GOOD[rule] if list(found(ast.parse(each)))] == []

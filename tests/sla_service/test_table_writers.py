"""Each table of the SLA service is written by one package only: what is read from a table then has one place to be wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sla_service
from sla_service.projections import tables

PACKAGE = Path(sla_service.__file__).parent
WRITES = {"store", "add", "insert", "update", "delete", "Write", "removal"}
TABLES = {name for name, value in vars(tables).items() if value in tables.metadata.tables.values()}
WRITERS = {
    "terms": {"projections"},
    "histories": {"projections"},
    "tickets": {"projections"},
    "timers": {"projections"},
    "parked": {"projections"},
    "deadline_positions": {"projections"},
    "alarms": {"notices"},
    "announced": {"notices"},
    "notices": {"notices"},
    "answers": {"stores"},
    "simulations": {"stores"},
    "simulated": {"stores"},
}


def written_tables(source: str) -> Iterator[str]:
    """The tables that a module's calls of ``store``, ``Write``, ``removal``, ``delete`` and the like name."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == tables.__name__:
            names |= {each.asname or each.name: each.name for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITES:
            for argument in node.args:
                match argument:
                    case ast.Name(id=name) if names.get(name) in TABLES:
                        yield names[name]
                    case ast.Attribute(value=ast.Name(id="tables"), attr=name) if name in TABLES:
                        yield name
                    case ast.Attribute(value=ast.Attribute(value=ast.Name(id=name), attr="c")) if (
                        names.get(name) in TABLES
                    ):
                        yield names[name]


def test_every_table_is_written_by_its_own_package_and_by_no_other() -> None:
    writers: dict[str, set[str]] = {name: set() for name in TABLES}
    for file in PACKAGE.rglob("*.py"):
        package = file.relative_to(PACKAGE).parts[0]
        if package != "migrations":
            for table in written_tables(file.read_text("utf-8")):
                writers[table].add(package)
    writers.pop("checkpoints", None)  # the platform's
    assert writers == WRITERS


def test_a_write_is_found_however_the_table_is_named() -> None:
    source = "from sla_service.projections.tables import notices as board\nadd(connection, board, rows)\n"
    assert list(written_tables(source)) == ["notices"]
    assert list(written_tables("delete(tables.alarms)")) == ["alarms"]
    assert list(written_tables('from sla_service.projections.tables import timers\nWrite("store", timers, rows)')) == [
        "timers"
    ]
    assert list(written_tables("from sla_service.projections.tables import timers\nremoval(timers.c.timer, gone)")) == [
        "timers"
    ]

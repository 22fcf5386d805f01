"""The table of promises that the long fault tests print: one row for each test that has one."""

from __future__ import annotations

from collections.abc import Generator

import msgspec
import pytest
from rich.console import Console
from rich.table import Table


class Promise(msgspec.Struct):
    """A row of the table at the end of the long fault tests; ``count`` is for those that count what they tried."""

    promise: str
    figures: str = ""
    outcome: str = "BROKEN"
    count: int = 0


ROW = pytest.StashKey[Promise]()
PROMISE = "promise"
"""The property of a test's report that is a row of the table."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A promise was held if its test came to its end and has figures."""
    report = yield
    row = item.stash.get(ROW, None)
    if row is not None and (report.when == "call" or (report.when == "setup" and not report.passed)):
        if not report.failed:
            row.outcome = "skipped" if report.skipped else "held" if row.figures else row.outcome
        # A worker's report is all that reaches the process that prints the table.
        report.user_properties.append((PROMISE, (row.promise, row.figures, row.outcome)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The promises and their figures, after the long tests."""
    reports = [each for found in terminalreporter.stats.values() for each in found]
    rows = [
        (getattr(each, "nodeid", ""), value)
        for each in reports
        for name, value in getattr(each, "user_properties", ())
        if name == PROMISE
    ]
    if not rows or config.getoption("faults") != "long":
        return
    table = Table("promise", "figures", "")
    for _, row in sorted(rows):
        table.add_row(*row)
    terminalreporter.write_line("")
    Console(width=140, highlight=False).print(table)


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long versions are wanted: ``--faults=long``."""
    return bool(request.config.getoption("faults") == "long")


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """The test's row in the table, named after the test."""
    row = request.node.stash[ROW] = Promise(request.node.name.removeprefix("test_").replace("_", " "))
    return row

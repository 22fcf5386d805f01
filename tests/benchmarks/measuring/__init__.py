"""What benchmarks share: rounds and their median, a table with the machine below it, PostgreSQL, and services as processes."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier
from rich.console import Console
from rich.table import Table

from fristwerk_local.postgres import PostgresServer


class Figure(msgspec.Struct, kw_only=True):
    """A row: what was measured in several rounds, and beside what; more is better."""

    what: str
    rounds: Sequence[float]
    unit: str = "/s"
    beside: str = ""
    reference: Sequence[float] = ()
    reach: float | None = None
    """The ratio to reach."""
    at_most: float | None = None
    """The median to reach instead of a ratio, where less is better."""

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """The median beside the reference's."""
        return self.median / statistics.median(self.reference) if self.reference else None

    @property
    def reached(self) -> bool | None:
        """Whether it reaches what it has to."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return None if self.ratio is None or self.reach is None else self.ratio >= self.reach


def show(title: str, figures: Sequence[Figure], *remarks: str) -> None:
    """Print the table, and on what machine."""
    table = Table(title, "measured", "beside", "", "ratio", "reach", "")
    for each in figures:
        ratio, reach = each.ratio, each.reach
        table.add_row(
            each.what,
            f"{_number(each.median)} {each.unit}",
            each.beside,
            f"{_number(statistics.median(each.reference))} {each.unit}" if each.reference else "",
            f"{ratio:.2f}" if ratio is not None else "",
            f"≤ {each.at_most:g} {each.unit}" if each.at_most is not None else "" if reach is None else f"{reach:g}",
            {None: "", True: "reached", False: "FALLS SHORT"}[each.reached],
        )
    console = Console(width=150, highlight=False)
    console.print(table)
    rounds = max((len(each.rounds) for each in figures), default=0)
    for line in (machine(rounds), *remarks):
        console.print(line)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def machine(rounds: int) -> str:
    """The machine, its load, and how often was measured."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    system = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    return f"{system}, load {load} (1, 5, 15 min; our own included); medians of {rounds} rounds"


@contextmanager
def postgres(*settings: str) -> Iterator[PostgresServer]:
    """A PostgreSQL with its defaults but for some settings, on an empty folder that ``nobody`` may enter."""
    with tempfile.TemporaryDirectory(prefix="fristwerk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder / "postgres", settings=settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def empty_database(server: PostgresServer) -> str:
    """The address of a database of its own."""
    name = f"empty_{time.time_ns()}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return server.url(name)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]

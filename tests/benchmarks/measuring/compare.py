"""Runs the benchmarks of two checkouts in turn and prints, row by row, how much better this one is than the other.

    make compare OTHER=../other [BENCHMARKS="over_http catching_up"]

Both are measured in one sitting, A B A B …, so the machine's speed drifts for both alike. The ratio of a row is this
checkout's median beside the other's, turned so that more than 1 is better.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from measuring import machine

HERE: Final = Path(__file__).parents[3]
REACH: Final = 0.95
LESS_IS_BETTER: Final = frozenset({"µs", "ms", "s", "MB"})
_CELL: Final = re.compile(r"([\d,]+(?:\.\d+)?) (\S+)")
_PERCENTILES: Final = re.compile(r"(p50|p99) ([\d.]+) ms")


class Row(msgspec.Struct, frozen=True):
    """One figure of a benchmark: which, how much, and its unit."""

    benchmark: str
    what: str
    value: float
    unit: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes two figures the same row."""
        return self.benchmark, self.what


def rows(benchmark: str, printed: str) -> Iterator[Row]:
    """The figures in what a benchmark printed: the second column of its tables, and its lines of percentiles."""
    seen: set[str] = set()
    for line in printed.splitlines():
        cells = [each.strip() for each in line.strip("│ ").split("│")]
        if line.startswith("│") and len(cells) > 1 and (found := _CELL.fullmatch(cells[1])):
            # The 99th percentile in a row's name differs from run to run.
            what = re.sub(r" \(p99 [^)]*\)", "", cells[0])
            if what not in seen:
                seen.add(what)
                yield Row(benchmark, what, float(found[1].replace(",", "")), found[2])
        for name, value in _PERCENTILES.findall(line) if not line.startswith("│") else ():
            yield Row(benchmark, name, float(value), "ms")


def run(checkout: Path, benchmark: str) -> Sequence[Row]:
    """Run one benchmark of a checkout in its own environment. Raises CalledProcessError."""
    script = checkout / "tests" / "benchmarks" / f"{benchmark}.py"
    done = subprocess.run(  # noqa: S603 - the project's own scripts
        [str(checkout / ".venv" / "bin" / "python"), str(script)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return list(rows(benchmark, done.stdout))


def compared(here: Mapping[tuple[str, str], list[Row]], other: Mapping[tuple[str, str], list[Row]]) -> Table:
    """The table of all rows that both checkouts have."""
    table = Table("benchmark", "row", "this", "other", "this/other", "")
    for key, found in here.items():
        if key not in other:
            continue
        mine = statistics.median(each.value for each in found)
        theirs = statistics.median(each.value for each in other[key])
        ratio = theirs / mine if found[0].unit in LESS_IS_BETTER else mine / theirs
        unit = found[0].unit
        table.add_row(
            *key, f"{mine:,.4g} {unit}", f"{theirs:,.4g} {unit}", f"{ratio:.2f}", "" if ratio >= REACH else "WORSE"
        )
    return table


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="the other checkout, made ready with make setup .venv/bench-ready")
    parser.add_argument("benchmarks", nargs="*", default=["event_log", "over_http", "catching_up"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write all figures")
    asked = parser.parse_args()
    sides: dict[Path, dict[tuple[str, str], list[Row]]] = {HERE: {}, asked.other.resolve(): {}}
    for benchmark in asked.benchmarks:
        for _ in range(asked.rounds):
            for checkout, found in sides.items():
                for row in run(checkout, benchmark):
                    found.setdefault(row.key, []).append(row)
    here, other = sides.values()
    console = Console(width=150, highlight=False)
    console.print(compared(here, other))
    console.print(machine(asked.rounds))
    if asked.json is not None:
        every = {
            name: [row for found in side.values() for row in found]
            for name, side in zip(("this", "other"), sides.values(), strict=True)
        }
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(every)))


if __name__ == "__main__":
    main()

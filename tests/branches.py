"""Prints the coverage of the three domains and fails where one is below its floor: ``make coverage`` runs it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from coverage import Coverage

ROOT = Path(__file__).parents[1]
FLOOR_PERCENT = 98.0
DOMAINS = ("ticket", "sla", "billing")


def main() -> int:
    """The exit code: 1 where a domain has fewer of its lines or branches covered than it should."""
    files = summaries()
    low = 0
    for service in DOMAINS:
        domain = [summary for name, summary in files.items() if f"/{service}_service/domain/" in name]
        for kind, all_of, covered in (
            ("lines", "num_statements", "covered_lines"),
            ("branches", "num_branches", "covered_branches"),
        ):
            found, taken = sum(each[all_of] for each in domain), sum(each[covered] for each in domain)
            percent = 100 * taken / found
            low += percent < FLOOR_PERCENT
            sys.stdout.write(
                f"{service} domain: {taken} of {found} {kind}, {percent:.1f} % (at least {FLOOR_PERCENT})\n"
            )
    return 1 if low else 0


def summaries() -> dict[str, dict[str, Any]]:
    """The figures of every module by its path, from the data of the last run."""
    coverage = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(report))
        files: dict[str, dict[str, Any]] = json.loads(report.read_text("utf-8"))["files"]
    return {Path(name).as_posix(): each["summary"] for name, each in files.items()}


if __name__ == "__main__":
    raise SystemExit(main())

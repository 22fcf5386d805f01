"""Prints the branch coverage of the three domains, and fails where one is below its floor: ``make coverage`` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).parents[1]
FLOOR_PERCENT = 98.0
DOMAINS = ("ticket", "sla", "billing")


def main() -> int:
    """The exit code: 1 where a domain has fewer of its branches covered than it should."""
    coverage = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    low = 0
    for service in DOMAINS:
        domain = ROOT / "services" / f"{service}-service" / "src" / f"{service}_service" / "domain"
        found, taken = branches(coverage, domain)
        percent = 100 * taken / found
        low += percent < FLOOR_PERCENT
        sys.stdout.write(
            f"{service} domain: {taken} of {found} branches, {percent:.1f} % (floor {FLOOR_PERCENT:.0f} %)\n"
        )
    return 1 if low else 0


def branches(coverage: Coverage, folder: Path) -> tuple[int, int]:
    """How many branches the modules of a folder have, and how many of them were taken."""
    found = taken = 0
    for path in folder.glob("**/*.py"):
        for all_of, taken_of in coverage.branch_stats(str(path)).values():
            found += all_of
            taken += taken_of
    return found, taken


if __name__ == "__main__":
    raise SystemExit(main())

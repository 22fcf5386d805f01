"""``python -m fristwerk_local import``: reads the file, imports it or only tries to, and says what could not be taken."""

from __future__ import annotations

import csv
import sys
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from fristwerk_local.client import connected
from fristwerk_local.past_tickets.importer import Importer, ImportReport, NotTaken
from fristwerk_local.past_tickets.mapping import MappingError, read_mapping
from fristwerk_local.past_tickets.rows import FileKindError, read_rows
from fristwerk_local.progress import Journal
from fristwerk_platform.hidden_characters import escaped
from fristwerk_platform.http.queries import csv_cell

SHOWN: Final = 20
"""Facts not taken that are printed; ``--report`` has all."""
_OWN_MAPPINGS: Final = resources.files("fristwerk_local.past_tickets").joinpath("mappings")


class ImportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for; ``mapping`` is a file, or the name of one that is shipped."""

    file: Path
    provider: str
    mapping: str | None
    report: Path | None
    dry_run: bool


async def import_past_tickets(order: ImportOrder, folder: Path, first_port: int) -> int:
    """0 where every fact was taken, else 1. Raises FailedError and OSError."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    if not order.file.is_file():
        raise FileKindError(f"There is no file {order.file}.")
    mapping = read_mapping(None if order.mapping is None else _mapping_file(order.mapping))
    async with connected(folder, first_port) as client:
        journal = Journal(folder / "imported" / f"{order.provider}-{mapping.system}.jsonl")
        if await client.last_position() == 0:
            journal.forget()
        importer = Importer(client, order.provider, mapping, journal, dry_run=order.dry_run)
        with console.status(f"Reading {order.file}") as status:
            rows = 0

            def progress(more: int) -> None:
                nonlocal rows
                rows += more
                status.update(f"{rows:,} rows of {order.file}")

            report = await importer.run(read_rows(order.file), progress)
    if order.report is not None:
        _write(order.report, report.not_taken)
    show(console, report, dry_run=order.dry_run)
    return 1 if report.not_taken else 0


def _mapping_file(named: str) -> Path:
    shipped = Path(str(_OWN_MAPPINGS.joinpath(f"{named}.yaml")))
    if shipped.exists():
        return shipped
    if not Path(named).exists():
        names = ", ".join(sorted(each.name.removesuffix(".yaml") for each in _OWN_MAPPINGS.iterdir()))
        raise MappingError(f"{named} is neither a file nor a mapping that is shipped: {names}.")
    return Path(named)


def _write(file: Path, not_taken: list[NotTaken]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        table = csv.writer(text)
        table.writerow(NotTaken.__struct_fields__)
        table.writerows([csv_cell(cell) for cell in msgspec.structs.astuple(each)] for each in not_taken)


def show(console: Console, report: ImportReport, *, dry_run: bool) -> None:
    """Print what came of an import. What the file says cannot command the terminal."""
    counted = Table(box=SIMPLE_HEAD)
    counted.add_column("what")
    counted.add_column("would be recorded" if dry_run else "recorded", justify="right")
    for kind, number in report.recorded.items():
        counted.add_row(kind, f"{number:,}")
    console.print(counted)
    if report.before:
        console.print(f"{report.before:,} tickets were imported before.")
    if not report.not_taken:
        console.print("Nothing is wrong with any row." if dry_run else "Every fact was taken.", style="green")
        return
    number = len(report.not_taken)
    console.print("1 fact was not taken:" if number == 1 else f"{number:,} facts were not taken:", style="red")
    for each in report.not_taken[:SHOWN]:
        place = f"line {each.line}" + (f", ticket {each.ticket}" if each.ticket else "") + f", {each.fact}"
        console.print(escaped(f"  {place}: {each.reason}"), markup=False, highlight=False, soft_wrap=True)
    if len(report.not_taken) > SHOWN:
        console.print(f"  … and {len(report.not_taken) - SHOWN:,} more; --report FILE.csv has all of them.")

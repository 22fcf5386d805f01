"""The rows of a file: lines of JSON, or a table whose repeated columns are lists."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from fristwerk_local.errors import FailedError

LONGEST_CELL = 10_000_000
"""Characters of a cell: a conversation of years stands in one."""


class FileKindError(FailedError):
    """The file is neither CSV nor NDJSON, or there is none."""


class ExportRow(msgspec.Struct, frozen=True):
    """A row and its line in the file; ``values`` is None where the line could not be read, and ``wrong`` says why."""

    line: int
    values: dict[str, Any] | None
    wrong: str = ""


def read_rows(file: Path) -> Iterator[ExportRow]:
    """The rows of a ``.csv`` or ``.ndjson`` file, one at a time. Raises FileKindError and OSError."""
    match file.suffix.lower():
        case ".csv":
            yield from _table(file)
        case ".ndjson" | ".jsonl":
            yield from _lines(file)
        case _:
            raise FileKindError(f"{file} is neither .csv nor .ndjson.")


def _lines(file: Path) -> Iterator[ExportRow]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield ExportRow(number, msgspec.json.decode(line, type=dict[str, Any]))
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    yield ExportRow(number, None, f"The line is no JSON object: {error}.")


def _table(file: Path) -> Iterator[ExportRow]:
    csv.field_size_limit(LONGEST_CELL)
    with file.open(encoding="utf-8-sig", newline="", errors="replace") as text:
        rows = csv.reader(text, strict=True)
        try:
            names = next(rows, [])
            repeated = {name for name, times in Counter(names).items() if times > 1}
            for row in rows:
                if row:
                    yield ExportRow(rows.line_num, _named(names, repeated, row))
        except csv.Error as error:
            yield ExportRow(rows.line_num, None, f"The table cannot be read from here on: {error}.")


def _named(names: list[str], repeated: set[str], row: list[str]) -> dict[str, Any]:
    """The cells by their columns' names; the cells of columns of one name are a list, without the empty ones."""
    found: dict[str, Any] = {}
    for name, cell in zip(names, row, strict=False):
        if name in repeated:
            found.setdefault(name, [])
            if cell:
                found[name].append(cell)
        else:
            found[name] = cell
    return found

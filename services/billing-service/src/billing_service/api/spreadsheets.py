"""Lists as CSV (RFC 4180), row by row as they are read: a year of invoices needs no more memory than a page."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from fastapi.responses import StreamingResponse

from billing_service.domain.money import Money

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(name: str, columns: Sequence[str], rows: AsyncIterable[Mapping[str, Any]]) -> StreamingResponse:
    """The rows under a header of column names; amounts are bare figures, so a table has a column ``currency``."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_lines(columns, rows), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(columns: Sequence[str], rows: AsyncIterable[Mapping[str, Any]]) -> AsyncIterator[str]:
    yield _line(columns)
    async for row in rows:
        yield _line([_cell(row.get(column)) for column in columns])


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: Any) -> str:
    """A value as text. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    match value:
        case None:
            text = ""
        case bool():
            text = str(value).lower()
        case Money():
            text = f"{value.amount:f}"
        case {"amount": amount, "currency": str()}:
            text = str(amount)
        case date():
            text = value.isoformat()
        case list() | tuple():
            text = " ".join(str(each) for each in value)
        case str() if value.startswith(_FORMULA):
            text = f"'{value}"
        case _:
            text = str(value)
    return text

"""Queries, the same for every list of every service: parameters that are checked to the last one,
pages, links, CSV.

A route names one subclass of :class:`QueryParameters`. What it does not name, what is empty and
what is given twice is refused with 422 and a pointer ``#query/name``: a misspelt or forgotten
filter must never widen an answer.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote, unquote_plus, urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from fristwerk_platform.http.answers import json_answer
from fristwerk_platform.http.types import parse_instant

Item = TypeVar("Item")
Query = TypeVar("Query", bound="QueryParameters")
CSV: Final = "text/csv; charset=utf-8"
MAX_PAGE: Final = 200
SHORT: Final = 100
KEPT: Final = 500
"""The last queries of up to so many bytes are kept as they were read: the same lists are asked for
again and again.
"""
NOT_KEPT: Final = "not kept in memory"
"""Marks a parameter that may say something of a person: a query that has it is read anew each time."""
_LOST_PLUS: Final = re.compile(r" (?=[0-9]{2}:[0-9]{2}\Z)")
_ADDRESS: Final = "/%:@!$&'()*+,;=?-._~"
"""What may stand in an address as it is (RFC 3986), escapes included."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


PageLimit = Annotated[int, Field(ge=1, le=MAX_PAGE)]


class QueryParameters(BaseModel):
    """All parameters of a query, by their names in the address; the root of what a route takes as
    its query.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParameters(QueryParameters):
    """The query of a route that takes no parameter."""


class Page(QueryParameters):
    """Which page of a list."""

    limit: PageLimit = 50
    after: str = Field("", max_length=64, description="The cursor of the page before, as its Link has it")


class NumberedPage(QueryParameters):
    """Which page of a list whose items are numbered."""

    limit: PageLimit = 50
    after: int = Field(0, ge=0, le=2**31 - 1, description="The cursor of the page before, as its Link has it")


def default_query(expected: type[Query]) -> Query | None:
    """The query of a request without one; None where a parameter is required."""
    try:
        return expected()
    except ValidationError:
        return None


def read_query(request: Request, expected: type[Query]) -> tuple[Query | None, list[dict[str, Any]]]:
    """The parameters as expected, or what is wrong with them: errors of pydantic's form, each
    behind ``query``.
    """
    given: bytes = request.scope["query_string"]
    if len(given) > SHORT or any(name in given for name in _not_kept(expected)):
        return _read(given, expected)
    try:
        return _known(given, expected), []
    except _WrongQueryError as error:
        return None, error.found


class _WrongQueryError(Exception):
    def __init__(self, found: list[dict[str, Any]]) -> None:
        super().__init__("the query is not as expected")
        self.found = found


@cache
def _not_kept(expected: type[QueryParameters]) -> tuple[bytes, ...]:
    fields = expected.model_fields.items()
    return tuple((field.alias or name).encode() for name, field in fields if NOT_KEPT in field.metadata)


@lru_cache(KEPT)
def _known(given: bytes, expected: type[Query]) -> Query:
    query, wrong = _read(given, expected)
    if query is None:
        raise _WrongQueryError(wrong)
    return query


def _read(query_string: bytes, expected: type[Query]) -> tuple[Query | None, list[dict[str, Any]]]:
    given = QueryParams(query_string).multi_items()
    values = dict(given)
    refused = {name: "must not be empty" for name, value in values.items() if not value}
    if len(values) != len(given):
        names = [name for name, _ in given]
        refused |= {name: "must be given once" for name in values if names.count(name) > 1}
    wrong = [{"type": "value_error", "loc": ("query", name), "msg": sentence} for name, sentence in refused.items()]
    try:
        query = expected.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return None, wrong + [_in_query(each) for each in found if each["loc"][0] not in refused]
    return (None if wrong else query), wrong


def _in_query(error: ErrorDetails) -> dict[str, Any]:
    unknown = {"type": "value_error", "msg": "is not a parameter of this request"}
    return {**error, **(unknown if error["type"] == "extra_forbidden" else {}), "loc": ("query", *error["loc"])}


def restore_plus(value: object) -> object:
    """A plus sign that was not escaped arrives as a space; behind a time it can only stand for an
    offset's.
    """
    return _LOST_PLUS.sub("+", value) if isinstance(value, str) and "T" in value.upper() else value


def query_instant(value: object) -> datetime | None:
    """An instant of a query in UTC, to the second; None where it was not given."""
    return None if value is None else parse_instant(restore_plus(value))


def exact_query_instant(value: object) -> datetime | None:
    """To the microsecond: a fact is known from the instant on at which it was recorded."""
    if query_instant(value) is None:
        return None
    return datetime.fromisoformat(str(restore_plus(value)).upper()).astimezone(UTC)


At = Annotated[
    datetime | None, BeforeValidator(query_instant), Field(description="By what had occurred at this instant")
]
KnownAt = Annotated[
    datetime | None,
    BeforeValidator(exact_query_instant),
    Field(description="By what had been recorded at this instant"),
]
Filter = Annotated[str | None, Field(max_length=64)]


class AsOf(QueryParameters):
    """By what had occurred at one instant, and had been recorded at another."""

    at: At = None
    known_at: KnownAt = None


def next_link(request: Request, cursor: str | int | None) -> dict[str, str]:
    """The header that says where the list goes on (RFC 8288); none without a cursor."""
    if cursor is None:
        return {}
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    after, parts = urlencode({"after": cursor}), [each for each in query.split("&") if each]
    following = [after if unquote_plus(each.partition("=")[0]) == "after" else each for each in parts]
    if after not in following:
        following.append(after)
    return {"Link": f'<{quote(path, safe=_ADDRESS)}?{quote("&".join(following), safe=_ADDRESS)}>; rel="next"'}


def page(
    request: Request,
    items: Sequence[Item],
    limit: int,
    cursor: Callable[[Item], str | int],
    shown: Callable[[Item], Any] = lambda item: item,
) -> Response:
    """A list's answer, each item as ``shown``.

    ``items`` are one more than the limit where there is more, ``cursor`` says after which to go on.
    """
    headers = next_link(request, cursor(items[limit - 1]) if len(items) > limit else None)
    return json_answer({"items": [shown(each) for each in items[:limit]]}, headers=headers)


CellText = Callable[[Any], str | None]
"""How a service writes values of its own types in a table; None for what it does not know."""


def csv_answer(
    columns: Sequence[str],
    rows: AsyncIterable[Mapping[str, Any]] | Iterable[Mapping[str, Any]],
    *,
    name: str | None = None,
    own: CellText = lambda _: None,
) -> Response:
    """The rows as CSV (RFC 4180) under a header of column names; ``name`` makes it a download of
    that name.

    Rows that are read one after the other are sent one after the other: a year of them needs no
    more memory than a page. What fails before the first row is answered as a problem; what fails
    later breaks the connection off, which its reader sees.
    """
    headers = {} if name is None else {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    if isinstance(rows, AsyncIterable):
        return _CsvStream(_csv_lines(columns, rows, own), media_type=CSV, headers=headers)
    lines = [_csv_line(columns), *(_csv_row(columns, row, own) for row in rows)]
    return Response("".join(lines), media_type=CSV, headers=headers)


async def _csv_lines(
    columns: Sequence[str], rows: AsyncIterable[Mapping[str, Any]], own: CellText
) -> AsyncIterator[str]:
    lines = (_csv_row(columns, row, own) async for row in rows)
    yield _csv_line(columns) + await anext(lines, "")
    async for line in lines:
        yield line


class _CsvStream(StreamingResponse):
    """Begins its answer only when there is a first row, or none: until then a failure can be
    answered as one.
    """

    async def stream_response(self, send: Send) -> None:
        chunks = aiter(self.body_iterator)
        self.body_iterator = _behind(await anext(chunks), chunks)
        await super().stream_response(send)


async def _behind(first: Item, rest: AsyncIterator[Item]) -> AsyncIterator[Item]:
    yield first
    async for each in rest:
        yield each


def _csv_row(columns: Sequence[str], row: Mapping[str, Any], own: CellText) -> str:
    return _csv_line([csv_cell(row.get(column), own) for column in columns])


def _csv_line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def csv_cell(value: Any, own: CellText = lambda _: None) -> str:
    """A value as text.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    if (text := own(value)) is not None:
        return text
    match value:
        case None:
            text = ""
        case bool():
            text = str(value).lower()
        case date():
            text = value.isoformat()
        case list() | tuple():
            text = csv_cell(" ".join(str(each) for each in value))
        case str() if value.startswith(_FORMULA):
            text = f"'{value}"
        case _:
            text = str(value)
    return text

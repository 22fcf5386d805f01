"""What paths and queries of several resources are made of: ids, instants, and pages of lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Path, Query, Request, Response
from pydantic import BeforeValidator, Field

from fristwerk_platform.http import HttpModel, json_answer, parse_instant

Item = TypeVar("Item")
_LOST_PLUS: Final = re.compile(r" (?=\d{2}:\d{2}\Z)")


def _in_query(value: object) -> object:
    """In a query a plus sign that was not escaped arrives as a space; behind a time it can only stand for an offset's."""
    return _LOST_PLUS.sub("+", value) if isinstance(value, str) and "T" in value.upper() else value


def _whole_seconds(value: object) -> datetime | None:
    return None if value is None else parse_instant(_in_query(value))


def _exact(value: object) -> datetime | None:
    """To the microsecond: a fact is known from the instant on at which it was recorded."""
    if _whole_seconds(value) is None:
        return None
    return datetime.fromisoformat(str(_in_query(value)).upper()).astimezone(UTC)


At = Annotated[
    datetime | None, BeforeValidator(_whole_seconds), Query(description="By what had occurred at this instant")
]
KnownAt = Annotated[
    datetime | None, BeforeValidator(_exact), Query(description="By what had been recorded at this instant")
]
CustomerId = Annotated[str, Path(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
ContractId = Annotated[str, Path(max_length=64, examples=["0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"])]
TicketName = Annotated[str, Path(max_length=64, description="Id or reference", examples=["INF-7K3Q-9F2M"])]
Filter = Annotated[str | None, Field(max_length=64), BeforeValidator(lambda value: value or None)]
"""A filter that is left empty filters nothing."""


class Page(HttpModel):
    """Which page of a list; a parameter that no list knows is refused, for a misspelt filter would find everything."""

    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=64, description="The cursor of the page before, as its Link has it")


class NumberedPage(HttpModel):
    """Which page of a list whose items are numbered."""

    limit: int = Field(50, ge=1, le=200)
    after: int = Field(0, ge=0, le=2**31 - 1, description="The cursor of the page before, as its Link has it")


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
    headers = {}
    if len(items) > limit:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        following = urlencode([*kept, ("after", cursor(items[limit - 1]))])
        headers["Link"] = f'<{quote(request.scope["path"])}?{following}>; rel="next"'
    return json_answer({"items": [shown(each) for each in items[:limit]]}, headers=headers)

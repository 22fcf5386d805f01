"""Parameters that several routes share, with their limits."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request
from pydantic import BeforeValidator, Field

from fristwerk_platform.http import Instant, LocalDate, parse_instant

FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
"""Days that a bill can be about; a mistyped year is refused, not reckoned with."""
_FIRST_INSTANT: Final = datetime.fromisoformat("1970-01-02T00:00:00Z")
_LAST_INSTANT: Final = datetime.fromisoformat("2199-12-30T00:00:00Z")


def _instant(value: object) -> datetime | None:
    return None if value is None else parse_instant(value)


def _exact_instant(value: object) -> datetime | None:
    """To the microsecond, as events are recorded; what occurs is told in whole seconds."""
    whole = _instant(value)
    return datetime.fromisoformat(value.upper()).astimezone(UTC) if isinstance(value, str) and whole else whole


Day = Annotated[LocalDate, Field(ge=FIRST_DAY, le=LAST_DAY)]
Moment = Annotated[Instant, Field(ge=_FIRST_INSTANT, le=_LAST_INSTANT)]
ContractId = Annotated[str, Path(max_length=64, examples=["0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"])]
CustomerId = Annotated[str, Path(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
ChargeId = Annotated[str, Path(max_length=200)]
Number = Annotated[
    int, Path(ge=1, le=2**31 - 1, description="Number of the document in the provider's series", examples=[1])
]
Place = Annotated[int, Path(ge=1, le=2**31 - 1, description="Line of the document, from 1", examples=[1])]
Until = Annotated[Day | None, Query(description="Last local day, inclusive; default today", examples=["2026-06-30"])]
At = Annotated[
    Annotated[datetime, Field(ge=_FIRST_INSTANT, le=_LAST_INSTANT)] | None,
    BeforeValidator(_instant),
    Query(description="By what had occurred at this instant"),
]
KnownAt = Annotated[
    datetime | None, BeforeValidator(_exact_instant), Query(description="By what had been recorded then")
]
Limit = Annotated[int, Query(ge=1, le=200)]
Language = Annotated[
    Literal["de", "en"] | None, Query(description="Language of the sentences; default the agreement's")
]
Table = Annotated[
    Literal["json", "csv"], Query(alias="format", description="csv for spreadsheets: all of it, not a page")
]


def next_page(request: Request, cursor: str | int | None) -> dict[str, str]:
    """The header that says where a list goes on (RFC 8288); none at its end."""
    if cursor is None:
        return {}
    page = request.url.include_query_params(after=cursor)
    return {"Link": f'<{page.path}?{page.query}>; rel="next"'}

"""What request bodies are made of: instants, texts, codes and numbers with their limits."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from fristwerk_platform.hidden_characters import HIDDEN

Day = TypeVar("Day", date, datetime)
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d{1,9})?)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2100
"""Instants and days outside these years are slips of the pen, and arithmetic on them overflows."""
_OUTSIDE_OUR_YEARS: Final = f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}"


class HttpModel(BaseModel):
    """A request body or a part of one: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def parse_instant(value: object) -> datetime:
    """An instant of RFC 3339 in UTC and whole seconds, the resolution of every clock here; seconds
    may be left out.

    Naive times are refused, and so are 24:00 and leap seconds, which Python's own parser reads or
    not by its version.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _in_our_years(value.astimezone(UTC).replace(microsecond=0))
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError(
            "must be an instant with its offset, such as 2026-06-03T16:30:00+02:00 or 2026-06-03T14:30:00Z"
        )
    try:
        instant = datetime.fromisoformat(value.upper()).astimezone(UTC).replace(microsecond=0)
    except ValueError:
        raise ValueError(f"{value!r} is not an instant of the calendar") from None
    except OverflowError:  # its offset leads out of the years that Python has
        raise ValueError(_OUTSIDE_OUR_YEARS) from None
    return _in_our_years(instant)


def parse_date(value: object) -> date:
    """A local date, ``YYYY-MM-DD`` and nothing else."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is not a day of the calendar") from None
        return _in_our_years(day)
    raise ValueError("must be a local date such as 2026-01-31")


def _in_our_years(value: Day) -> Day:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(_OUTSIDE_OUR_YEARS)
    return value


def _no_blank(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("must not be blank")
    return value


def _one_line(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("must not be blank")
        if HIDDEN.search(value):
            raise ValueError("must be one line without control characters and changes of direction")
    return value


def _lines(value: object) -> object:
    return value if isinstance(value, str) and all(map(_one_line, value.split("\n"))) else _one_line(value)


_WrittenInstant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
_WrittenDate = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[datetime, BeforeValidator(parse_instant, json_schema_input_type=_WrittenInstant)]
LocalDate = Annotated[date, BeforeValidator(parse_date, json_schema_input_type=_WrittenDate)]
LongText = Annotated[str, StringConstraints(max_length=20_000), BeforeValidator(_no_blank)]
OptionalText = Annotated[str, StringConstraints(max_length=20_000)]
ShortText = Annotated[str, StringConstraints(max_length=500), BeforeValidator(_one_line)]
"""A name or another short line."""
ShortLines = Annotated[str, StringConstraints(max_length=500), BeforeValidator(_lines)]
"""A few short lines, as an address has them."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
PhoneNumber = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9+(][A-Za-z0-9+()/_.\-]*( [A-Za-z0-9+()/_.\-]+)*$", max_length=64)
]
"""A telephone number as people write it, or an identifier."""
SerialNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 /_.\-]{0,63}$")]
"""A serial or registration number as people write it."""
Minutes = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Ordinal = Annotated[int, Field(strict=True, ge=1, le=10_000)]

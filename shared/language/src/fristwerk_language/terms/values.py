"""Small values of the terms language: targets, warnings, hours of a day, money amounts,
identifiers.

Each is read from the text a person writes and written back in one canonical form.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from reprlib import Repr
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StringConstraints,
    ValidationInfo,
)
from pydantic import BaseModel as PydanticModel

from fristwerk_language.terms.hidden_characters import HIDDEN

Clock = Literal["wall", "business", "business_days", "worked"]
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SPAN: Final = re.compile(r"(?P<count>[0-9]{1,9}) (?:(?P<clock>business|worked) )?(?P<unit>second|minute|hour|day)s?")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_PERCENT: Final = re.compile(r"(?P<percent>[0-9]{1,2})%")
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
STORED: Final = "stored"
"""The context that a published document is validated in."""
_HOURS: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_QUOTES: Final = Repr()
_QUOTES.maxstring = _QUOTES.maxother = 80
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2100
MAX_SPAN_SECONDS: Final = 10 * 366 * 86_400
MAX_BUSINESS_DAYS: Final = 3_660
MAX_WARNING_PERCENT: Final = 99


def shown(value: object) -> str:
    """A value as a sentence quotes it, shortened where it is long."""
    return _QUOTES.repr(value)


class PlacedError(ValueError):
    """A part of a document is wrong at a place below it. ``pointer`` (RFC 6901) starts at that
    part.
    """

    def __init__(self, pointer: str, detail: str) -> None:
        self.pointer = pointer
        self.detail = detail
        super().__init__(f"{pointer}: {detail}")


def place(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) made of keys and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def added_key(default: object) -> Any:
    """The field of a key that the language got after documents had been published.

    It is left out of the canonical form where it has its default, so that a document which does not
    use it keeps its digest, and publishing it again makes no new version.
    """
    return Field(default=default, exclude_if=lambda value: value == default)


class TermsModel(PydanticModel):
    """A part of a terms document: immutable, and an unknown key is an error.

    ``example`` marks figures that a provider's published text does not give; it has no effect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    example: StrictBool = False


class Span(msgspec.Struct, frozen=True):
    """An amount on a clock: ``amount`` is seconds for ``wall``, ``business`` and ``worked``, days
    for ``business_days``.
    """

    clock: Clock
    amount: int

    def __str__(self) -> str:
        """The canonical text, e.g. ``2 business hours``."""
        if self.clock == "business_days":
            return f"{self.amount} business days"
        unit = next(name for name in ("hour", "minute", "second") if self.amount % _SECONDS[name] == 0)
        word = "" if self.clock == "wall" else f"{self.clock} "
        return f"{self.amount // _SECONDS[unit]} {word}{unit}s"


class Percent(msgspec.Struct, frozen=True):
    """A share of a target at which to warn, 1 to 99."""

    percent: int

    def __str__(self) -> str:
        return f"{self.percent}%"


def parse_span(text: object) -> Span:
    """A span such as ``4 hours``, ``30 business minutes``, ``1 business days`` or ``60 worked
    minutes``.

    Raises ValueError with a sentence for anything else, for nothing at all and for more than ten
    years.
    """
    if isinstance(text, Span):
        return text
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(
            f"{shown(text)} is not a span such as '4 hours', '2 business hours', '1 business days' or '60 worked minutes'"
        )
    count, clock, unit = int(found["count"]), found["clock"], found["unit"]
    if count < 1:
        raise ValueError(f"{shown(text)} must be at least one {unit}")
    if unit == "day":
        if clock != "business":
            raise ValueError(f"{shown(text)}: days are counted as business days; for elapsed time write hours")
        if count > MAX_BUSINESS_DAYS:
            raise ValueError(f"{shown(text)} is longer than ten years")
        return Span("business_days", count)
    seconds = count * _SECONDS[unit]
    if seconds > MAX_SPAN_SECONDS:
        raise ValueError(f"{shown(text)} is longer than ten years")
    return Span({"business": "business", "worked": "worked"}.get(clock or "", "wall"), seconds)  # type: ignore[arg-type]


def parse_warning(text: object) -> Span | Percent:
    """A warning: ``75%`` of the target, or a span before the deadline."""
    if isinstance(text, Span | Percent):
        return text
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return parse_span(text)
    if not 1 <= int(found["percent"]) <= MAX_WARNING_PERCENT:
        raise ValueError(f"{shown(text)}: a warning comes at 1% to {MAX_WARNING_PERCENT}% of the target")
    return Percent(int(found["percent"]))


def parse_hours(text: object) -> str:
    """Hours of a day as ``HH:MM-HH:MM``, half-open; ``24:00`` is a valid end, an end before its
    start runs past midnight.
    """
    found = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{shown(text)} is not an interval of local time such as '08:30-17:00'")
    start, end = minutes_of_day(str(text))
    if start >= 24 * 60 or end > 24 * 60:
        raise ValueError(f"{shown(text)}: a day's hours lie between 00:00 and 24:00")
    if start == end:
        raise ValueError(f"{shown(text)} is empty; around the clock is '00:00-24:00'")
    return str(text)


def minutes_of_day(hours: str) -> tuple[int, int]:
    """``HH:MM-HH:MM`` as two minutes since local midnight."""
    start, _, end = hours.partition("-")
    return int(start[:2]) * 60 + int(start[3:]), int(end[:2]) * 60 + int(end[3:])


def _amount(value: object) -> Decimal:
    text = str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""
    if not _AMOUNT.fullmatch(text):
        raise ValueError(
            f'{shown(value)} is not an amount such as "195.00", with at most twelve digits before and six after the point'
        )
    return Decimal(text)


def _money(amount: Decimal) -> str:
    """At least two decimals, no zeros beyond them: ``195`` and ``195.000`` are both ``195.00``."""
    return format(amount, ".2f") if amount == round(amount, 2) else _number(amount)


def _number(amount: Decimal) -> str:
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _positive(amount: Decimal) -> Decimal:
    if amount <= 0:
        raise ValueError(f"{amount} must be greater than zero")
    return amount


def _date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{shown(value)} is not a day of the calendar") from None
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValueError(f"{shown(value)} does not lie in the years {FIRST_YEAR} to {LAST_YEAR}")
        return day
    raise ValueError(f"{shown(value)} is not a date such as 2026-12-24")


def _one_line(text: str, info: ValidationInfo) -> str:
    if info.context == STORED:
        return text
    if text and not text.strip():
        raise ValueError("must not be blank")
    if HIDDEN.search(text):
        raise ValueError("must be one line without control characters and changes of direction")
    return text


def _prose(text: str, info: ValidationInfo) -> str:
    if info.context != STORED and any(HIDDEN.search(line) for line in re.split("[\t\n]", text)):
        raise ValueError("contains a control character or a change of direction")
    return text


TermsId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_one_line)]
Title = Annotated[str, StringConstraints(max_length=500), AfterValidator(_one_line)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_prose)]
"""Sentences for people, which may have several lines."""
Target = Annotated[Span, PlainValidator(parse_span, json_schema_input_type=str), PlainSerializer(str, return_type=str)]
Warning_ = Annotated[
    Span | Percent, PlainValidator(parse_warning, json_schema_input_type=str), PlainSerializer(str, return_type=str)
]
Hours = Annotated[str, BeforeValidator(parse_hours)]
Amount = Annotated[
    Decimal, BeforeValidator(_amount, json_schema_input_type=str), PlainSerializer(_money, return_type=str)
]
PositiveAmount = Annotated[Amount, AfterValidator(_positive)]
Factor = Annotated[
    Decimal,
    BeforeValidator(_amount, json_schema_input_type=str),
    AfterValidator(_positive),
    PlainSerializer(_number, return_type=str),
]
TermsDate = Annotated[date, BeforeValidator(_date)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]

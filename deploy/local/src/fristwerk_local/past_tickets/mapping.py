"""Mappings: how a row of another system's export becomes a :class:`PastTicket`, written in YAML.

    system: zammad                     under which name the rows' ids are remembered
    timezone: Europe/Zurich            of dates without an offset
    dates: "%d/%b/%y %H:%M"            their form, where it is not ISO 8601
    ticket: {FIELD: SOURCE, ...}       the fields of a ticket
    messages: {each: SOURCE, FIELD: SOURCE, ...}     one message for each element of a list
    time_entries: {each: SOURCE, FIELD: SOURCE, ...}
    customers: {NAME: {agreement: ..., plan: ..., from: ...}}   registered with that contract where there is none

A SOURCE is the path of a value in the row or in the element (``customer.name``), or
``{from: PATH, values: {theirs: ours}, default: VALUE, part: 2, parts: 3, seconds: true}``: ``values`` translates, ``default``
stands where there is no value, ``part`` is a place (from 1, or from -1 at the end) of a text that semicolons divide into
``parts``, so that one may hold semicolons itself (the last, or the first where places are counted from the end);
``seconds`` makes minutes of them, rounded up. ``{is: VALUE}`` is the value itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from fristwerk_local.errors import FailedError
from fristwerk_local.past_tickets.facts import PastTicket

_TO_MINUTES: Final = 60
_INSTANTS: Final = frozenset({"received_at", "resolved_at", "at", "start"})
"""The fields that are instants, of tickets, messages and time entries."""


class MappingError(FailedError):
    """The file is no mapping; the message says what is wrong with it."""


class NotMappedError(Exception):
    """A row that is no ticket by this mapping; the message says why."""


class ValueSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a value comes from; see the module."""

    from_: str | None = msgspec.field(name="from", default=None)
    is_: Any = msgspec.field(name="is", default=None)
    values: dict[str, Any] | None = None
    default: Any = None
    part: int | None = None
    parts: int | None = None
    seconds: bool = False


ValueSources = dict[str, str | ValueSource]


class ContractToSign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contract of a customer that is registered by the import."""

    agreement: str
    from_: date = msgspec.field(name="from")
    plan: str | None = None
    package_hours: int | None = None

    def body(self) -> dict[str, Any]:
        """The body of the command that signs it."""
        given = {"agreement": self.agreement, "plan": self.plan, "package_hours": self.package_hours}
        return {name: value for name, value in given.items() if value is not None} | {"from": self.from_}


class TicketMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module. Without ``ticket`` rows are tickets of our own form."""

    system: str
    timezone: str = "UTC"
    dates: str | None = None
    ticket: ValueSources | None = None
    messages: ValueSources = {}
    time_entries: ValueSources = {}
    customers: dict[str, ContractToSign] = {}

    def ticket_of(self, row: Mapping[str, Any]) -> PastTicket:
        """The row as a ticket. Raises NotMappedError."""
        found: dict[str, Any] = dict(row)
        if self.ticket is not None:
            found = self._fields(self.ticket, row) | {
                name: [self._fields(sources, each) for each in _elements(row, sources)]
                for name, sources in (("messages", self.messages), ("time_entries", self.time_entries))
                if sources
            }
        try:
            return msgspec.convert(found, PastTicket)
        except msgspec.ValidationError as error:
            raise NotMappedError(str(error)) from error

    def _fields(self, sources: ValueSources, row: Any) -> dict[str, Any]:
        found = {name: self._value(name, source, row) for name, source in sources.items() if name != "each"}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, name: str, source: str | ValueSource, row: Any) -> Any:
        wanted = ValueSource(from_=source) if isinstance(source, str) else source
        value = _translated(wanted, row)
        if value is None:
            return None
        if name in _INSTANTS:
            return self._instant(name, str(value))
        if name == "minutes":
            return _minutes(value, seconds=wanted.seconds)
        return str(value)

    def _instant(self, name: str, text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text) if self.dates is None else datetime.strptime(text, self.dates)  # noqa: DTZ007 - the next line gives it a zone
        except ValueError as error:
            raise NotMappedError(f"{name}: {error}.") from error
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(self.timezone))


def read_mapping(file: Path | None) -> TicketMapping:
    """The mapping of a file; without one, rows are of our own form. Raises MappingError and OSError."""
    if file is None:
        return TicketMapping(system="import")
    try:
        mapping = msgspec.convert(yaml.safe_load(file.read_text("utf-8")), TicketMapping)
        ZoneInfo(mapping.timezone)
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError, ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(f"{file} is no mapping: {error}.") from error
    return mapping


def _translated(source: ValueSource, row: Any) -> Any:
    if source.is_ is not None:
        return source.is_
    value = row if source.from_ in {None, "."} else _at(row, source.from_ or "")
    if source.part is not None and isinstance(value, str):
        value = _part(value, source.part, source.parts)
    if value in (None, ""):
        return source.default
    if source.values is not None:
        return source.values.get(_word(value), source.default)
    return value


def _part(text: str, place: int, parts: int | None) -> str | None:
    cuts = -1 if parts is None else parts - 1
    divided = text.split(";", cuts) if place > 0 else text.rsplit(";", cuts)
    return divided[place - (place > 0)].strip() if abs(place) <= len(divided) else None


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(row: Any, path: str) -> Any:
    """The value at a path; a name with dots that the row has itself comes first."""
    if isinstance(row, Mapping) and path in row:
        return row[path]
    for name in path.split("."):
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def _elements(row: Mapping[str, Any], sources: ValueSources) -> Iterator[Any]:
    each = sources.get("each")
    if not isinstance(each, str):
        raise NotMappedError("messages and time_entries say with `each` which list they are made of.")
    found = _at(row, each)
    yield from [] if found in (None, "") else found if isinstance(found, list) else [found]


def _minutes(value: Any, *, seconds: bool) -> int:
    try:
        number = float(value)
        return math.ceil(number / _TO_MINUTES) if seconds else math.ceil(number)
    except (ValueError, OverflowError) as error:
        raise NotMappedError(f"minutes: {value!r} is no number.") from error

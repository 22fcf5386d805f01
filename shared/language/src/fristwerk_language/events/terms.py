"""Facts about the published terms: calendars and agreements (streams ``calendar-…``, ``agreement-…``)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec


class ClosedDay(msgspec.Struct, frozen=True, kw_only=True):
    """One local date on which a calendar is closed, and why.

    ``source`` names where the date comes from, e.g. ``holidays 0.109 CH-LU public``; ``kind`` is the rule that closed it.
    """

    on: date
    name: str
    source: str
    kind: Literal["holiday", "eve", "bridge_day", "by_hand"]


class OpenedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A date that would have been closed and was taken out by hand, with the reason."""

    on: date
    reason: str


class ExceptionalHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours that replace the weekday's on one local date; ``hours`` are ``HH:MM-HH:MM``, half-open."""

    on: date
    hours: list[str]
    reason: str


class CalendarPublished(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar version, holidays materialised: no library is asked again when deadlines are derived.

    ``hours`` maps ``mon`` … ``sun`` to half-open local intervals (``24:00`` allowed; an end before its start runs past
    midnight). Closed days stand sorted by date, several entries may share a date (each source is named).
    ``first_year`` … ``last_year`` is the inclusive range the calendar answers for.
    """

    name: str
    version: int
    title: str
    language: str
    timezone: str
    hours: dict[str, list[str]]
    closed_days: list[ClosedDay]
    opened_days: list[OpenedDay] = []
    exceptional_hours: list[ExceptionalHours] = []
    first_year: int
    last_year: int
    example: bool = False
    holidays_version: str
    tzdata_version: str
    document: dict[str, Any]
    digest: str


class AgreementPublished(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement version: the canonical document (see ``fristwerk_language.terms``) and its SHA-256 digest."""

    name: str
    version: int
    document: dict[str, Any]
    digest: str


CatalogueEvent = CalendarPublished | AgreementPublished

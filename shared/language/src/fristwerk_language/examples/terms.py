"""Examples of published terms: a calendar of the canton of Lucerne and a small agreement that uses it."""

from __future__ import annotations

from datetime import date

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.events.terms import (
    AgreementPublished,
    CalendarPublished,
    ClosedDay,
    ExceptionalHours,
    OpenedDay,
)
from fristwerk_language.examples.subjects import ADMIN, Example, instant
from fristwerk_language.terms import agreement_document, calendar_document, canonical, digest

_CALENDAR = {
    "calendar": "luzern",
    "title": "Supportzeiten Luzern",
    "language": "de",
    "timezone": "Europe/Zurich",
    "hours": {"mon-fri": ["08:00-12:00", "13:00-17:00"]},
    "holidays": [{"country": "CH", "subdivision": "LU"}],
    "bridge_days": True,
    "closed": [{"date": "2026-12-24", "reason": "Heiligabend"}],
    "open": [{"date": "2026-08-15", "reason": "Messestand besetzt"}],
    "exceptional_hours": [{"date": "2026-12-31", "hours": ["08:00-12:00"], "reason": "Silvester"}],
    "years": "2026-2026",
}
_AGREEMENT = {
    "agreement": "luzern",
    "title": "Support Luzern",
    "language": "de-CH",
    "timezone": "Europe/Zurich",
    "currency": "CHF",
    "calendar": "luzern",
    "severities": [{"id": "kritisch", "name": "Kritisch"}, {"id": "niedrig", "name": "Niedrig"}],
    "channels": ["email", "phone"],
    "service_levels": [
        {"metric": "first_response", "severity": "kritisch", "target": "2 business hours", "warn_at": ["75%"]},
        {"metric": "first_response", "target": "1 business days"},
        {"metric": "resolution", "measure_only": True},
    ],
    "unclassified": "strictest",
    "billing": {
        "plans": {"m": {"package_hours": [4, 8, 16]}, "on_demand": {}},
        "package": {"increment_minutes": 15, "overage_rate": "195.00"},
        "hourly": {"rate": "195.00", "increment_minutes": 30},
        "vat": {"country": "CH"},
        "cash_rounding": "0.05",
    },
}
_HOLIDAYS = (
    ("2026-01-01", "Neujahrstag"),
    ("2026-01-02", "Berchtoldstag"),
    ("2026-04-03", "Karfreitag"),
    ("2026-04-06", "Ostermontag"),
    ("2026-05-14", "Auffahrt"),
    ("2026-05-25", "Pfingstmontag"),
    ("2026-06-04", "Fronleichnam"),
    ("2026-08-01", "Nationalfeiertag"),
    ("2026-11-01", "Allerheiligen"),
    ("2026-12-08", "Mariä Empfängnis"),
    ("2026-12-25", "Weihnachten"),
    ("2026-12-26", "Stephanstag"),
)
_BRIDGE_DAYS = (
    ("2026-05-15", "Brückentag (Auffahrt)"),
    ("2026-06-05", "Brückentag (Fronleichnam)"),
    ("2026-12-07", "Brückentag (Mariä Empfängnis)"),
)
_SOURCE = "holidays 0.109 CH-LU public"


def _closed_days() -> list[ClosedDay]:
    days = [ClosedDay(on=date(2026, 12, 24), name="Heiligabend", source="by hand", kind="by_hand")]
    days += [ClosedDay(on=date.fromisoformat(on), name=name, source=_SOURCE, kind="holiday") for on, name in _HOLIDAYS]
    days += [
        ClosedDay(on=date.fromisoformat(on), name=name, source=_SOURCE, kind="bridge_day") for on, name in _BRIDGE_DAYS
    ]
    return sorted(days, key=lambda day: day.on)


def _calendar() -> CalendarPublished:
    document = calendar_document(_CALENDAR)
    event = CalendarPublished(
        name="luzern",
        version=2,
        title=document.title,
        language=document.language,
        timezone=document.timezone,
        hours=document.hours,
        closed_days=_closed_days(),
        opened_days=[OpenedDay(on=date(2026, 8, 15), reason="Messestand besetzt")],
        exceptional_hours=[ExceptionalHours(on=date(2026, 12, 31), hours=["08:00-12:00"], reason="Silvester")],
        first_year=2026,
        last_year=2026,
        holidays_version="0.109",
        tzdata_version="2026a",
        document=canonical(document),
        digest="",
    )
    content = msgspec.to_builtins(event)
    del content["version"], content["digest"]
    return msgspec.structs.replace(event, digest=digest(content))


def _agreement() -> AgreementPublished:
    document = canonical(agreement_document(_AGREEMENT))
    return AgreementPublished(name="luzern", version=1, document=document, digest=digest(document))


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""
    return (
        Example(
            event=_calendar(),
            provider="infoniqa",
            stream=streams.calendar_stream("infoniqa", "luzern"),
            version=2,
            at=instant(1, 1, 8),
            actor=ADMIN,
        ),
        Example(
            event=_agreement(),
            provider="infoniqa",
            stream=streams.agreement_stream("infoniqa", "luzern"),
            version=1,
            at=instant(1, 1, 8, 5),
            actor=ADMIN,
        ),
    )

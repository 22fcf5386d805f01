"""The words of explanations in German and English: days, dates, times, spans and the names of
things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Final, Literal

from fristwerk_language.events.terms import ClosedDay
from fristwerk_language.terms import parse_span

Language = Literal["de", "en"]

_DAYS: Final = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    "de": tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()),  # noqa: SIM905
    "en": tuple("January February March April May June July August September October November December".split()),  # noqa: SIM905
}
_UNITS: Final = {
    ("de", "hour"): ("Stunde", "Stunden"),
    ("de", "minute"): ("Minute", "Minuten"),
    ("de", "second"): ("Sekunde", "Sekunden"),
    ("de", "day"): ("Arbeitstag", "Arbeitstage"),
    ("en", "hour"): ("hour", "hours"),
    ("en", "minute"): ("minute", "minutes"),
    ("en", "second"): ("second", "seconds"),
    ("en", "day"): ("business day", "business days"),
}
METRICS: Final = {
    "de": {
        "first_response": "Erste Antwort",
        "next_response": "Nächste Antwort",
        "follow_up": "Folgeantwort",
        "callback": "Rückruf",
        "processing_started": "Beginn der Bearbeitung",
        "resolution": "Lösung",
        "effort_notice": "Hinweis auf Mehraufwand",
    },
    "en": {
        "first_response": "First response",
        "next_response": "Next response",
        "follow_up": "Follow-up",
        "callback": "Callback",
        "processing_started": "Start of processing",
        "resolution": "Resolution",
        "effort_notice": "Effort notice",
    },
}
STATES: Final = {
    "de": {
        "waiting_customer": "wartet auf den Kunden",
        "waiting_approval": "wartet auf die Freigabe",
        "awaiting_acceptance": "wartet auf die Abnahme",
        "resolved": "gelöst",
        "closed": "geschlossen",
        "other_level": "bei einer anderen Stufe",
    },
    "en": {
        "waiting_customer": "waiting for the customer",
        "waiting_approval": "waiting for the cost approval",
        "awaiting_acceptance": "awaiting acceptance",
        "resolved": "resolved",
        "closed": "closed",
        "other_level": "at another level",
    },
}
START_EVENTS: Final = {
    "de": {
        "TicketCreated": "Eingang",
        "CustomerMessageReceived": "Nachricht des Kunden",
        "InformationReceived": "Angaben des Kunden",
        "CallbackRequested": "Rückruf zugesagt",
        "Transferred": "Übergabe an die Stufe",
        "TimeLogged": "Erste kostenpflichtige Arbeit",
        "": "Letzte Antwort an den Kunden",
    },
    "en": {
        "TicketCreated": "Received",
        "CustomerMessageReceived": "Customer's message",
        "InformationReceived": "Customer's information",
        "CallbackRequested": "Callback promised",
        "Transferred": "Handed to the level",
        "TimeLogged": "First billable work",
        "": "Last answer to the customer",
    },
}
RESCHEDULE_REASONS: Final = {
    "de": {
        "SeveritySet": "Schweregrad gesetzt",
        "TypeChanged": "Ticketart geändert",
        "TicketMoved": "Ticket zu einem anderen Kunden oder Vertrag verschoben",
        "TermsMigrated": "Vertragsbedingungen umgestellt",
        "Reopened": "Ticket wieder geöffnet",
        "": "Ende einer Wartezeit",
    },
    "en": {
        "SeveritySet": "severity set",
        "TypeChanged": "ticket type changed",
        "TicketMoved": "ticket moved to another customer or contract",
        "TermsMigrated": "terms migrated",
        "Reopened": "ticket reopened",
        "": "a wait ended",
    },
}
_REGIONS: Final = {
    ("CH", "de"): "Kanton ",
    ("CH", "en"): "canton ",
    ("DE", "de"): "Bundesland ",
    ("DE", "en"): "state ",
    ("AT", "de"): "Bundesland ",
    ("AT", "en"): "state ",
}
_SOURCE: Final = re.compile(r"(?P<library>holidays \S+) (?P<country>[A-Z]{2})(?:-(?P<subdivision>\S+))?(?: \S+)?")
_BY_HAND: Final = {"de": "von Hand eingetragen", "en": "entered by hand"}


def day(on: date, lang: Language, *, year: bool = False) -> str:
    """``Mittwoch, 3. Juni`` or ``Wednesday 3 June``, with the year if wanted."""
    weekday, month = _DAYS[lang][on.weekday()], _MONTHS[lang][on.month - 1]
    text = f"{weekday}, {on.day}. {month}" if lang == "de" else f"{weekday} {on.day} {month}"
    return f"{text} {on.year}" if year else text


def clock(instant: datetime, zone: tzinfo) -> str:
    """``16:30``, with seconds where there are any."""
    local = instant.astimezone(zone)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def local_time(instant: datetime, zone: tzinfo, lang: Language, *, year: bool = False) -> str:
    """``Mittwoch, 3. Juni, 16:30 Uhr`` or ``Wednesday 3 June, 16:30``."""
    text = f"{day(instant.astimezone(zone).date(), lang, year=year)}, {clock(instant, zone)}"
    return f"{text} Uhr" if lang == "de" else text


def duration(seconds: int) -> str:
    """``90 min``, ``8 h``, ``10 h 15 min``, ``1 min 30 s``: the same in both languages."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60) if minutes > 120 else (0, minutes)  # noqa: PLR2004 - up to two hours read as minutes
    parts = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return sign + (" ".join(parts) or "0 min")


def target(text: str, lang: Language) -> str:
    """The terms' ``2 business hours`` as ``2 Stunden Supportzeit``."""
    span = parse_span(text)
    count, unit = int(text.split(maxsplit=1)[0]), text.rsplit(maxsplit=1)[-1].removesuffix("s")
    word = _UNITS[lang, unit][count != 1]
    match span.clock, lang:
        case (("wall" | "business_days"), _):
            return f"{count} {word}"
        case "business", "de":
            return f"{count} {word} Supportzeit"
        case "worked", "de":
            return f"{count} {word} Arbeit"
        case clock_name, _:
            return f"{count} {clock_name} {word}"


def version(label: str) -> str:
    """``infoniqa@1`` as ``infoniqa, Version 1``: the same in both languages."""
    name, _, number = label.rpartition("@")
    return f"{name} v{number}"


def closing(entries: Iterable[ClosedDay], lang: Language) -> str:
    """What closed a day and where that comes from: ``Fronleichnam, Kanton LU (holidays 0.109)``."""
    regions: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        found = _SOURCE.fullmatch(entry.source)
        if found is None:
            regions[entry.name, _BY_HAND[lang] if entry.kind == "by_hand" else entry.source] = []
        else:
            regions.setdefault((entry.name, found["library"]), []).append(_region(found, lang))
    return "; ".join(
        f"{', '.join((name, *dict.fromkeys(where)))} ({source})" for (name, source), where in regions.items()
    )


def _region(found: re.Match[str], lang: Language) -> str:
    country, subdivision = found["country"], found["subdivision"]
    if subdivision is None:
        return str(country)
    word = _REGIONS.get((country, lang))
    return f"{country}-{subdivision}" if word is None else f"{word}{subdivision}"

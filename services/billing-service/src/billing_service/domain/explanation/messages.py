"""Wording: the steps of a trace as sentences in German and English, figures as the country writes
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from billing_service.domain.explanation.trace import EntryFigure, Figure, TraceStep, TraceStepName
from billing_service.domain.money import Money
from billing_service.domain.statement.charge_line import Draw

_SEPARATORS: Final = {"de-CH": ("’", "."), "de": (".", ","), "en": (",", ".")}
WrittenFigures = Mapping[str, str]
"""A step's figures, each already written for the reader."""

_ENGLISH: Final[dict[TraceStepName, Callable[[WrittenFigures], str]]] = {
    "entries": lambda f: f"Logged work: {f['entries']}, together {f['minutes']} minutes.",
    "covered": lambda f: f"The coverage rule {f['clauses']} makes this work free of charge.",
    "called_off": lambda f: f"Appointment {f['appointment']} on {f['start']} was {f['how']}.",
    "rounded": lambda f: (
        f"{f['raw']} minutes are rounded up once, to units of {f['increment']}: {f['minutes']} minutes."
    ),
    "weighted": lambda f: f"The rate factor {f['factor']} weights {f['minutes']} minutes to {f['weighted']}.",
    "drawn": lambda f: f"Of {f['asked']} minutes packages give {f['minutes']}{f['packages']}.",
    "left_over": lambda f: (
        f"{f['asked']} minutes less {f['drawn']} from packages leave {f['left_over']}, "
        f"billed in units of {f['increment']}: {f['minutes']} minutes."
    ),
    "factored": lambda f: f"The rate of {f['rate']} an hour times the factor {f['factor']} is {f['unit_price']}.",
    "priced": lambda f: f"{f['minutes']} minutes at {f['unit_price']} an hour come to {f['amount']}.",
    "topped_up": lambda f: f"{f['charged']} are less than the minimum of {f['minimum']}: {f['amount']} are added.",
    "prorated": lambda f: (
        f"{f['days']} of {f['month_days']} days of {f['addon']} ({f['from']} to {f['until']}) "
        f"at {f['monthly_price']} a month come to {f['amount']}."
    ),
    "waived": lambda f: (
        f"{f['actor'] or 'The vendor'} decided not to charge {f['waived']}"
        + (f": {f['reason']}" if f["reason"] else ".")
    ),
    "changed": lambda f: f"Of {f['whole']} in all, {f['invoiced']} were invoiced before: {f['amount']} are left.",
    "withdrawn": lambda f: f"{f['invoiced']} were invoiced before and are no longer owed: {f['amount']}.",
}
_GERMAN: Final[dict[TraceStepName, Callable[[WrittenFigures], str]]] = {
    "entries": lambda f: f"Erfasste Arbeit: {f['entries']}, zusammen {f['minutes']} Minuten.",
    "covered": lambda f: f"Nach der Deckungsregel {f['clauses']} ist diese Arbeit kostenlos.",
    "called_off": lambda f: f"Termin {f['appointment']} am {f['start']} wurde {f['how']}.",
    "rounded": lambda f: (
        f"{f['raw']} Minuten werden einmal im {f['increment']}-Minuten-Takt aufgerundet: {f['minutes']} Minuten."
    ),
    "weighted": lambda f: f"Der Faktor {f['factor']} gewichtet {f['minutes']} Minuten zu {f['weighted']}.",
    "drawn": lambda f: f"Von {f['asked']} Minuten geben Kontingente {f['minutes']}{f['packages']}.",
    "left_over": lambda f: (
        f"Von {f['asked']} Minuten bleiben nach {f['drawn']} aus Kontingenten {f['left_over']}, "
        f"verrechnet im {f['increment']}-Minuten-Takt: {f['minutes']} Minuten."
    ),
    "factored": lambda f: f"Der Stundensatz {f['rate']} mal Faktor {f['factor']} ergibt {f['unit_price']}.",
    "priced": lambda f: f"{f['minutes']} Minuten zu {f['unit_price']} je Stunde ergeben {f['amount']}.",
    "topped_up": lambda f: (
        f"{f['charged']} liegen unter der Mindestpauschale {f['minimum']}: {f['amount']} kommen hinzu."
    ),
    "prorated": lambda f: (
        f"{f['days']} von {f['month_days']} Tagen {f['addon']} ({f['from']} bis {f['until']}) "
        f"zu {f['monthly_price']} im Monat ergeben {f['amount']}."
    ),
    "waived": lambda f: (
        f"{f['actor'] or 'Der Anbieter'} verzichtet auf {f['waived']}" + (f": {f['reason']}" if f["reason"] else ".")
    ),
    "changed": lambda f: (
        f"Von insgesamt {f['whole']} sind {f['invoiced']} bereits verrechnet: es bleiben {f['amount']}."
    ),
    "withdrawn": lambda f: f"{f['invoiced']} waren verrechnet und sind nicht mehr geschuldet: {f['amount']}.",
}


def sentences(steps: Iterable[TraceStep], language: str) -> list[str]:
    """A sentence for each step; ``language`` is a tag such as ``de-CH`` or ``en-GB``, any but
    German reads English.
    """
    words = _GERMAN if language.startswith("de") else _ENGLISH
    return [words[step.name](_written(step, language)) for step in steps]


def number(value: Decimal | int, language: str) -> str:
    """A number with the country's separators: ``1’234.50`` in Switzerland, ``1.234,50`` in Germany,
    ``1,234.50`` in Britain.
    """
    group, point = _SEPARATORS.get(language) or _SEPARATORS["de" if language.startswith("de") else "en"]
    whole, _, places = f"{Decimal(value):,f}".partition(".")
    return whole.replace(",", group) + (point + places if places else "")


def amount(value: Money, language: str) -> str:
    """An amount with its currency in front."""
    return f"{value.currency} {number(value.amount, language)}"


def day(value: date, language: str) -> str:
    """A date as the country writes it."""
    return f"{value:%d.%m.%Y}" if language.startswith("de") else f"{value:%d/%m/%Y}"


def _written(step: TraceStep, language: str) -> dict[str, str]:
    """The figures of a step as text."""
    written = {name: _figure(value, language) for name, value in step.figures.items()}
    match step.name:
        case "drawn":
            written["packages"] = f" ({written['packages']})" if written["packages"] else ""
        case "called_off":
            written["how"] = _how(written, language)
        case _:
            pass
    return written


def _how(written: Mapping[str, str], language: str) -> str:
    """How an appointment was called off; without an instant it was missed."""
    german = language.startswith("de")
    if not written["cancelled_at"]:
        return "versäumt" if german else "missed"
    if german:
        return f"am {written['cancelled_at']} abgesagt, weniger als {written['notice_hours']} Stunden vorher"
    return f"cancelled on {written['cancelled_at']}, less than {written['notice_hours']} hours before"


def _figure(value: Figure, language: str) -> str:  # noqa: PLR0911 - one for each kind of figure
    match value:
        case None:
            return ""
        case Money():
            return amount(value, language)
        case int() | Decimal():
            return number(value, language)
        case datetime():
            return f"{day(value, language)} {value:%H:%M} UTC"
        case date():
            return day(value, language)
        case str():
            return value
        case tuple():
            return ", ".join(_part(each, language) for each in value)


def _part(value: str | EntryFigure | Draw, language: str) -> str:
    match value:
        case EntryFigure():
            return f"{day(value.on, language)} {value.minutes} min"
        case Draw():
            return value.package
        case str():
            return value

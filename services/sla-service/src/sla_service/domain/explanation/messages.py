"""The steps of an explanation as sentences, in German or English, with local times and the names of
days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from sla_service.domain.explanation import labels
from sla_service.domain.explanation.explanation_steps import ExplanationStep
from sla_service.domain.explanation.labels import Language

_FORMS: Final[dict[str, dict[Language, str]]] = {
    "target": {
        "de": "{metric}: {target} nach der Vereinbarung {terms}, Zeile {line}{severity}; Kalender {calendar}.",
        "en": "{metric}: {target} by the agreement {terms}, line {line}{severity}; calendar {calendar}.",
    },
    "measure_only": {
        "de": "{metric}: nur gemessen, ohne Frist, nach der Vereinbarung {terms}, Zeile {line}; Kalender {calendar}.",
        "en": "{metric}: only measured, without a target, by the agreement {terms}, line {line}; calendar {calendar}.",
    },
    "strictest": {
        "de": "Bis ein Schweregrad gesetzt ist, gilt die strengste Frist.",
        "en": "Until a severity is set, the strictest target holds.",
    },
    "level": {
        "de": "Gezählt wird nur die Zeit, in der das Ticket bei der Stufe {text} war.",
        "en": "Only the time in which the ticket was at level {text} is counted.",
    },
    "dated_back": {
        "de": "Der Eingang ({text}) ist auf {at_year} zurückdatiert: Als er erfasst wurde, bestand kein Anspruch mehr.",
        "en": "The receipt ({text}) is dated back to {at_year}: when it was entered, nothing entitled any more.",
    },
    "started": {
        "de": "{start}: {at_year} ({zone}).",
        "en": "{start}: {at_year} ({zone}).",
    },
    "rescheduled": {
        "de": "{at}: {why}; die Frist wechselt von {old} auf {new}.",
        "en": "{at}: {why}; the deadline moves from {old} to {new}.",
    },
    "outside_hours": {
        "de": "Das liegt außerhalb der Supportzeiten: Die Frist läuft ab {until}.",
        "en": "That is outside the opening hours: the clock starts on {until}.",
    },
    "elapsed": {
        "de": "{at_plain} bis {until}: rund um die Uhr gezählt, {seconds} verbraucht.",
        "en": "{at} to {until}: counted around the clock, {seconds} used.",
    },
    "open": {
        "de": "{at_plain} bis {until_clock}: offen{remark}, {seconds} verbraucht.",
        "en": "{at} to {until_clock}: open{remark}, {seconds} used.",
    },
    "night": {"de": "Geschlossen bis {until}.", "en": "Closed until {until}."},
    "break": {"de": "Unterbrechung bis {until_clock}.", "en": "Break until {until_clock}."},
    "weekend": {"de": "{days}: geschlossen, Wochenende.", "en": "{days}: closed, weekend."},
    "no_hours": {
        "de": "{days}: geschlossen, keine Supportzeiten an diesem Wochentag.",
        "en": "{days}: closed, no opening hours on this weekday.",
    },
    "exceptional_hours": {
        "de": "{days}: geschlossen, Ausnahme: {text}.",
        "en": "{days}: closed, exception: {text}.",
    },
    "holiday": {"de": "{days}: geschlossen, {closing}.", "en": "{days}: closed, {closing}."},
    "eve": {
        "de": "{days}: geschlossen, weil ein Feiertag folgt: {closing}.",
        "en": "{days}: closed because a holiday follows: {closing}.",
    },
    "bridge_day": {
        "de": "{days}: geschlossen, {closing}.",
        "en": "{days}: closed, bridge day: {closing}.",
    },
    "by_hand": {"de": "{days}: geschlossen, {closing}.", "en": "{days}: closed, {closing}."},
    "business_day": {"de": "{days}: Arbeitstag {text}.", "en": "{days}: business day {text}."},
    "clock_change": {
        "de": "{at}: Die Uhren werden um {seconds} {direction} gestellt{moved}.",
        "en": "{at}: the clocks go {direction} by {seconds}{moved}.",
    },
    "wait": {
        "de": "{at_plain} bis {until_clock}: {state}, die Frist ruht, {seconds} nicht gezählt.",
        "en": "{at} to {until_clock}: {state}, the clock stands still, {seconds} not counted.",
    },
    "worked": {
        "de": "{at_plain} bis {until_clock}: {seconds} Arbeit ({text}).",
        "en": "{at_plain} to {until_clock}: {seconds} of work ({text}).",
    },
    "soft_due": {"de": "Erwartet bis {at_year}.", "en": "Expected by {at_year}."},
    "warning": {"de": "Warnung ({text}): {at}.", "en": "Warning ({text}): {at}."},
    "due": {"de": "Fällig: {at_year}.", "en": "Due: {at_year}."},
    "not_reached": {
        "de": "{at}: rechtzeitig versucht, niemand erreicht.",
        "en": "{at}: tried in time, nobody was reached.",
    },
    "met": {"de": "Eingehalten: {at_year}.", "en": "Met: {at_year}."},
    "missed": {"de": "Verletzt: {at_year}{late}.", "en": "Missed: {at_year}{late}."},
    "cancelled": {"de": "Aufgehoben: {at_year}.", "en": "Cancelled: {at_year}."},
    "merged": {
        "de": "Aufgehoben: {at_year}; das Ticket ging als Duplikat in {text} auf.",
        "en": "Cancelled: {at_year}; the ticket was merged, as a duplicate, into {text}.",
    },
    "paused": {
        "de": "Ruht seit {at_year}; die Frist verschiebt sich um die Wartezeit.",
        "en": "Paused since {at_year}; the deadline moves by the time waited.",
    },
    "running": {"de": "Läuft.", "en": "Running."},
}


def sentences(steps: Iterable[ExplanationStep], lang: Language, zone: tzinfo) -> tuple[str, ...]:
    """One sentence a step, in order, with the local times of ``zone`` (the calendar's)."""
    return tuple(sentence(step, lang, zone) for step in steps)


def sentence(step: ExplanationStep, lang: Language, zone: tzinfo) -> str:
    """The sentence of one step."""
    words = {**_times(step, lang, zone), **_names(step, lang), "zone": str(zone), "days": _days(step, lang, zone)}
    return _FORMS[step.rule][lang].format_map(words)


def _times(step: ExplanationStep, lang: Language, zone: tzinfo) -> dict[str, str]:
    open_end = "jetzt" if lang == "de" else "now"
    words = {"until": open_end, "until_clock": open_end, "late": ""}
    if step.at is not None:
        words["at"] = labels.local_time(step.at, zone, lang)
        words["at_plain"] = words["at"].removesuffix(" Uhr")
        words["at_year"] = labels.local_time(step.at, zone, lang, year=True)
    if step.until is not None:
        words["until"] = labels.local_time(step.until, zone, lang)
        words["until_clock"] = _until_clock(step.at, step.until, lang, zone)
        words["late"] = f"; {'erledigt erst' if lang == 'de' else 'done only on'} {words['until']}"
    if step.change is not None:
        words["old"], words["new"] = (
            ("keine" if lang == "de" else "none") if due is None else labels.local_time(due, zone, lang)
            for due in (step.change.old_due_at, step.change.new_due_at)
        )
    return words


def _until_clock(at: datetime | None, until: datetime, lang: Language, zone: tzinfo) -> str:
    """The time alone where it is the same day; midnight at a day's end is its 24:00."""
    day = None if at is None else at.astimezone(zone).date()
    local = until.astimezone(zone)
    suffix = " Uhr" if lang == "de" else ""
    if local.date() == day:
        return labels.clock(until, zone) + suffix
    if (
        day is not None
        and local.date() == day + timedelta(days=1)
        and (local.hour, local.minute, local.second) == (0, 0, 0)
    ):
        return f"24:00{suffix}"
    return labels.local_time(until, zone, lang)


def _names(step: ExplanationStep, lang: Language) -> dict[str, str]:
    terms, _, pointer = (step.clause or "").removeprefix("agreements/").partition("#")
    line = pointer.rpartition("/")[2]
    text = step.text or ""
    severity = {"de": ", Schweregrad {}", "en": ", severity {}"}[lang].format(step.severity)
    return {
        "text": text,
        "metric": labels.METRICS[lang].get(text, text),
        "target": "" if step.target is None else labels.target(step.target, lang),
        "terms": labels.version(terms),
        "line": str(int(line) + 1) if line.isdigit() else "",
        "severity": "" if step.severity is None else severity,
        "calendar": labels.version(step.calendar or ""),
        "start": labels.START_EVENTS[lang].get(text, labels.START_EVENTS[lang][""]),
        "why": labels.RESCHEDULE_REASONS[lang].get(text, labels.RESCHEDULE_REASONS[lang][""]),
        "state": labels.STATES[lang].get(text, text),
        "closing": labels.closing(step.closed_by, lang),
        "seconds": "" if step.seconds is None else labels.duration(abs(step.seconds)),
        "remark": f" ({text})" if text else "",
        "direction": _direction(step.seconds or 0, lang),
        "moved": f" ({_moved(text, lang)})" if text else "",
    }


def _direction(forward_seconds: int, lang: Language) -> str:
    forward, back = ("vor", "zurück") if lang == "de" else ("forward", "back")
    return forward if forward_seconds > 0 else back


def _moved(text: str, lang: Language) -> str:
    if lang == "en":
        words = {"skipped": "moved forward, as it does not exist:", "repeated": "the first of two counts:"}
    else:
        words = {"skipped": "verschoben, weil es sie nicht gibt:", "repeated": "die erste von zweien zählt:"}
    for kind, phrase in words.items():
        text = text.replace(kind, phrase)
    return text


def _days(step: ExplanationStep, lang: Language, zone: tzinfo) -> str:
    """The local date of a step, or the first and last of several."""
    first = step.on or date.min
    if step.at is None or step.until is None:
        return labels.day(first, lang)
    last = (step.until - timedelta(seconds=1)).astimezone(zone).date()
    if last <= first:
        return labels.day(first, lang)
    return f"{labels.day(first, lang)}{', bis' if lang == 'de' else ' to'} {labels.day(last, lang)}"

"""Known cases in the neutral formats of ``tests/cases/README.md``, run through the same engine that
serves tickets.

``business_time.json`` holds arithmetic on calendars, ``service_levels.json`` arithmetic with pauses
and whole timelines. Vendors keep such files beside their terms and run them before a version is
published.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fristwerk_cases.sla.fields import Fields, MalformedCaseError, calendar_of, shown
from fristwerk_cases.sla.ticket_story import story_answers
from fristwerk_language.terms import Span
from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError
from sla_service.domain.timers.target import Deadline, Pause, deadline, measure

FILES: Final = ("business_time.json", "service_levels.json")

Answers = dict[str, Any]


def run(folder: Path) -> tuple[int, int, list[str]]:
    """How many cases of a folder passed and failed, and a sentence for every failure. Files of
    other services are left alone.
    """
    if not folder.is_dir():
        return 0, 1, [f"There is no folder {folder}."]
    results = [(name, result) for name in FILES if (folder / name).is_file() for result in _results(folder / name)]
    messages = [f"{name}: {result}" for name, result in results if result is not None]
    return len(results) - len(messages), len(messages), messages


def _results(file: Path) -> Iterator[str | None]:
    """For every case of a file what is wrong with it, or null; a file that cannot be read is one
    wrong case.
    """
    try:
        data = Fields("the file", _read(file))
        calendars = {name: calendar_of(name, parts) for name, parts in data.mapping("calendars").items()}
        cases = data.sequence("cases")
    except MalformedCaseError as error:
        yield str(error)
        return
    for number, case in enumerate(cases, start=1):
        yield _result(number, case, calendars)


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedCaseError(f"the file is not JSON: {error}") from error


def _result(number: int, case: object, calendars: Mapping[str, Calendar]) -> str | None:
    name = f"case {case['id'] if isinstance(case, dict) and 'id' in case else number}"
    try:
        fields = Fields(name, case)
        return _compared(name, fields, _answers(fields, calendars))
    except (MalformedCaseError, CalendarRangeError) as error:
        return str(error) if isinstance(error, MalformedCaseError) else f"{name}: {error}"


def _answers(fields: Fields, calendars: Mapping[str, Calendar]) -> Answers:
    kind = fields.text("op" if "op" in fields.data else "kind")
    answer = _KINDS.get(kind)
    if answer is None:
        raise MalformedCaseError(f"{fields.place} is of an unknown kind {kind!r}")
    calendar = calendars.get(fields.text("calendar"))
    if calendar is None:
        raise MalformedCaseError(f"{fields.place} names an unknown calendar {fields.data['calendar']!r}")
    return answer(fields, calendar)


def _compared(name: str, fields: Fields, answers: Answers) -> str | None:
    expected = fields.mapping("expect") if "kind" in fields.data else _expected(fields)
    if not expected:
        raise MalformedCaseError(f"{name} expects nothing that could be checked")
    wrong = []
    for key, value in expected.items():
        if key not in answers:
            raise MalformedCaseError(f"{name} expects {key!r}, which such a case does not have")
        wanted = fields.in_expectation(key, value)
        if answers[key] != wanted:
            wrong.append(f"{key} is {shown(key, answers[key])}, expected {shown(key, wanted)}")
    return f"{name}: {'; '.join(wrong)}" if wrong else None


def _expected(fields: Fields) -> dict[str, Any]:
    return {key: fields.data[key] for key in ("expected", "expected_seconds", "expected_bool") if key in fields.data}


def _add(fields: Fields, calendar: Calendar) -> Answers:
    return {"expected": calendar.add_business_time(fields.instant("start"), fields.count("seconds"))}


def _subtract(fields: Fields, calendar: Calendar) -> Answers:
    return {"expected": calendar.subtract_business_time(fields.instant("start"), fields.count("seconds"))}


def _diff(fields: Fields, calendar: Calendar) -> Answers:
    return {"expected_seconds": calendar.business_time_between(fields.instant("start"), fields.instant("end"))}


def _is_open(fields: Fields, calendar: Calendar) -> Answers:
    return {"expected_bool": calendar.is_open(fields.instant("start"))}


def _next_open(fields: Fields, calendar: Calendar) -> Answers:
    return {"expected": calendar.next_opening(fields.instant("start"))}


def _next_close(fields: Fields, calendar: Calendar) -> Answers:
    return {"expected": calendar.next_closing(fields.instant("start"))}


def _add_business_time(fields: Fields, calendar: Calendar) -> Answers:
    start, seconds, pauses = fields.instant("start"), fields.count("duration_seconds"), fields.spans("pauses")
    found = deadline(calendar, Span("business", seconds), start, pauses)
    return _deadline_answers(fields, calendar, found)


def _subtract_business_time(fields: Fields, calendar: Calendar) -> Answers:
    return {"instant": calendar.subtract_business_time(fields.instant("end"), fields.count("duration_seconds"))}


def _clock_start(fields: Fields, calendar: Calendar) -> Answers:
    return {"clock_start": calendar.next_opening(fields.instant("start"))}


def _elapsed_business_time(fields: Fields, calendar: Calendar) -> Answers:
    start, end = fields.instant("start"), fields.instant("end")
    elapsed = calendar.business_time_between(start, end)
    for since, until in fields.spans("pauses"):
        if max(start, since) < min(end, until):
            elapsed -= measure(calendar, "business", max(start, since), min(end, until))
    return {"elapsed_seconds": elapsed}


def _add_business_days(fields: Fields, calendar: Calendar) -> Answers:
    """Days first, then the paused business time of the pauses that began before the deadline so
    far.
    """
    days = fields.count("business_days", signed=True)
    to_the_end = fields.flag("end_of_business_day")
    pauses: list[Pause] = list(fields.spans("pauses"))
    start = fields.instant("start")
    found = deadline(calendar, Span("business_days", days), start, pauses, end_of_business_day=to_the_end)
    return _deadline_answers(fields, calendar, found)


def _deadline_answers(fields: Fields, calendar: Calendar, found: Deadline) -> Answers:
    """The deadline, and the level that far before or after it in business time."""
    offset = fields.count("level_offset_seconds", signed=True) if "level_offset_seconds" in fields.data else 0
    level_at = calendar.add_business_time(found.due, offset) if offset else found.due
    return {"deadline": found.due, "paused_seconds": sum(found.paused), "level_at": level_at}


_KINDS: Final[dict[str, Callable[[Fields, Calendar], Answers]]] = {
    "add": _add,
    "subtract": _subtract,
    "diff": _diff,
    "is_open": _is_open,
    "next_open": _next_open,
    "next_close": _next_close,
    "add_business_time": _add_business_time,
    "subtract_business_time": _subtract_business_time,
    "clock_start": _clock_start,
    "elapsed_business_time": _elapsed_business_time,
    "add_business_days": _add_business_days,
    "timeline": story_answers,
}

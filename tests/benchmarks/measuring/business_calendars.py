"""Calendars that add business time: ours, those of three libraries, and the clock on the wall."""

from __future__ import annotations

import operator
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import msgspec
import pytz
from businesstimedelta import BusinessTimeDelta, HolidayRule, Rules, WorkDayRule
from django_bizcal import WorkingCalendar
from django_bizcal.providers import SetHolidayProvider
from officehours import Calculator

from fristwerk_language.terms import WEEKDAYS
from sla_service.domain.calendar.calendar import Calendar

Hours = Mapping[int, Sequence[tuple[str, str]]]
"""The intervals of each weekday; Monday is 0."""
Question = tuple[int, int]
"""The instant to start from and the seconds to add, both whole minutes."""

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
TURN_SECONDS = 0.05
GIVE_UP_SECONDS = 0.5
ZONE, PYTZ_ZONE = ZoneInfo("Europe/Berlin"), pytz.timezone("Europe/Berlin")
YEARS = range(2023, 2031)
CLOSED: frozenset[date] = frozenset(holidays.country_holidays("DE", subdiv="HH", years=YEARS))
"""Eighty dates; on one of them, 2027-10-31, the clocks change."""
OFFICE: Hours = dict.fromkeys(range(5), (("09:00", "17:00"),))


class Subject(msgspec.Struct):
    """One that is asked: its call, the arguments as it likes them best, and how its answer is read as an instant."""

    name: str
    call: Callable[..., Any]
    arguments: Sequence[tuple[Any, ...]]
    instant: Callable[[Any], int] = lambda answer: round(answer.timestamp())
    rounds: list[float] = []
    """Calls a second, of each turn."""

    def answers(self) -> list[int | None]:
        """An instant for each question; null where no answer comes."""
        signal.signal(signal.SIGVTALRM, _give_up)
        return [self._answer(each) for each in self.arguments]

    def take_turn(self, clock: Callable[[], float]) -> None:
        """As many whole passes over the questions as a turn lasts."""
        call, arguments = self.call, self.arguments
        calls, began = 0, clock()
        while (taken := clock() - began) < TURN_SECONDS:
            for each in arguments:
                call(*each)
            calls += len(arguments)
        self.rounds.append(calls / taken)

    def _answer(self, arguments: tuple[Any, ...]) -> int | None:
        signal.setitimer(signal.ITIMER_VIRTUAL, GIVE_UP_SECONDS)
        try:
            return self.instant(self.call(*arguments))
        except TimeoutError:
            return None
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _give_up(*_: object) -> None:
    raise TimeoutError


def subjects(hours: Hours, asked: Sequence[Question]) -> list[Subject]:
    """Ours, then every library that can hold the hours; whatever can be made ready beforehand is."""

    def moments(zone: tzinfo) -> list[tuple[datetime, timedelta]]:
        return [(datetime.fromtimestamp(start, zone), timedelta(seconds=seconds)) for start, seconds in asked]

    closed = SetHolidayProvider.from_dates(CLOSED)
    bizcal = WorkingCalendar(
        tz=ZONE, weekly_schedule={day: [*spans] for day, spans in hours.items()}, holiday_provider=closed
    ).add_business_time
    rules = business_rules(hours)
    deltas = [(start, BusinessTimeDelta(rules, timedelta=span)) for start, span in moments(PYTZ_ZONE)]
    result = [
        Subject("ours", whole_calendar(hours).add_business_time, asked, int),
        Subject("django-bizcal, local times", bizcal, moments(ZONE)),
        Subject("django-bizcal, UTC", bizcal, moments(UTC)),
        Subject("businesstimedelta", operator.add, deltas),
    ]
    if hours is OFFICE:
        naive = [(span / timedelta(hours=1), start.replace(tzinfo=None)) for start, span in moments(ZONE)]
        due_date = Calculator("9:00", "17:00", CLOSED).due_date
        result.append(Subject("officehours", due_date, naive, lambda due: round(due.replace(tzinfo=ZONE).timestamp())))
    return result


def our_calendar(hours: Hours) -> Calendar:
    """Ours, not compiled yet."""
    return Calendar.of_parts(
        name="bench",
        timezone=ZONE.key,
        week={WEEKDAYS[day]: [f"{opens}-{closes}" for opens, closes in spans] for day, spans in hours.items()},
        closed=CLOSED,
        first_year=YEARS[0],
        last_year=YEARS[-1],
    )


def whole_calendar(hours: Hours) -> Calendar:
    """Ours with all its years compiled, though the questions may need but one."""
    calendar = our_calendar(hours)
    calendar.digest()
    return calendar


def business_rules(hours: Hours) -> Rules:
    """Those of ``businesstimedelta``: one for each interval, which is faster than one for each break, and the closed dates."""
    weekdays: dict[tuple[str, str], list[int]] = {}
    for day, spans in hours.items():
        for span in spans:
            weekdays.setdefault(span, []).append(day)
    parse = time_of_day.fromisoformat
    rules = [WorkDayRule(parse(opens), parse(closes), on, tz=PYTZ_ZONE) for (opens, closes), on in weekdays.items()]
    return Rules([*rules, HolidayRule(CLOSED, tz=PYTZ_ZONE)])


def walked(hours: Hours, start: int, seconds: int) -> int:
    """The answer by looking at the clock on the wall every minute; put back, it does not open or close a second time."""
    while seconds:
        shown = datetime.fromtimestamp(start, ZONE)
        reading = "02:59" if shown.fold else f"{shown:%H:%M}"
        spans = () if shown.date() in CLOSED else hours.get(shown.weekday(), ())
        seconds -= 60 * any(opens <= reading < closes for opens, closes in spans)
        start += 60
    return start

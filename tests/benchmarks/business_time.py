"""Adding business time: our calendar beside three libraries that are asked the same, and how often they answer the same."""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec
from measuring import Figure, show
from measuring.business_calendars import (
    CLOCKS,
    OFFICE,
    YEARS,
    ZONE,
    Hours,
    Question,
    Subject,
    our_calendar,
    subjects,
    walked,
    whole_calendar,
)

ROUNDS = 11
QUESTIONS = 300
FASTEST, RIGHT = 8, 150
"""How many times as fast as the fastest library, and as those that are right about any hours on any day."""
TWO_A_DAY: Hours = dict.fromkeys(range(5), (("08:00", "12:00"), ("13:00", "17:00")))
AT_NIGHT: Hours = dict.fromkeys(range(7), (("00:00", "12:00"), ("13:00", "23:30")))
UNTIL_HALF_PAST_TWO: Hours = dict.fromkeys(range(7), (("00:00", "02:30"), ("08:00", "12:00"), ("13:00", "17:00")))
"""In autumn 02:30 comes twice, and the first counts."""
CALL_MICROSECONDS, COMPILE_MILLISECONDS = 1.5, 20


def at(day: date) -> int:
    """The instant at which a day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


def questions(days: Sequence[date]) -> list[Question]:
    """From any minute of these days five minutes up to two weeks of eight hours a day, short spans as likely as long ones."""
    chance = random.Random(80)  # noqa: S311 - the same questions every time
    starts = [at(chance.choice(days)) + 60 * chance.randrange(1440) for _ in range(QUESTIONS)]
    return [(start, 60 * round(5 * 960 ** chance.random())) for start in starts]


def a_year() -> list[date]:
    """The days of one year, few enough for a library that remembers days to remember them all."""
    return [date(2027, 1, 1) + timedelta(days=each) for each in range(365)]


def around_clock_changes(*months: int) -> list[date]:
    """From the Thursday before to the Monday after the last Sunday of these months."""
    ends = [date(year, month, 31) for year in YEARS for month in months]
    sundays = [end - timedelta(days=end.isoweekday() % 7) for end in ends]
    return [sunday + timedelta(days=days) for sunday in sundays for days in range(-3, 2)]


class Examination(msgspec.Struct):
    """The same questions to ours and to every library that can hold the hours."""

    what: str
    hours: Hours
    questions: Sequence[Question]
    ours: Subject
    others: list[Subject]

    @classmethod
    def of(cls, what: str, hours: Hours, days: Sequence[date]) -> Examination:
        """An examination with its questions asked on these days."""
        asked = questions(days)
        ours, *others = subjects(hours, asked)
        return cls(what, hours, asked, ours, others)

    def judge(self) -> list[str]:
        """Keep the libraries that answered everything as ours did, which is checked by walking; a remark on each library."""
        right = self.ours.answers()
        remarks, judged, self.others = [], self.others, []
        doubtful = set(range(0, QUESTIONS, 10))
        for library in judged:
            told = library.answers()
            apart = [number for number in range(QUESTIONS) if told[number] != right[number]]
            doubtful.update(apart)
            remark = f"{self.what}: {library.name} answers {QUESTIONS - len(apart)} of {QUESTIONS} as ours"
            if apart:
                first = apart[0]
                start, seconds = self.questions[first]
                remark += f"; {seconds // 60} min from {shown(start)}: {shown(told[first])}, not {shown(right[first])}"
            else:
                self.others.append(library)
            remarks.append(remark)
        for number in doubtful:
            assert walked(self.hours, *self.questions[number]) == right[number], self.questions[number]
        return remarks


def shown(instant: int | None) -> str:
    """An instant on the clock of the wall."""
    return "never comes back" if instant is None else f"{datetime.fromtimestamp(instant, ZONE):%Y-%m-%d %H:%M%z}"


def our_other_calls(asked: Sequence[Question]) -> list[Subject]:
    """What else a calendar is asked, of the same instants and spans."""
    calendar = whole_calendar(OFFICE)
    dues = [calendar.add_business_time(*each) for each in asked]
    starts, spans = [(start,) for start, _ in asked], [seconds for _, seconds in asked]
    between = [(start, due) for (start,), due in zip(starts, dues, strict=True)]
    days = [(start, 1 + seconds // 28_800) for start, seconds in asked]
    return [
        Subject("subtract_business_time", calendar.subtract_business_time, list(zip(dues, spans, strict=True))),
        Subject("business_time_between", calendar.business_time_between, between),
        Subject("add_business_days, up to ten", calendar.add_business_days, days),
        Subject("next_opening", calendar.next_opening, starts),
        Subject("is_open", calendar.is_open, starts),
    ]


def compiled(first: int, last: int) -> int:
    """Make a calendar and ask what needs all of its years."""
    return our_calendar(OFFICE).business_time_between(first, last)


def beside(examination: Examination, right: set[str]) -> Iterable[Figure]:
    """Our calls a second beside those of each library that is right in this examination."""
    fastest = max(examination.others, key=lambda library: statistics.median(library.rounds))
    for library in examination.others:
        reach = RIGHT if library.name in right else FASTEST if library is fastest else None
        rounds, what = examination.ours.rounds, examination.what
        yield Figure(what=what, rounds=rounds, beside=library.name, reference=library.rounds, reach=reach)


def taking(what: str, subject: Subject, unit: str, a_second: float, at_most: float | None = None) -> Figure:
    """How long one call takes."""
    return Figure(what=what, rounds=[a_second / each for each in subject.rounds], unit=unit, at_most=at_most)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="processor",
        help="processor (default): what others do meanwhile does not count",
    )
    name = parser.parse_args().clock
    examinations = [
        Examination.of("one interval a day", OFFICE, a_year()),
        Examination.of("two a day, clocks change", TWO_A_DAY, around_clock_changes(3, 10)),
        Examination.of("the same, open at night", AT_NIGHT, around_clock_changes(3, 10)),
        Examination.of("the same, until 02:30", UNTIL_HALF_PAST_TWO, around_clock_changes(10)),
    ]
    remarks = [remark for each in examinations for remark in each.judge()]
    right = set.intersection(*({library.name for library in each.others} for each in examinations))
    compiling = Subject("", compiled, [(at(date(YEARS[0], 1, 1)), at(date(YEARS[-1], 12, 31)))])
    other_calls = our_other_calls(examinations[0].questions)
    turns = [subject for each in examinations for subject in (each.ours, *each.others)] + [compiling, *other_calls]
    for _ in range(ROUNDS):
        for subject in turns:
            subject.take_turn(CLOCKS[name])
    figures = [figure for each in examinations for figure in beside(each, right)]
    figures += [taking(f"{each.what}, one call", each.ours, "µs", 1e6, CALL_MICROSECONDS) for each in examinations]
    figures.append(taking(f"compile {len(YEARS)} years", compiling, "ms", 1e3, COMPILE_MILLISECONDS))
    figures += [taking(each.name, each, "µs", 1e6) for each in other_calls]
    aims = f"to reach: {FASTEST} beside the fastest, {RIGHT} beside those right in every examination"
    show("add business time", figures, f"clock: {name}; {aims}", *remarks)


if __name__ == "__main__":
    main()

"""What many processes would reach that share a read model's work: a simulation with the service times of few that were measured.

Each process reads the whole feed ahead of its work, a thousand lines a page, from a ticket-service that answers with one
processor; decodes all lines; and applies its own in transactions of 500 events, in which its processor and PostgreSQL's take
turns. A commit waits for the next flush of the WAL, which serves all that wait. Times are taken as they were measured on
average; only the moments at which the processes begin are drawn.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Generator, Sequence
from typing import Any

import msgspec
import simpy

PAGE, PART = 1_000, 500
"""Lines of a page of the feed, and a process's own events of a transaction at most."""
AHEAD = 10
"""Pages that a process works on at most, and has read ahead beside them."""
TURNS = 4
"""How often a process and PostgreSQL take turns within a transaction."""
SIMULATED_EVENTS = 160_000
SLICE = 0.004
"""Seconds for which a processor is had before others are served."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in one round; times are seconds of the processors an event of the log, all processes together."""

    service: str
    processes: int
    events: float
    seconds: float
    worker: float
    ticket: float
    """With its start; so is ``log``, PostgreSQL's backends of the ticket-service."""
    read_model: float
    """PostgreSQL's backends of the processes; ``postgres_rest`` is what writes behind all of them."""
    log: float
    postgres_rest: float
    commits: float
    flushes: float
    flush: float
    """Seconds of one flush of the WAL."""
    others: float
    """Processors that other programs had meanwhile."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


class Line(msgspec.Struct, frozen=True):
    """A time an event that grows with the number of processes: ``once`` for whoever has the event, ``each`` for every process."""

    once: float
    each: float

    def at(self, processes: int) -> float:
        """All processes together."""
        return self.once + self.each * processes


class ServiceTimes(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulation is made of."""

    worker: Line
    ticket: Line
    read_model: Line
    log: Line
    rest: float
    flush: float


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Where the processes run: PostgreSQL's processors, and how many processes the ticket-service has.

    With ``shared`` everything runs on PostgreSQL's processors, of which other programs have ``others``.
    """

    processes: int
    processors: int
    ticket_services: int = 1
    shared: bool = False
    others: float = 0.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Events a second, and how busy PostgreSQL's processors were, as a share."""

    rate: float
    busy: float


class Bottleneck(msgspec.Struct, frozen=True, kw_only=True):
    """What holds the processes up most: were it twice as fast, they would apply so many times as many events."""

    what: str
    gain: float


def service_times(runs: Sequence[Run], service: str) -> ServiceTimes:
    """The lines that fit what was measured of a service at several numbers of processes best."""
    own = [each for each in runs if each.service == service]
    return ServiceTimes(
        worker=_line(runs, own, "worker"),
        ticket=Line(once=0.0, each=_slope(runs, "ticket")),  # the rest is what the ticket-service takes to start
        read_model=_line(runs, own, "read_model"),
        log=Line(once=0.0, each=_slope(runs, "log")),
        rest=statistics.mean(each.postgres_rest for each in own),
        flush=statistics.median(each.flush for each in own),
    )


def _line(runs: Sequence[Run], own: Sequence[Run], field: str) -> Line:
    slope = _slope(runs, field)
    once = statistics.mean(getattr(each, field) - slope * each.processes for each in own)
    return Line(once=max(0.0, once), each=slope)


def _slope(runs: Sequence[Run], field: str) -> float:
    """What one process more adds to a time: the same in all services, since each process reads the same lines.

    Least squares of deviations from each service's mean, as shares of it: where little else is done it is measured best.
    """
    products = squares = 0.0
    for service in {each.service for each in runs}:
        own = [each for each in runs if each.service == service]
        number = statistics.mean(each.processes for each in own)
        time = statistics.mean(getattr(each, field) for each in own)
        products += sum((each.processes - number) * (getattr(each, field) - time) for each in own) / time**2
        squares += sum((each.processes - number) ** 2 for each in own) / time**2
    return max(0.0, products / squares)


class Processors:
    """Some processors that are shared in slices, and how long they were busy."""

    def __init__(self, world: simpy.Environment, number: int) -> None:
        self._world = world
        self._free = simpy.Resource(world, number)
        self._number = number
        self._used = 0.0

    def use(self, seconds: float) -> Generator[Any, Any, None]:
        """Work for so long, in turn with others."""
        while seconds > 0:
            part = min(seconds, SLICE)
            with self._free.request() as turn:
                yield turn
                yield self._world.timeout(part)
            self._used += part
            seconds -= part

    def busy(self) -> float:
        """The share of its time that one of them was."""
        return self._used / self._number / float(self._world.now)


class Wal:
    """The write-ahead log: one flush at a time, for all commits that wait for it."""

    def __init__(self, world: simpy.Environment, seconds: float) -> None:
        self._world = world
        self._seconds = seconds
        self._disk = simpy.Resource(world, 1)
        self._next: simpy.Event | None = None
        self.used = 0.0

    def commit(self) -> Generator[Any, Any, None]:
        """Return once a flush that began after this moment has ended."""
        if self._next is None:
            self._next = self._world.event()
            self._world.process(self._flush(self._next))
        yield self._next

    def _flush(self, done: simpy.Event) -> Generator[Any, Any, None]:
        with self._disk.request() as turn:
            yield turn
            self._next = None
            yield self._world.timeout(self._seconds)
            self.used += self._seconds
        done.succeed()


def simulated(times: ServiceTimes, setting: Setting) -> Outcome:
    """So many events applied by all processes."""
    world = simpy.Environment()
    database = Processors(world, setting.processors)
    own = [database if setting.shared else Processors(world, 1) for _ in range(setting.processes)]
    tickets = [database if setting.shared else Processors(world, 1) for _ in range(setting.ticket_services)]
    wal, lot = Wal(world, times.flush), random.Random(setting.processes)  # noqa: S311 - drawn again by the seed
    number = setting.processes
    if setting.shared:
        world.process(_others(world, database, setting))
    ended = []
    for place in range(number):
        pages = simpy.Store(world, 2 * AHEAD)
        ticket = tickets[place % len(tickets)]
        world.process(_fetching(pages, ticket, database, times, number))
        ended.append(world.process(_applying(world, pages, own[place], database, wal, times, number, lot.random())))
    world.run(simpy.AllOf(world, ended))
    return Outcome(rate=SIMULATED_EVENTS / float(world.now), busy=database.busy())


def bottleneck(times: ServiceTimes, setting: Setting) -> Bottleneck:
    """Simulated again, each time with one of the service times halved."""
    faster: dict[str, dict[str, Any]] = {
        "PostgreSQL's processors": {
            "read_model": _halved(times.read_model),
            "log": _halved(times.log),
            "rest": times.rest / 2,
        },
        "flushes of the WAL": {"flush": times.flush / 2},
        "reading the feed": {"ticket": _halved(times.ticket)},
        "their own work": {"worker": _halved(times.worker)},
    }
    now = simulated(times, setting).rate
    gains = {
        what: simulated(msgspec.structs.replace(times, **changed), setting).rate / now
        for what, changed in faster.items()
    }
    what = max(gains, key=gains.__getitem__)
    return Bottleneck(what=what, gain=gains[what])


def _halved(line: Line) -> Line:
    return Line(once=line.once / 2, each=line.each / 2)


def _fetching(
    pages: simpy.Store, ticket: Processors, database: Processors, times: ServiceTimes, number: int
) -> Generator[Any, Any, None]:
    for _ in range(SIMULATED_EVENTS // PAGE):
        yield from ticket.use(times.ticket.at(number) / number * PAGE)
        yield from database.use(times.log.at(number) / number * PAGE)
        yield pages.put(PAGE)


def _applying(
    world: simpy.Environment,
    pages: simpy.Store,
    own: Processors,
    database: Processors,
    wal: Wal,
    times: ServiceTimes,
    number: int,
    begin: float,
) -> Generator[Any, Any, None]:
    lines = min(PART * number, PAGE * AHEAD)
    here = times.worker.at(number) / number * lines / TURNS
    there = (times.read_model.at(number) + times.rest) / number * lines / TURNS
    yield world.timeout(begin / 10)
    had = 0
    for _ in range(SIMULATED_EVENTS // lines):
        while had < lines:
            yield pages.get()
            had += PAGE
        had -= lines
        for _ in range(TURNS):
            yield from own.use(here)
            yield from database.use(there)
        yield from wal.commit()


def _others(world: simpy.Environment, processors: Processors, setting: Setting) -> Generator[Any, Any, None]:
    """Other programs, which have as much of the processors as they had when it was measured."""
    begun = 0.0
    while True:
        if begun < setting.others * float(world.now):
            begun += SLICE
            world.process(processors.use(SLICE))
        else:
            yield world.timeout(SLICE / 4)

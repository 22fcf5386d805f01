"""At which level of support a ticket was, and when: each level has a clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from sla_service.domain.timers.timeline import Moment, StatePeriod, Timeline


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket was at a level from ``since`` until ``until``; None: it still is."""

    since: Moment
    until: Moment | None = None


def visits_of(level: str, timeline: Timeline, levels: Sequence[str]) -> tuple[Visit, ...]:
    """The times at a level. Until it is transferred to a level a ticket is at the first of ``levels``,
    and again after a transfer that names a department alone.
    """
    stays = [(timeline.received, levels[0]), *((moment, to or levels[0]) for moment, to in timeline.transfers)]
    found: list[Visit] = []
    for position, (since, at) in enumerate(stays):
        until = stays[position + 1][0] if position + 1 < len(stays) else None
        if at != level:
            continue
        first = found.pop() if found and found[-1].until == since else Visit(since=since)
        found.append(Visit(since=first.since, until=until))
    return tuple(found)


def clipped(periods: Iterable[StatePeriod], visits: Sequence[Visit]) -> Iterator[StatePeriod]:
    """What of the periods lies in the visits."""
    for period in periods:
        for visit in visits:
            since = max(period.since, visit.since)
            until = min((each for each in (period.until, visit.until) if each is not None), default=None)
            if until is None or since < until:
                yield msgspec.structs.replace(period, since=since, until=until)


def between(visits: Sequence[Visit]) -> Iterator[StatePeriod]:
    """The times between the visits, in which no clock of the level runs."""
    for left, back in pairwise(visits):
        assert left.until is not None, "the next visit begins after this one's end"
        yield StatePeriod(state="open", since=left.until, until=back.since, away=True)

"""What became of a measurement: nothing yet, met, missed or cancelled; or that there is nothing to
measure.
"""

from __future__ import annotations

from typing import NamedTuple

from sla_service.domain.timers.service_levels import NotApplicable
from sla_service.domain.timers.timeline import Moment
from sla_service.domain.timers.timer import Timer, TimerNote


class NotStarted(NamedTuple):
    """Nothing has started the measurement yet."""


class Pending(NamedTuple):
    """The timer has not ended."""


class Met(NamedTuple):
    """The timer was ended in time, at ``moment``."""

    moment: Moment
    note: TimerNote | None = None


class Missed(NamedTuple):
    """The deadline passed, at the instant ``due``; ``ended`` is when the timer was ended after all,
    if it was.
    """

    due: int
    ended: Moment | None = None


class Cancelled(NamedTuple):
    """At ``moment`` there was nothing left to measure."""

    moment: Moment


TimerOutcome = Pending | Met | Missed | Cancelled
Evaluated = Timer | NotApplicable | NotStarted
"""What a measurement comes to: its timer, why there is none, or that it has not started."""


def end_of(outcome: TimerOutcome) -> Moment | None:
    """The moment from which on the timer no longer counts."""
    match outcome:
        case Met(moment=moment) | Cancelled(moment=moment):
            return moment
        case Missed(ended=ended):
            return ended
        case Pending():
            return None

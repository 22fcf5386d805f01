"""Figures of how promises were kept: how many timers were met and missed, and how much time was
used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from sla_service.domain.timers.timer import Timer, TimerState

PERCENTILES: Final = (50, 90, 95, 99)
_HUNDREDTH: Final = Decimal("0.01")


class Observation(msgspec.Struct, frozen=True):
    """A timer's state and, once it has ended in time or late, the seconds used on its own clock."""

    has_target: bool
    state: TimerState
    used_seconds: int | None = None


class UsedTime(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds on the timers' own clocks, of those that ended: nearest-rank percentiles; None where
    none did.
    """

    count: int
    p50: int | None = None
    p90: int | None = None
    p95: int | None = None
    p99: int | None = None
    max: int | None = None


class ComplianceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Of a group of timers. ``running`` includes the paused ones, ``measured`` are those that ended
    and had no target.

    ``share_met`` is the percentage of met among met and missed, to a hundredth, half up; None where
    there are neither.
    """

    timers: int
    met: int
    missed: int
    running: int
    cancelled: int
    measured: int
    share_met: str | None
    used_seconds: UsedTime


def observation(timer: Timer, state: TimerState, used_seconds: int | None) -> Observation:
    """What counts of a timer; ``used_seconds`` is what it used so far, which counts once it has
    ended.
    """
    return Observation(timer.target is not None, state, used_seconds if timer.ended_at is not None else None)


def figures(observations: Iterable[Observation]) -> ComplianceFigures:
    """The figures of a group."""
    seen = list(observations)
    counts = {
        state: sum(each.state == state for each in seen) for state in ("missed", "running", "paused", "cancelled")
    }
    met = sum(each.state == "met" and each.has_target for each in seen)
    return ComplianceFigures(
        timers=len(seen),
        met=met,
        missed=counts["missed"],
        running=counts["running"] + counts["paused"],
        cancelled=counts["cancelled"],
        measured=sum(each.state == "met" and not each.has_target for each in seen),
        share_met=_share(met, counts["missed"]),
        used_seconds=used_time(sorted(each.used_seconds for each in seen if each.used_seconds is not None)),
    )


def used_time(seconds: Sequence[int]) -> UsedTime:
    """The percentiles of sorted ``seconds``: for each, the smallest value that at least that
    percentage does not exceed.
    """
    if not seconds:
        return UsedTime(count=0)
    ranks = {f"p{percent}": seconds[-(-percent * len(seconds) // 100) - 1] for percent in PERCENTILES}
    return UsedTime(count=len(seconds), max=seconds[-1], **ranks)


def _share(met: int, missed: int) -> str | None:
    if met + missed == 0:
        return None
    return str((Decimal(100 * met) / (met + missed)).quantize(_HUNDREDTH, ROUND_HALF_UP))

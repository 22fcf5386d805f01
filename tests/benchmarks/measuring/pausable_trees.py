"""The ticket service whose hash trees rest between two signals: to be measured, never to be used.

SIGUSR1 lets them rest, SIGUSR2 lets them go on, with what they have missed first.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

from fristwerk_platform.event_log import FeedLine
from fristwerk_platform.transparency.keeper import TreeKeeper
from ticket_service.cli import main

REST, GO_ON = signal.SIGUSR1, signal.SIGUSR2
LOOK_SECONDS = 0.05
_resting = False
_step = TreeKeeper._step


def _told(number: int, _: object) -> None:
    global _resting  # noqa: PLW0603 - a signal handler has nothing else to write to
    _resting = number == REST


async def _step_unless_resting(self: TreeKeeper) -> Sequence[FeedLine]:
    while _resting:  # noqa: ASYNC110 - a signal handler may not touch an event of the loop
        await asyncio.sleep(LOOK_SECONDS)
    return await _step(self)


if __name__ == "__main__":
    TreeKeeper._step = _step_unless_resting  # type: ignore[method-assign]
    for _each in (REST, GO_ON):
        signal.signal(_each, _told)
    raise SystemExit(main())

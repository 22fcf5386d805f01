"""Numbered claims, by which processes take turns at what may go again: a booking, a customer, an
agent's dedication.

A claim is for ever, so what can be taken back claims no name. Whoever decides on such a matter
first looks up its next number, then what there is, and claims that number with what it decides. Two
who have looked at the same claim the same number: the log refuses one of them, who looks again and
finds what the other has stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from fristwerk_platform.commands import ContentionError
from fristwerk_platform.event_log import ClaimedError, EventLog
from ticket_service.application.command_executor import ATTEMPTS

Taken = TypeVar("Taken")
_PREFIX: Final = "turn:"


class Turn(msgspec.Struct, frozen=True):
    """The ``number`` of a matter, from 1, that was free when it was looked up."""

    matter: str
    number: int

    @property
    def claim(self) -> str:
        """What is claimed with the events that are decided on what was looked up after the turn."""
        return _claim(self.matter, self.number)

    def before(self) -> list[str]:
        """The claims of the turns that were taken, the last one first."""
        return [_claim(self.matter, number) for number in range(self.number - 1, 0, -1)]


async def next_turn(log: EventLog, matter: str) -> Turn:
    """The first number that is free, by every append so far.

    They are taken in order, so few questions find it.
    """
    taken, free = 0, 1
    while await log.claimant(_claim(matter, free)) is not None:
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        if await log.claimant(_claim(matter, middle)) is None:
            free = middle
        else:
            taken = middle
    return Turn(matter, free)


async def in_turn(take: Callable[[], Awaitable[Taken]]) -> Taken:
    """What ``take`` gives; it is done anew where another has had the turn that it claimed.

    Raises what ``take`` raises, and ContentionError where it never has a turn of its own.
    """
    for _ in range(ATTEMPTS):
        try:
            return await take()
        except ClaimedError as error:
            if not error.claim.startswith(_PREFIX):
                raise
    raise ContentionError


def _claim(matter: str, number: int) -> str:
    return f"{_PREFIX}{matter}/{number}"

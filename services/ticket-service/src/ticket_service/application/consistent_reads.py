"""Reads that show every command that was answered before them."""

from __future__ import annotations

from typing import Final

from fristwerk_language.events import Recorded
from fristwerk_platform.commands import NotCurrentError
from fristwerk_platform.event_log import GroupCommitLog
from fristwerk_platform.subscriptions import Subscription
from ticket_service.queries.read_model import ReadModel

CATCH_UP_SECONDS: Final = 5.0


class ConsistentReads:
    """A call gives the read model once it has caught up with the log; ``so_far`` gives it as it is.

    Catching up takes time, so a use case asks once and passes the read model on.
    """

    def __init__(self, log: GroupCommitLog, follower: Subscription[Recorded], read_model: ReadModel) -> None:
        self._log = log
        self._follower = follower
        self.so_far = read_model

    @property
    def position(self) -> int:
        """Up to where in the log the read model is known to be current."""
        return self._follower.lag.position

    async def __call__(self) -> ReadModel:
        """Raises NotCurrentError if catching up takes too long."""
        position = await self._log.last_position()
        if position > self._follower.lag.position:
            self._log.notify_waiters(position)  # the follower may not have heard yet of what another process appended
        if not await self._follower.reached(position, CATCH_UP_SECONDS):
            raise NotCurrentError
        return self.so_far

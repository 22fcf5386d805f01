"""Reading what was just written: a question waits until the read model reflects every command
already answered.
"""

from __future__ import annotations

from typing import Final

from fristwerk_language.events import Recorded
from fristwerk_platform.commands import NotCurrentError
from fristwerk_platform.event_log import EventLog
from fristwerk_platform.subscriptions import Subscription

CATCH_UP_SECONDS: Final = 5.0


class ConsistentReads:
    """Waits for billing's own log; the ticket service's feed is followed as it comes."""

    def __init__(self, log: EventLog, own: Subscription[Recorded]) -> None:
        self._log = log
        self._own = own

    async def __call__(self) -> None:
        """Return once the read model is current. Raises NotCurrentError if that takes too long."""
        if not await self._own.reached(await self._log.last_position(), CATCH_UP_SECONDS):
            raise NotCurrentError

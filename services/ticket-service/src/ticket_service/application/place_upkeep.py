"""Records that a ticket has moved in the worklist where no command moved it: a contract began or
ended at midnight.

The worklist shows the present place by itself; this writes the fact that makes it visible in the
ticket's history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata
from ticket_service.application.tickets import Tickets
from ticket_service.application.worklist import Worklist

FIRST_SECONDS: Final = 5.0
"""How long after the start the first look waits, so that it does not slow the start down."""
EVERY_SECONDS: Final = 60.0
"""How often every provider's worklist is looked through; what a reader of a worklist comes upon is
recorded at once.
"""
ACTOR: Final = "worklist"
_log = structlog.get_logger()


class PlaceUpkeep:
    """Runs beside the requests.

    Several processes may run it, as each ticket is decided on its newest state.
    """

    def __init__(
        self, worklist: Worklist, tickets: Tickets, now: Callable[[], datetime], new_id: Callable[[datetime], str]
    ) -> None:
        self._worklist = worklist
        self._tickets = tickets
        self._now = now
        self._new_id = new_id

    async def run(self) -> None:
        """Look through the worklists soon after the start and every minute, and when one was read
        that has such tickets.
        """
        seconds = FIRST_SECONDS
        while True:
            try:
                await self._wait(seconds)
                seconds = EVERY_SECONDS
                await self._worklist.look(self._now())
                await self.record()
            except Exception as error:  # noqa: BLE001 - whatever keeps the storage from answering, it is asked again
                _log.warning("places_wait", exc_info=error)
                await asyncio.sleep(EVERY_SECONDS)

    async def record(self) -> int:
        """Record the present priority of every displaced ticket; how many they were."""
        self._worklist.has_displaced.clear()
        displaced, self._worklist.displaced = self._worklist.displaced, {}
        for provider, tickets in displaced.items():
            principal = Principal(sub=ACTOR, role="service", provider=provider)
            for ticket, contract in tickets:
                now = self._now()
                meta = CommandMetadata(
                    principal=principal,
                    now=now,
                    occurred_at=now.replace(microsecond=0),
                    occurred_at_given=False,
                    correlation_id=self._new_id(now),
                )
                await self._tickets.place_anew(meta, ticket, contract)
        return sum(map(len, displaced.values()))

    async def _wait(self, seconds: float) -> None:
        """Wait until it is time to look, and record meanwhile what readers come upon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self._worklist.has_displaced.wait()
                    await self.record()

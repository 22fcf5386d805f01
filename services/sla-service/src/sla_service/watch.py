"""Lets due timers expire: sleeps until the next alarm, woken by new events, and gives each notice once.

A timer is missed at its deadline whenever the watch looks; after a downtime everything overdue is noticed once, in order. Several
watches may run: alarm, notice and memory of it share a transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.database import Database
from sla_service.read_model.noticeboard import Noticeboard, next_alarm

GROUP: Final = 200
LONGEST_SLEEP_SECONDS: Final = 30.0
"""A clock may be set forward while we sleep, and another process may set an alarm."""
RETRY_SECONDS: Final = 1.0
_log = structlog.get_logger()


class Watch:
    """Runs beside the projector."""

    def __init__(self, database: Database, noticeboard: Noticeboard, now: Callable[[], datetime]) -> None:
        self._database = database
        self._noticeboard = noticeboard
        self._now = now
        self.heartbeat_at: datetime | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                while await self.look():
                    pass
                self.heartbeat_at = self._now()
                await self._sleep()
            except SQLAlchemyError as error:
                _log.warning("watch_failed", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def look(self) -> int:
        """Give the notices that are due, one group in one transaction; how many."""
        async with self._database.transaction() as connection:
            rung = await self._noticeboard.ring(connection, GROUP)
        if rung:
            await self._noticeboard.wake()
        return rung

    async def _sleep(self) -> None:
        async with self._database.reading() as connection:
            at = await next_alarm(connection)
        seconds = LONGEST_SLEEP_SECONDS
        if at is not None:
            # A deadline itself is still in time: the alarm rings once it has passed.
            seconds = min(max((at - self._now()).total_seconds(), 0) + 0.001, LONGEST_SLEEP_SECONDS)
        try:
            async with asyncio.timeout(seconds), self._noticeboard.changed:
                await self._noticeboard.changed.wait()
        except TimeoutError:
            return

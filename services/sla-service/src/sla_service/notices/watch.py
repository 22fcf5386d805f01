"""Fires due alarms: sleeps until the next one, is woken by new events, and announces each miss and
warning once.

A timer is missed at its deadline whenever the watch looks; after a downtime everything overdue is
announced once, in order. Several watches may run, as an alarm, its notice and the record that it
was announced share a transaction. While the projector catches up the watch waits: what was answered
during a downtime was not missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from fristwerk_platform.health import Dependency
from fristwerk_platform.read_models import Database
from fristwerk_platform.subscriptions import Lag
from sla_service.notices.alarm_schedule import next_alarm
from sla_service.notices.alarms import fire_due
from sla_service.notices.outbox import Outbox
from sla_service.notices.watched_share import WatchedShare

GROUP: Final = 200
LONGEST_SLEEP_SECONDS: Final = 30.0
"""A clock may be set forward while we sleep, and another process may set an alarm."""
BEHIND: Final = timedelta(seconds=5)
"""How long an event may wait to be applied; one that waits longer occurred while the service was
down.
"""
BEHIND_POLL_SECONDS: Final = 0.1
GATHER_SECONDS: Final = 0.05
"""So long changes gather before it looks again which alarm is next; one of them fires so much later at most."""
PATIENCE_SECONDS: Final = 30.0
"""How long a start waits for a source that does not answer; a miss that later proves to be none is
withdrawn.
"""
RETRY_SECONDS: Final = 1.0
_log = structlog.get_logger()


class Watch:
    """Runs beside the projector, whose ``lag`` says whether it has caught up."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        now: Callable[[], datetime],
        lag: Lag | None = None,
        share: Callable[[], WatchedShare | None] = lambda: None,
    ) -> None:
        """``share``: the partitions whose tickets this process watches; None where it watches all."""
        self._database = database
        self._outbox = outbox
        self._now = now
        self._lag = lag
        self._share = share
        self.looked_at: datetime | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + PATIENCE_SECONDS
        while True:
            if self._is_behind(has_patience=loop.time() < patient_until):
                await asyncio.sleep(BEHIND_POLL_SECONDS)
                continue
            seen = self._outbox.signal.count
            try:
                seconds = await self._seconds_to_next()
                if seconds == 0:
                    await self.look()
            except Exception as error:  # noqa: BLE001 - a watch that ended would never announce a miss again
                _log.warning("watch_failed", exc_info=error)
                seconds = RETRY_SECONDS
            if seconds > 0:
                await self._outbox.signal.wait_after(seen, seconds)
                await asyncio.sleep(GATHER_SECONDS)

    async def look(self) -> int:
        """Fire the alarms that are due, one group in one transaction; returns how many."""
        async with self._database.transaction() as connection:
            fired = await fire_due(connection, self._outbox, GROUP, self._share())
        if fired:
            await self._outbox.signal.notify()
        return fired

    async def health(self) -> Dependency:
        """Whether it has looked recently: it does so at least every 30 seconds."""
        if self.looked_at is None:
            return Dependency(ok=True, detail="waits until the events recorded so far are applied")
        ago = self._now() - self.looked_at
        ok = ago < timedelta(seconds=3 * LONGEST_SLEEP_SECONDS)
        return Dependency(ok=ok, detail=f"looked {ago.total_seconds():.0f} s ago")

    def _is_behind(self, *, has_patience: bool) -> bool:
        lag = self._lag
        if lag is None:
            return False
        if lag.stopped_because is not None or (lag.heard_at is None and has_patience):
            return True
        return lag.waiting_since is not None and self._now() - lag.waiting_since > BEHIND

    async def _seconds_to_next(self) -> float:
        async with self._database.reading() as connection:
            at = await next_alarm(connection, self._share())
        now = self.looked_at = self._now()
        if at is None:
            return LONGEST_SLEEP_SECONDS
        # A deadline itself is still in time: the alarm fires once it has passed.
        return 0 if at < now else min((at - now).total_seconds() + 0.001, LONGEST_SLEEP_SECONDS)

"""Metrics of the SLA service for Prometheus: running timers, those soon due, overdue alarms,
announced notices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from fristwerk_platform.metrics import Metrics
from fristwerk_platform.read_models import Database
from sla_service.projections import parked_tickets
from sla_service.projections.tables import alarms, timers

SOON: Final = timedelta(minutes=30)
"""What is due within this span is at risk."""


class TimerMetrics:
    """Counted from the alarms, which only timers that still run have: what it costs does not grow
    with history.
    """

    def __init__(self, database: Database, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._running = metrics.gauge("timers_running", "Timers that run towards a deadline", "metric")
        self._due = metrics.gauge("timers_due", "Of these, due within 30 minutes", "metric")
        self._overdue = metrics.gauge("alarms_overdue", "Alarms whose instant has passed and that have not rung")
        self._notices = metrics.counter("notices", "Notices that were given", "type")

    def count_notices(self, notices: Mapping[str, int]) -> None:
        """Count notices by type, once they are stored."""
        for kind, number in notices.items():
            self._notices.labels(kind).inc(number)

    async def measure(self) -> None:
        """Bring the figures up to date."""
        now = self._now()
        soon = func.count().filter(alarms.c.at <= now + SOON)
        running = (
            select(timers.c.metric, func.count().label("running"), soon.label("due"))
            .join_from(alarms, timers, alarms.c.timer == timers.c.timer)
            .where(alarms.c.kind == "missed", alarms.c.at >= now)
            .group_by(timers.c.metric)
        )
        overdue = select(func.count()).where(alarms.c.at < now, ~parked_tickets.whose_ticket_is_parked(alarms.c.timer))
        async with self._database.reading() as connection:
            rows = (await connection.execute(running)).all()
            waiting = (await connection.execute(overdue)).scalar_one()
        for gauge in (self._running, self._due):
            gauge.clear()  # a metric of which no timer runs any more
        for row in rows:
            self._running.labels(row.metric).set(row.running)
            self._due.labels(row.metric).set(row.due)
        self._overdue.set(waiting)

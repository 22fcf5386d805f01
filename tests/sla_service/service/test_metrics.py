"""Figures of the SLA service: timers that run, those that are due soon, alarms that should have rung, notices that were given."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from fristwerk_platform.metrics import Metrics
from fristwerk_platform.read_models import write
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.projections.projector import Projector
from sla_service.queries.metrics import TimerMetrics
from tests.sla_service.service.conftest import Clock, Service


class Measured:
    """The service's parts, wired to figures."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.metrics = Metrics()
        self.figures = TimerMetrics(service.database, self.metrics, clock)
        outbox = Outbox(clock, service.outbox._new_id, self.figures.count_notices)
        service.projector = Projector(outbox)
        service.watch = Watch(service.database, outbox, clock)

    def of(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"fristwerk_{name}", labels)


@pytest.fixture
def measured(service: Service, clock: Clock) -> Measured:
    return Measured(service, clock)


async def test_timers_are_counted_by_metric_and_those_due_within_half_an_hour_apart(
    service: Service, clock: Clock, measured: Any
) -> None:
    clock.set("2026-06-09 06:00")
    service.log.ticket("t1", "2026-06-09 06:00").ticket("t2", "2026-06-09 06:20")
    await service.apply()

    await measured.figures.measure()
    running = measured.of("timers_running", metric="first_response")
    clock.set("2026-06-09 07:35")
    await service.look()  # a warning is due by now
    await measured.figures.measure()

    assert running == 2
    assert measured.of("timers_running", metric="first_response") == 2
    assert measured.of("timers_due", metric="first_response") == 1
    assert measured.of("alarms_overdue") == 0


async def test_an_alarm_is_overdue_until_it_rings(service: Service, clock: Clock, measured: Any) -> None:
    clock.set("2026-06-09 06:00")
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-09 12:00")

    await measured.figures.measure()
    before = measured.of("alarms_overdue")
    await service.look()
    await measured.figures.measure()

    assert before >= 1
    assert measured.of("alarms_overdue") == 0
    assert measured.of("timers_running", metric="first_response") is None


async def test_notices_are_counted_by_type_once_they_are_stored(service: Service, clock: Clock, measured: Any) -> None:
    clock.set("2026-06-09 06:00")
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-09 12:00")
    await service.look()

    types = await service.types()

    assert "TimerMissed" in types
    for each in set(types):
        assert measured.of("notices_total", type=each) == types.count(each)


async def test_a_notice_that_was_not_stored_in_the_end_is_not_counted(
    service: Service, clock: Clock, measured: Any
) -> None:
    clock.set("2026-06-09 06:00")
    service.log.ticket("t1", "2026-06-09 06:00")
    batch = service.log.news()

    with suppress(LookupError):
        async with service.database.transaction() as connection:
            await write(connection, *await service.projector.apply(connection, batch))
            raise LookupError("the power fails")

    assert measured.of("notices_total", type="TimerStarted") is None
    await service.apply(batch)
    assert measured.of("notices_total", type="TimerStarted") >= 1

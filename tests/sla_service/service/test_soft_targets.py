"""A soft target warns: a notice like the others, once, and never after the binding deadline was missed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select

from fristwerk_platform.read_models import add
from sla_service.notices.outbox import MutedOutbox
from sla_service.projections.tables import alarms
from tests.sla_service.service.conftest import Clock, Service

TIMER = "t1:first_response"
DEDICATED: dict[str, Any] = {
    "agreement": "liveagent",
    "calendar": "liveagent-office",
    "channel": "dedicated_email",
    "severity": "standard",
    "addons": ["dedicated_support"],
    "plan": "all_inclusive",
}
"""Due after 2 business hours, expected after 1: received on Monday at 10:00 in Berlin, 08:00 UTC."""


async def told(service: Service) -> list[tuple[str, str | None]]:
    return [(each.type, each.data.get("rule")) for each in await service.told() if each.timer == TIMER]


async def test_a_soft_target_that_passes_is_told_once_before_the_miss(service: Service, clock: Clock) -> None:
    clock.set("2026-07-06 08:00")
    service.log.ticket("t1", "2026-07-06 08:00", **DEDICATED)
    await service.apply()
    clock.set("2026-07-06 09:00:00")
    await service.look()
    assert await told(service) == [("TimerStarted", None)], "an answer at the very instant is in time"
    clock.set("2026-07-06 09:00:01")
    await service.look()
    await service.look()
    clock.set("2026-07-06 10:00:01")
    await service.look()
    assert await told(service) == [("TimerStarted", None), ("TimerWarned", "soft"), ("TimerMissed", None)]
    warned, missed = [each for each in await service.told("TimerWarned", "TimerMissed") if each.timer == TIMER]
    assert (warned.data["warn_at"], missed.data["missed_at"]) == ("2026-07-06T09:00:00Z", "2026-07-06T10:00:00Z")


async def test_after_a_downtime_the_warning_still_comes_before_the_miss(service: Service, clock: Clock) -> None:
    clock.set("2026-07-09 08:00")
    service.log.ticket("t1", "2026-07-06 08:00", **DEDICATED)
    await service.apply()
    await service.look()
    assert await told(service) == [("TimerStarted", None), ("TimerWarned", "soft"), ("TimerMissed", None)]


async def test_an_answer_before_the_soft_target_needs_no_warning(service: Service, clock: Clock) -> None:
    clock.set("2026-07-06 08:00")
    service.log.ticket("t1", "2026-07-06 08:00", **DEDICATED).answer("t1", "2026-07-06 08:59")
    await service.apply()
    clock.set("2026-07-06 12:00")
    await service.look()
    assert ("TimerWarned", "soft") not in await told(service)


@pytest.mark.parametrize("way", ["event", "rebuild"])
async def test_a_miss_told_before_soft_targets_warned_is_not_followed_by_one(
    service: Service, clock: Clock, way: str
) -> None:
    """As after an upgrade: the miss was announced by a version that knew no such warning."""
    clock.set("2026-07-06 10:00:01")
    service.log.ticket("t1", "2026-07-06 08:00", **DEDICATED)
    await service.apply()
    async with service.database.transaction() as connection:
        await connection.execute(delete(alarms).where(alarms.c.rule == "soft"))
    await service.look()
    assert await told(service) == [("TimerStarted", None), ("TimerMissed", None)]
    if way == "event":
        service.log.severity("t1", "2026-07-06 09:00", "bugfix").severity("t1", "2026-07-06 09:01", "standard")
        await service.apply()
    else:
        async with service.database.transaction() as connection:
            row = {"timer": TIMER, "kind": "warned", "rule": "soft", "at": clock.now}
            await add(connection, alarms, [row])
            await MutedOutbox().settle(connection)
    async with service.database.reading() as connection:
        assert (await connection.execute(select(alarms.c.rule).where(alarms.c.timer == TIMER))).all() == []

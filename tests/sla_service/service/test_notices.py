"""Notices: what happened to a timer is told once, however often and in whatever portions its events arrive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from fristwerk_language.events import Event, UnknownEvent, decode_tolerantly, tickets
from fristwerk_platform.subscriptions import FeedPage, Subscription
from sla_service.projections import tables
from sla_service.projections.tables import histories, timers
from tests.sla_service.conftest import Published
from tests.sla_service.service.conftest import Clock, Service

FIRST = "t1:first_response"


async def test_a_timer_starts_is_warned_of_and_missed_and_each_is_told_once(service: Service, clock: Clock) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").severity("t1", "2026-06-09 06:00", "kritisch")
    await service.apply()
    assert await service.types() == ["TimerStarted"]

    clock.set("2026-06-09 07:30:01")
    await service.look()
    await service.look()
    assert await service.types() == ["TimerStarted", "TimerWarned"]

    clock.set("2026-06-09 08:00:01")
    await service.look()
    await service.look()
    assert await service.types() == ["TimerStarted", "TimerWarned", "TimerMissed"]


async def test_an_answer_at_the_due_instant_is_in_time_and_the_watch_does_not_ring_before_it_has_passed(
    service: Service, clock: Clock
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-09 08:00:00")
    await service.look()
    assert "TimerMissed" not in await service.types()

    service.log.answer("t1", "2026-06-09 08:00")
    await service.apply()
    clock.move(hours=1)
    await service.look()
    (met,) = await service.told("TimerMet", "TimerMissed")
    assert (met.type, met.data["met_at"]) == ("TimerMet", "2026-06-09T08:00:00Z")


async def test_applying_a_batch_again_tells_nothing_again(service: Service, clock: Clock) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").answer("t1", "2026-06-09 09:00")
    batch = service.log.news()
    await service.apply(batch)
    clock.set("2026-06-09 09:00:01")
    await service.look()
    told = await service.told()

    await service.apply(batch)
    await service.look()
    await service.apply(batch[1:])
    await service.look()
    assert await service.told() == told
    assert [each.type for each in told if each.timer == FIRST] == ["TimerStarted", "TimerMissed"]


@pytest.mark.parametrize("portion", [1, 2, 7])
async def test_the_portions_in_which_events_arrive_do_not_matter_for_what_ended(
    service: Service, clock: Clock, portion: int
) -> None:
    clock.set("2026-06-12 12:00")
    for number in range(4):
        ticket = f"t{number}"
        service.log.ticket(ticket, f"2026-06-09 0{number + 6}:00").severity(ticket, "2026-06-09 10:00", "mittel")
        service.log.answer(ticket, f"2026-06-09 1{number}:30").at(ticket, "2026-06-10 10:00", tickets.Resolved())
    news = service.log.news()
    for start in range(0, len(news), portion):
        await service.apply(news[start : start + portion])
    await service.look()

    ended = sorted((each.timer, each.type) for each in await service.told("TimerMet", "TimerMissed"))
    assert ended == [
        ("t0:first_response", "TimerMissed"),
        ("t1:first_response", "TimerMissed"),
        ("t2:first_response", "TimerMet"),
        ("t3:first_response", "TimerMet"),
    ]


async def test_a_severity_whose_deadline_has_passed_already_is_missed_at_that_deadline_with_one_notice(
    service: Service, clock: Clock
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").severity("t1", "2026-06-09 06:05", "niedrig")
    await service.apply()
    clock.set("2026-06-09 09:00:05")
    service.log.severity("t1", "2026-06-09 09:00", "kritisch")
    await service.apply()
    await service.look()
    service.log.answer("t1", "2026-06-09 09:30")
    await service.apply()
    await service.look()

    missed, *more = await service.told("TimerMissed", "TimerMissWithdrawn", "TimerMet")
    assert more == []
    assert missed.data["due_at"] == missed.data["missed_at"] == "2026-06-09T08:00:00Z"
    assert missed.data["detected_at"] == "2026-06-09T09:00:05Z"
    (moved,) = [each for each in await service.told("TimerRescheduled") if each.data["why"] == "SeveritySet"]
    assert moved.data["new_due_at"] == "2026-06-09T08:00:00Z"


async def test_a_backdated_answer_withdraws_the_miss_and_both_stay_visible(service: Service, clock: Clock) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-09 11:00")
    await service.look()
    service.log.answer("t1", "2026-06-09 07:00")
    await service.apply()
    await service.look()

    assert (await service.types(FIRST))[-3:] == ["TimerMissed", "TimerMissWithdrawn", "TimerMet"]
    (withdrawn,) = await service.told("TimerMissWithdrawn")
    assert withdrawn.data["met_at"] == "2026-06-09T07:00:00Z"


@pytest.mark.parametrize(
    "fact",
    [tickets.Resolved(), tickets.SeveritySet(severity="niedrig")],
    ids=["resolved before the deadline", "another target"],
)
async def test_a_withdrawal_is_dated_by_the_fact_that_caused_it(service: Service, clock: Clock, fact: Event) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").severity("t1", "2026-06-09 06:05", "kritisch")
    await service.apply()
    clock.set("2026-06-09 11:00")
    await service.look()
    service.log.at("t1", "2026-06-09 07:00", fact)
    await service.apply()

    (withdrawn,) = [each for each in await service.told("TimerMissWithdrawn") if each.timer == FIRST]
    assert (withdrawn.data["met_at"], withdrawn.occurred_at) == (None, "2026-06-09T07:00:00Z")


async def test_a_miss_that_a_word_of_thanks_led_to_is_withdrawn_with_the_mark(service: Service, clock: Clock) -> None:
    served = {"channel": "dedicated_chat", "severity": "critical", "addons": ["dedicated_support"]}
    log = service.log.ticket("t1", "2026-06-20 01:00", "liveagent", calendar="liveagent-office", **served)
    log.answer("t1", "2026-06-20 01:30").at("t1", "2026-06-20 01:40", tickets.Resolved())
    log.at("t1", "2026-06-20 02:00", tickets.CustomerMessageReceived(channel="portal"))
    log.at("t1", "2026-06-20 02:00", tickets.Reopened())
    await service.apply()
    clock.set("2026-06-20 12:00")
    await service.look()
    assert [each.timer for each in await service.told("TimerMissed")] == ["t1:follow_up:4"]
    log.at("t1", "2026-06-20 10:00", tickets.NoAnswerNeeded(message=4, reopening=5, state="resolved"))
    await service.apply()

    (withdrawn,) = await service.told("TimerMissWithdrawn")
    assert (withdrawn.timer, withdrawn.data["met_at"]) == ("t1:follow_up:4", None)
    assert withdrawn.occurred_at == "2026-06-20T10:00:00Z"


async def test_a_withdrawn_miss_may_be_followed_by_a_second_one(service: Service, clock: Clock) -> None:
    service.log.ticket("t1", "2026-06-23 08:00", "digidesk", type="quick_high")
    await service.apply()
    timer = "t1:processing_started"
    clock.set("2026-06-23 10:30")
    await service.look()
    service.log.at("t1", "2026-06-23 09:00", tickets.InformationRequested())
    await service.apply()
    assert (await service.types(timer))[-2:] == ["TimerMissed", "TimerMissWithdrawn"]

    service.log.at("t1", "2026-06-23 11:00", tickets.InformationReceived())
    clock.set("2026-06-23 13:00")
    await service.apply()
    await service.look()
    first, second = [each for each in await service.told("TimerMissed") if each.timer == timer]
    assert (first.data["missed_at"], second.data["missed_at"]) == ("2026-06-23T10:00:00Z", "2026-06-23T12:00:00Z")


async def test_a_miss_that_proves_to_be_at_another_instant_is_withdrawn_and_told_anew(
    service: Service, clock: Clock
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").severity("t1", "2026-06-09 06:05", "mittel")
    await service.apply()
    clock.set("2026-06-10 12:00")
    await service.look()
    service.log.severity("t1", "2026-06-09 07:00", "kritisch")
    await service.apply()
    await service.look()

    last = [
        (each.type, each.data.get("missed_at"))
        for each in await service.told("TimerMissed", "TimerMissWithdrawn")
        if each.timer == FIRST
    ]
    assert last == [
        ("TimerMissed", "2026-06-09T10:00:00Z"),
        ("TimerMissWithdrawn", None),
        ("TimerMissed", "2026-06-09T08:00:00Z"),
    ]


async def test_a_clock_that_was_set_back_an_hour_neither_withdraws_nor_repeats(service: Service, clock: Clock) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-09 08:10")
    await service.look()
    clock.move(hours=-1)
    await service.look()
    service.log.at("t1", "2026-06-09 07:05", tickets.Assigned(agent="a-1")).severity(
        "t1", "2026-06-09 07:06", "kritisch"
    )
    await service.apply()
    await service.look()
    clock.move(hours=2)
    await service.look()
    assert await service.types(FIRST) == ["TimerStarted", "TimerWarned", "TimerMissed"]


async def test_a_clock_that_jumps_ahead_rings_once_and_stays_quiet_when_it_is_set_back(
    service: Service, clock: Clock
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    for minutes in (65, -60, 60, -60, 120):
        clock.move(minutes=minutes)
        await service.look()
    clock.set("2026-06-09 12:00")
    await service.look()
    assert await service.types(FIRST) == ["TimerStarted", "TimerWarned", "TimerMissed"]


@pytest.mark.parametrize(
    ("received_at", "due_at"),
    [
        ("2026-03-29 00:30", "2026-03-29 01:30"),  # 01:30 CET; the clocks skip 02:00 to 03:00
        ("2026-10-25 00:30", "2026-10-25 01:30"),  # 02:30 CEST; 02:00 to 03:00 comes twice
    ],
)
async def test_in_the_nights_of_clock_changes_an_hour_is_an_hour_and_told_once(
    service: Service, clock: Clock, moment: Callable[[str], datetime], received_at: str, due_at: str
) -> None:
    clock.set(received_at)
    service.log.ticket(
        "t1",
        received_at,
        "liveagent",
        calendar="liveagent-office",
        channel="dedicated_chat",
        severity="critical",
        addons=["dedicated_support"],
        plan="all_inclusive",
    )
    await service.apply()
    end = moment(due_at)
    while clock.now < end + timedelta(hours=3):
        clock.move(minutes=10)
        await service.look()
    (missed,) = await service.told("TimerMissed")
    assert missed.data["missed_at"] == f"{end:%Y-%m-%dT%H:%M:%SZ}"


async def test_after_three_days_of_downtime_everything_overdue_is_told_once_in_the_order_of_its_deadlines(
    service: Service, clock: Clock
) -> None:
    """Misses that nobody ended and misses that the history proves come in one order, whatever the tickets' ids."""
    for number, hour in enumerate((9, 6, 8, 7, 10)):
        service.log.ticket(f"t{number}", f"2026-06-09 {hour:02}:00")
    await service.apply()
    clock.set("2026-06-12 14:00")
    service.log.answer("t2", "2026-06-12 07:00").answer("t1", "2026-06-09 07:00")
    for number, hour in ((7, 8), (6, 9)):
        service.log.ticket(f"t{number}", f"2026-06-10 {hour:02}:00").answer(f"t{number}", "2026-06-11 08:00")
    await service.apply()
    await service.look()

    missed = await service.told("TimerMissed")
    instants = [each.data["missed_at"] for each in missed]
    assert instants == sorted(instants)
    assert [each.timer.partition(":")[0] for each in missed] == ["t3", "t2", "t0", "t4", "t7", "t6"]
    assert len(await service.told("TimerMet")) == 1


async def test_more_work_than_the_limit_is_warned_of_and_missed_inside_the_entry(
    service: Service, clock: Clock
) -> None:
    service.log.ticket("t1", "2026-06-23 08:00", "digidesk")
    entry = tickets.TimeLogged(
        entry="e-1", start=service.clock.now.replace(day=23, hour=8), minutes=50, activity="help", agent="a-1"
    )
    service.log.at("t1", "2026-06-23 08:50", entry)
    clock.set("2026-06-23 09:00")
    await service.apply()
    await service.look()
    timer = "t1:effort_notice"
    assert await service.types(timer) == ["TimerStarted", "TimerWarned"]

    more = msgspec.structs.replace(entry, entry="e-2", start=entry.start + timedelta(hours=1), minutes=30)
    service.log.at("t1", "2026-06-23 09:30", more)
    clock.set("2026-06-23 09:31")
    await service.apply()
    await service.look()
    assert await service.types(timer) == ["TimerStarted", "TimerWarned", "TimerMissed"]
    assert (await service.told("TimerMissed"))[-1].data["missed_at"] == "2026-06-23T09:10:00Z"


async def test_a_timer_that_the_history_no_longer_knows_is_cancelled_and_its_miss_withdrawn(
    service: Service, clock: Clock
) -> None:
    """The resolution, entered late, came before the answer: then that answer opened nothing more."""
    log = service.log.ticket(
        "t1",
        "2026-06-20 01:00",
        "liveagent",
        calendar="liveagent-office",
        channel="dedicated_chat",
        severity="critical",
        addons=["dedicated_support"],
        plan="all_inclusive",
    )
    log.answer("t1", "2026-06-20 01:30")
    clock.set("2026-06-20 06:00")
    await service.apply()
    await service.look()
    (follow_up,) = await service.told("TimerMissed")
    log.at("t1", "2026-06-20 01:20", tickets.Resolved())
    await service.apply()
    await service.look()
    assert (await service.types(follow_up.timer))[-2:] == ["TimerMissWithdrawn", "TimerCancelled"]


async def test_equal_warnings_of_an_agreement_are_told_once(
    service: Service, clock: Clock, published: Published
) -> None:
    event = published["agreements/infoniqa"]
    document = event.document | {"agreement": "twice", "warn_at": ["1 business hours", "60 business minutes"]}
    service.log.publish(msgspec.structs.replace(event, name="twice", document=document))
    service.log.ticket("t1", "2026-06-09 06:00", "twice", calendar="infoniqa")
    await service.apply()
    clock.set("2026-06-09 08:30")
    await service.look()
    assert await service.types() == ["TimerStarted", "TimerWarned", "TimerMissed"]


async def test_each_provider_reads_its_own_notices_in_lines_like_every_other_fact(
    service: Service, published: Published
) -> None:
    for name in ("calendars/infoniqa", "agreements/infoniqa"):
        service.log.publish(published[name], provider="q")
    service.log.ticket("t1", "2026-06-09 06:00").ticket("t2", "2026-06-09 06:00", provider="q")
    await service.apply()
    lines = [msgspec.json.decode(line) for line in (await service.feed.page(0, 10, 0)).lines]
    assert [(each["provider"], each["stream"], each["version"]) for each in lines] == [
        ("p", "timer-t1:first_response", 1),
        ("q", "timer-t2:first_response", 1),
    ]
    assert lines[0]["actor"] == {"id": "sla-service", "role": "service"}
    assert lines[0]["occurred_at"] == "2026-06-09T06:00:00Z"


class LinesFeed:
    """A feed of lines; ``last`` is the source's highest position."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:  # noqa: ARG002 - a feed's signature
        lines = self._lines[after : after + limit]
        return FeedPage(lines=lines, next=after + len(lines), last=len(self._lines))


async def test_an_unknown_type_is_skipped_and_what_follows_it_is_applied(service: Service) -> None:
    log = service.log.ticket("t1", "2026-06-09 06:00").answer("t1", "2026-06-09 07:00")
    lines = list(log.lines)
    lines[-1] = lines[-1].replace(b'"type":"Responded"', b'"type":"SungTo"')
    log.answer("t1", "2026-06-09 07:30")
    follower = Subscription(
        source="ticket-service",
        feed=LinesFeed([*lines, log.lines[-1]]),
        decode=decode_tolerantly,
        database=service.database,
        checkpoints=tables.checkpoints,
        apply=service.projector.apply,
    )
    await follower.step(0)
    (met,) = await service.told("TimerMet")
    assert met.data["met_at"] == "2026-06-09T07:30:00Z"
    async with service.database.reading() as connection:
        kept = (await connection.execute(select(histories.c.version).where(histories.c.ticket == "t1"))).scalars().all()
        assert kept == [1, 3]
        assert len((await connection.execute(select(timers.c.timer))).all()) == 1
    assert issubclass(UnknownEvent, msgspec.Struct)

"""The SLA service's own feed over HTTP: resumable from any position, filtered, and it answers the moment a notice is given."""

from __future__ import annotations

import asyncio
import json
import time


def lines(answer) -> list[dict]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_the_feed_is_read_in_pages_from_wherever_a_reader_stopped(day) -> None:
    whole = lines(await day.ask("/v1/events", role="service"))
    assert [each["position"] for each in whole] == sorted({each["position"] for each in whole})
    assert all(each["provider"] == "infoniqa" and each["stream"].startswith("timer-") for each in whole)
    seen, after = [], 0
    while True:
        answer = await day.ask("/v1/events", role="service", after=after, limit=3)
        after = int(answer.headers["Fristwerk-Next-Position"])
        if not answer.text:
            break
        seen += lines(answer)
    assert seen == whole


async def test_each_timer_of_the_recorded_day_has_its_notices_once(day) -> None:
    whole = lines(await day.ask("/v1/events", role="service"))
    told = [(each["data"]["timer"], each["type"]) for each in whole if each["type"] != "TimerRescheduled"]
    assert len(told) == len(set(told))
    ended = {timer: type_ for timer, type_ in told if type_ in {"TimerMet", "TimerMissed"}}
    assert ended[f"{day.id('import')}:first_response"] == "TimerMissed"
    assert sorted(ended.values()) == ["TimerMet"] * 4 + ["TimerMissed"]


async def test_a_reader_that_waits_is_answered_the_moment_a_notice_is_given(day) -> None:
    answer = await day.ask("/v1/events", role="service")
    after = int(answer.headers["Fristwerk-Next-Position"])
    waiting = asyncio.create_task(day.ask("/v1/events", role="service", after=after, wait=10))
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    customer = day.id("muster", "customer")
    body = {"customer": customer, "channel": "email", "subject": "Neu", "received_at": "2026-06-09T08:00:00+02:00"}
    ticket = (await day.done("/v1/tickets", body))["ticket"]["id"]
    new = lines(await waiting)
    assert time.monotonic() - begun < 5
    assert new[0]["data"]["timer"] == f"{ticket}:first_response"
    assert new[0]["type"] == "TimerStarted"


async def test_filters_narrow_the_feed_and_it_always_says_where_to_go_on(day) -> None:
    answer = await day.ask("/v1/events", role="service", type="TimerMissed")
    assert {each["type"] for each in lines(answer)} == {"TimerMissed"}
    nothing = await day.ask("/v1/events", role="service", stream="timer-nobody")
    assert nothing.text == ""
    assert "next" in nothing.links

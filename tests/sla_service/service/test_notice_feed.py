"""The SLA service's own feed over HTTP: resumable from any position, filtered, and it answers the moment a notice is given."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tests.sla_service.service.conftest import Desk


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_the_feed_is_read_in_pages_from_wherever_a_reader_stopped(day: Desk) -> None:
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


async def test_what_the_feed_leaves_standing_is_what_the_timers_say(day: Desk) -> None:
    """The day was entered months later: misses that a later entry disproved are withdrawn again, each as often as told."""
    whole = lines(await day.ask("/v1/events", role="service"))
    standing: dict[str, int] = {}
    for each in whole:
        step = {"TimerMissed": 1, "TimerMissWithdrawn": -1}.get(each["type"], 0)
        standing[each["data"]["timer"]] = standing.get(each["data"]["timer"], 0) + step
    states = {each["id"]: each["state"] for each in (await day.read("/v1/timers", limit=200))["items"]}
    assert standing == {timer: int(state == "missed") for timer, state in states.items()}
    for type_ in ("TimerStarted", "TimerMet"):
        told = [each["data"]["timer"] for each in whole if each["type"] == type_]
        assert len(told) == len(set(told))
    assert sum(each["type"] == "TimerMet" for each in whole) == 4


async def test_a_reader_that_waits_is_answered_the_moment_a_notice_is_given(day: Desk) -> None:
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


async def test_filters_narrow_the_feed_and_it_always_says_where_to_go_on(day: Desk) -> None:
    answer = await day.ask("/v1/events", role="service", type="TimerMissed")
    assert {each["type"] for each in lines(answer)} == {"TimerMissed"}
    nothing = await day.ask("/v1/events", role="service", stream="timer-nobody")
    assert nothing.text == ""
    assert "next" in nothing.links

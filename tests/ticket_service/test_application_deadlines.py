"""Deadlines that are followed: what is known of a ticket, as of which position, and what a rebuild at the source undoes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest

from ticket_service.application import deadlines as following
from ticket_service.application.deadlines import Deadlines, ShownDeadline

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


def changed(ticket: str, position: int, state: str = "running", due_at: str | None = "2026-06-03T14:00:00Z") -> Any:
    ended = "2026-06-03T11:00:00Z" if state in ("met", "missed") else None
    timer = {
        "timer": f"{ticket}:resolution",
        "metric": "resolution",
        "state": state,
        "started_at": "2026-06-03T10:00:00Z",
        "due_at": due_at,
        "ended_at": ended,
    }
    return {"ticket": ticket, "provider": "p", "position": position, "parked": False, "next": timer}


class Source:
    """A SLA service that answers pages of what it is told; what is after them waits."""

    def __init__(self) -> None:
        self.position = 0
        self.read_model = 1
        self.items: list[Any] = []
        self.down = False
        self.asked: list[dict[str, str]] = []
        self.more = asyncio.Event()

    def tell(self, position: int, *items: Any) -> None:
        self.position = position
        self.items += items
        self.more.set()

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        self.asked.append(query)
        if self.position == int(query["position"]) and float(query["wait"]) and not self.down:
            self.more.clear()
            await self.more.wait()
        cursor = (int(query["position"]), query.get("after", ""))
        found = sorted(self.items, key=lambda each: (each["position"], each["ticket"]))
        page = [each for each in found if (each["position"], each["ticket"]) > cursor][: int(query["limit"])]
        full = len(page) == int(query["limit"])
        following = (
            {"position": page[-1]["position"], "after": page[-1]["ticket"]} if full else {"position": self.position}
        )
        body = {"position": self.position, "read_model": self.read_model, "items": page, "next": following}
        await send({"type": "http.response.start", "status": 503 if self.down else 200, "headers": []})
        await send({"type": "http.response.body", "body": msgspec.json.encode(body)})


@asynccontextmanager
async def followed(source: Source) -> AsyncIterator[Deadlines]:
    """Deadlines that follow the source and have read what it has."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(source), base_url="http://sla")
    deadlines = Deadlines(client, lambda: "token", lambda: NOW)
    task = asyncio.create_task(deadlines.run())
    try:
        await deadlines.asked_for()
        yield deadlines
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()


async def until(held: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not held():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0)


def shown(deadlines: Deadlines, ticket: str, position: int, now: datetime = NOW) -> tuple[str | None, str]:
    deadline, standing = deadlines.of(ticket, position, now)
    return (deadline.state if isinstance(deadline, ShownDeadline) else None), standing


async def test_nothing_is_followed_before_a_list_is_asked_for() -> None:
    source = Source()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(source), base_url="http://sla")
    task = asyncio.create_task(Deadlines(client, lambda: "token", lambda: NOW).run())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.aclose()
    assert source.asked == []


async def test_a_deadline_is_current_up_to_the_position_that_was_derived_and_behind_it_beyond() -> None:
    source = Source()
    source.tell(7, changed("a", 5))
    async with followed(source) as deadlines:
        assert shown(deadlines, "a", 5) == ("running", "current")
        assert shown(deadlines, "a", 8) == ("running", "behind")
        assert shown(deadlines, "b", 8) == (None, "behind")
        assert [deadlines.freshness(each).state for each in (7, 8)] == ["current", "behind"]
        source.tell(8, changed("a", 8, "met"))
        await until(lambda: deadlines.freshness(8).state == "current")
        assert shown(deadlines, "a", 8) == ("met", "current")


@pytest.mark.parametrize(
    ("state", "due_at", "at", "now"),
    [
        ("running", "2026-06-03T14:00:00Z", "running", datetime(2026, 6, 3, 14, tzinfo=UTC)),
        ("running", "2026-06-03T14:00:00Z", "missed", datetime(2026, 6, 3, 14, 0, 1, tzinfo=UTC)),
        ("paused", "2026-06-03T14:00:00Z", "paused", datetime(2026, 6, 4, tzinfo=UTC)),
        ("running", None, "running", datetime(2026, 6, 4, tzinfo=UTC)),
    ],
)
async def test_what_runs_is_missed_once_its_deadline_has_passed(
    state: str, due_at: str | None, at: str, now: datetime
) -> None:
    source = Source()
    source.tell(5, changed("a", 5, state, due_at))
    async with followed(source) as deadlines:
        assert shown(deadlines, "a", 5, now) == (at, "current")


async def test_a_parked_ticket_shows_no_deadline() -> None:
    source = Source()
    source.tell(5, changed("a", 5) | {"parked": True})
    async with followed(source) as deadlines:
        assert shown(deadlines, "a", 5) == (None, "parked")


async def test_pages_are_read_to_the_end_before_anything_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PAGE", 2)
    source = Source()
    source.tell(9, *(changed(name, 0) for name in "abcde"))
    async with followed(source) as deadlines:
        assert {shown(deadlines, name, 9) for name in "abcde"} == {("running", "current")}
    assert len(source.asked) >= 3


@pytest.mark.parametrize(("read_model", "position"), [(2, 9), (1, 3)])
async def test_a_source_that_was_rebuilt_or_went_back_is_read_from_the_beginning(
    read_model: int, position: int
) -> None:
    source = Source()
    source.tell(7, changed("a", 5), changed("b", 6))
    async with followed(source) as deadlines:
        source.read_model, source.items = read_model, []
        source.tell(position, changed("a", 2, "paused"))
        await until(lambda: shown(deadlines, "a", 2) == ("paused", "current"))
        assert shown(deadlines, "b", position) == (None, "unknown")


async def test_a_source_that_fails_is_unavailable_until_it_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.001)
    source = Source()
    source.tell(7, changed("a", 5))
    async with followed(source) as deadlines:
        source.down = True
        source.more.set()
        await until(lambda: deadlines.freshness(7).state == "unavailable")
        assert shown(deadlines, "a", 5) == ("running", "current")
        source.down = False
        await until(lambda: deadlines.freshness(7).state == "current")
    assert deadlines.freshness(7).heard_at == NOW


async def test_of_deadlines_that_ended_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "KEPT_ENDED", 2)
    source = Source()
    source.tell(9, *(changed(name, place, "met") for place, name in enumerate("abc", start=1)), changed("d", 4))
    async with followed(source) as deadlines:
        assert shown(deadlines, "a", 1) == (None, "unknown")
        assert {shown(deadlines, name, 4) for name in "bc"} == {("met", "current")}
        assert shown(deadlines, "d", 4) == ("running", "current")

"""A command that is sent again counts once and gets the same answer, whatever was lost on the way; without its key it doubles."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from fristwerk_local.client import Client

SHORT, LONG = 2, 30
"""Tickets of about ten commands each, at four desks."""
AT_ONCE = 4
LOST = 0.3


class Unreliable(httpx.AsyncBaseTransport):
    """Loses answers after the service has given them, and the keys of commands where it is told to."""

    def __init__(self, way: httpx.AsyncBaseTransport, lot: random.Random, *, keeps_keys: bool) -> None:
        self._way = way
        self._lot = lot
        self._keeps_keys = keeps_keys
        self.lost = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._keeps_keys:
            headers = httpx.Headers(request.headers)
            headers.pop("Idempotency-Key", None)
            stream, extensions = request.stream, request.extensions
            request = httpx.Request(request.method, request.url, headers=headers, stream=stream, extensions=extensions)
        answer = await self._way.handle_async_request(request)
        if request.method == "POST" and self._lot.random() < LOST:
            await answer.aread()
            self.lost += 1
            raise httpx.ReadError("the answer was lost", request=request)
        return answer


def repeating(office_type: type[Any], lot: random.Random) -> type[Any]:
    """An office whose every command is sent two to five times, at once or one after the other."""

    class Repeating(office_type):  # type: ignore[misc]  # the class comes from a fixture
        sent = 0
        differing = 0

        async def answered(self, path: str, body: Mapping[str, Any], role: str, key: str) -> httpx.Response:
            times = lot.randrange(2, 6)
            at_once = lot.randrange(1, times + 1)
            answer = super().answered
            answers = list(await asyncio.gather(*(answer(path, body, role, key) for _ in range(at_once))))
            answers += [await answer(path, body, role, key) for _ in range(times - at_once)]
            self.sent += times
            self.differing += len({(each.status_code, each.content) for each in answers}) - 1
            first: httpx.Response = answers[0]
            return first

    return Repeating


@asynccontextmanager
async def day(
    stack: Any, office_type: type[Any], tickets: int, *, keeps_keys: bool
) -> AsyncIterator[tuple[Any, Unreliable]]:
    """The tickets of a day over a way that loses answers."""
    lot = random.Random(tickets)  # noqa: S311 - drawn again by the seed
    way = Unreliable(stack.clients["ticket"]._transport, lot, keeps_keys=keeps_keys)
    async with httpx.AsyncClient(transport=way, base_url="http://ticket") as over_it:
        office = repeating(office_type, lot)(Client({**stack.clients, "ticket": over_it}, stack.issue), tickets)
        await office.open()

        async def desk() -> None:
            for _ in range(tickets):
                await office.ticket()

        await asyncio.gather(*(desk() for _ in range(AT_ONCE)))
        yield office, way


async def test_a_retried_command_counts_once(stack: Any, open_office: Any, promise: Any, *, long: bool) -> None:
    async with day(stack, open_office, LONG if long else SHORT, keeps_keys=True) as (office, way):
        recorded = await office.recorded()

    assert {each: tuple(place) for each, *place in recorded} == office.acknowledged
    assert len(recorded) == len(office.acknowledged)
    assert office.differing == 0
    assert way.lost > office.commands / 2
    sent = f"{office.commands:,} commands sent {office.sent:,} times, {way.lost:,} answers lost"
    promise.figures = f"{sent}: 0 doubles, all answers of a command the same"


async def test_without_its_key_a_retried_command_is_doubled(stack_on_sqlite: Any, open_office: Any) -> None:
    with pytest.raises(AssertionError):
        async with day(stack_on_sqlite, open_office, 1, keeps_keys=False) as (office, _):
            assert len(await office.recorded()) == len(office.acknowledged)

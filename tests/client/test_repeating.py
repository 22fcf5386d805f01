"""Requests that are sent again: when, how often, and how a command still counts once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx
import pytest

from fristwerk_client import AsyncFristwerk, Fristwerk, InvalidError, Retrying, UnavailableError, expect, follow
from fristwerk_client.retrying import may_repeat, retry_after_seconds
from fristwerk_client.ticket.api.customers import register_customer
from fristwerk_client.ticket.models import RegisterBody
from tests.conftest import ServicesInOneProcess

AT_ONCE: Final = Retrying(first_pause_seconds=0.0)
BODY: Final = RegisterBody(name="Muster Treuhand AG", kind="company")
PROBLEM: Final = {"type": "/problems/x", "title": "X", "status": 503, "detail": "Later.", "instance": "/v1/customers"}


class Dropping(httpx.AsyncBaseTransport):
    """Loses the first answers after the service has given them."""

    def __init__(self, way: httpx.AsyncClient, lost: int) -> None:
        self._way = way
        self._lost = lost
        self.keys: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        answer = await self._way.send(request)
        if len(self.keys) <= self._lost:
            raise httpx.ReadError("the answer was lost", request=request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


async def registered(services: ServicesInOneProcess) -> int:
    """How many customers the log has."""
    follower = AsyncFristwerk(services.clients, services.token("service")).requests["ticket"]
    pages = follow(follower, 0, event_type="CustomerRegistered", until_end=True)
    return sum([len(events) async for _, events in pages])


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_a_command_whose_answers_are_lost_counts_once(stack_on_sqlite: ServicesInOneProcess, lost: int) -> None:
    way = Dropping(stack_on_sqlite.clients["ticket"], lost)
    over_it = httpx.AsyncClient(transport=way, base_url="http://ticket")
    admin = AsyncFristwerk({"ticket": over_it}, stack_on_sqlite.token("admin"), retrying=AT_ONCE)

    answer = expect(await register_customer.asyncio_detailed(client=admin.ticket, body=BODY))

    assert answer.customer.name == BODY.name
    assert len(way.keys) == lost + 1
    assert len(set(way.keys)) == 1
    assert None not in way.keys
    assert await registered(stack_on_sqlite) == 1


async def test_two_commands_have_two_keys(stack_on_sqlite: ServicesInOneProcess) -> None:
    way = Dropping(stack_on_sqlite.clients["ticket"], 0)
    over_it = httpx.AsyncClient(transport=way, base_url="http://ticket")
    admin = AsyncFristwerk({"ticket": over_it}, stack_on_sqlite.token("admin"))

    for _ in range(2):
        expect(await register_customer.asyncio_detailed(client=admin.ticket, body=BODY))

    assert len(set(way.keys)) == 2
    assert await registered(stack_on_sqlite) == 2


async def test_a_key_of_ones_own_is_kept_and_guards_against_another_command(
    stack_on_sqlite: ServicesInOneProcess,
) -> None:
    admin = AsyncFristwerk(stack_on_sqlite.clients, stack_on_sqlite.token("admin"))
    operation = register_customer.asyncio_detailed
    first = expect(await operation(client=admin.ticket, body=BODY, idempotency_key="import-17"))
    again = expect(await operation(client=admin.ticket, body=BODY, idempotency_key="import-17"))

    assert again == first
    other = RegisterBody(name="Andere AG", kind="company")
    with pytest.raises(InvalidError, match="used for another request"):
        expect(await operation(client=admin.ticket, body=other, idempotency_key="import-17"))
    assert await registered(stack_on_sqlite) == 1


async def test_a_command_without_a_key_is_never_sent_again(stack_on_sqlite: ServicesInOneProcess) -> None:
    way = Dropping(stack_on_sqlite.clients["ticket"], 1)
    over_it = httpx.AsyncClient(transport=way, base_url="http://ticket")
    token = stack_on_sqlite.token("admin")
    admin = AsyncFristwerk({"ticket": over_it}, token, retrying=AT_ONCE, new_key=None)

    with pytest.raises(httpx.ReadError):
        await register_customer.asyncio_detailed(client=admin.ticket, body=BODY)

    assert way.keys == [None]


def scripted(
    *answers: httpx.Response | Exception,
) -> tuple[Callable[[httpx.Request], httpx.Response], list[str | None]]:
    """A service that gives these answers in turn, and the keys that it was sent."""
    keys: list[str | None] = []

    def handle(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers.get("Idempotency-Key"))
        answer = answers[len(keys) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle, keys


def test_without_await_the_same_key_is_sent_until_there_is_an_answer() -> None:
    busy = httpx.Response(503, json=PROBLEM, headers={"Retry-After": "0"})
    gone = httpx.Response(404, json=PROBLEM | {"status": 404, "detail": "There is none."})
    handle, keys = scripted(httpx.ConnectError("refused"), busy, httpx.Response(429), gone)
    with Fristwerk(
        {"ticket": httpx.Client(transport=httpx.MockTransport(handle), base_url="http://t")}, "t", retrying=AT_ONCE
    ) as f:
        answer = register_customer.sync_detailed(client=f.ticket, body=BODY)

    assert answer.status_code == 404
    assert len(keys) == 4
    assert len(set(keys)) == 1


def test_patience_ends_with_the_last_answer() -> None:
    handle, keys = scripted(*[httpx.Response(503, json=PROBLEM, headers={"Retry-After": "0"})] * 3)
    client = httpx.Client(transport=httpx.MockTransport(handle), base_url="http://t")
    impatient = Retrying(first_pause_seconds=0.0, tries=3)

    with (
        Fristwerk({"ticket": client}, "t", retrying=impatient) as fristwerk,
        pytest.raises(UnavailableError) as refused,
    ):
        expect(register_customer.sync_detailed(client=fristwerk.ticket, body=BODY))

    assert len(keys) == 3
    assert str(refused.value) == "Later."


def test_an_address_that_cannot_be_asked_is_not_asked_again() -> None:
    client = httpx.Client(base_url="localhost:8001")

    with Fristwerk({"ticket": client}, "t") as fristwerk, pytest.raises(httpx.UnsupportedProtocol):
        register_customer.sync_detailed(client=fristwerk.ticket, body=BODY)


def test_pauses_double_up_to_the_longest_and_are_spread_by_half() -> None:
    shortest, longest = Retrying(random=lambda: 0.0), Retrying(random=lambda: 1.0)

    assert [shortest.pause_seconds(tried, 0.0) for tried in (1, 2, 3, 6, 7, 50)] == [0.05, 0.1, 0.2, 1.6, 2.0, 2.0]
    assert [longest.pause_seconds(tried, 0.0) for tried in (1, 2, 50)] == pytest.approx([0.075, 0.15, 3.0])


def test_a_pause_is_never_shorter_than_asked_and_never_beyond_the_patience() -> None:
    patient = Retrying(seconds=60.0, random=lambda: 1.0)

    assert patient.pause_seconds(1, 0.0, retry_after_seconds=5.0) == 7.5
    assert patient.pause_seconds(1, 55.0, retry_after_seconds=5.0) == 5.0
    assert patient.pause_seconds(1, 56.0, retry_after_seconds=5.0) is None
    assert Retrying(tries=1).pause_seconds(1, 0.0) is None


@pytest.mark.parametrize(
    ("method", "headers", "harmless"),
    [
        ("GET", {}, True),
        ("PUT", {}, True),
        ("PUT", {"If-Match": '"7"'}, False),
        ("POST", {}, False),
        ("POST", {"Idempotency-Key": "1"}, True),
        ("POST", {"Idempotency-Key": "1", "If-Match": '"7"'}, True),
        ("PATCH", {}, False),
    ],
)
def test_only_what_does_no_harm_twice_is_sent_again(method: str, headers: dict[str, str], *, harmless: bool) -> None:
    assert may_repeat(httpx.Request(method, "http://t/", headers=headers, content=b"x")) is harmless
    assert not may_repeat(httpx.Request(method, "http://t/", headers=headers, content=iter([b"x"])))


@pytest.mark.parametrize(("said", "seconds"), [("3", 3.0), ("", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)])
def test_retry_after_is_read_in_seconds(said: str, seconds: float) -> None:
    assert retry_after_seconds(httpx.Headers({"Retry-After": said})) == seconds

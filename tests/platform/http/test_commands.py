"""A command counts once, however often and however concurrently it is sent, and is decided on the version its sender knew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from starlette.types import Message

from fristwerk_language.events import Event, encode_event, new_event_id, read_line, tickets
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.commands import (
    CommandMetadata,
    CommandResult,
    NewFact,
    StreamChange,
    check_version,
    command_result,
    new_events,
    record,
)
from fristwerk_platform.event_log import EventLog, IdempotencyKey, StoredAnswer, VersionConflictError
from fristwerk_platform.http import (
    AuthenticationMiddleware,
    HttpModel,
    Instant,
    Routes,
    answer_to_one_append,
    as_response,
    command_metadata,
    create_api,
)
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import QueryParameters
from fristwerk_platform.settings import Settings

Bearer = Callable[..., dict[str, str]]
NOTE = "/v1/tickets/1/notes"


class Note(HttpModel):
    channel: str = "email"
    occurred_at: Instant | None = None


class Extra(QueryParameters):
    """A parameter that makes it another request."""

    x: int | None = None


class Pause:
    """What a command waits for between reading the state and storing what follows from it."""

    def __init__(self) -> None:
        self.wait: Callable[[], Awaitable[Any]] = partial(asyncio.sleep, 0)


@pytest.fixture
def database_settings(tmp_path: Path) -> Settings:
    """On SQLite only: the log's own tests show that databases make no difference."""
    return Settings(var=tmp_path)


@pytest.fixture
def pause() -> Pause:
    return Pause()


@pytest.fixture
def app(log: EventLog, tokens: Tokens, now: datetime, pause: Pause) -> FastAPI:
    """A service with a note, which may be added again and again, and a closing, which is refused the second time."""
    routes = Routes(tags=["tickets"])

    async def give(request: Request, ticket: str, note: Note, event: Event) -> Response:
        meta = await command_metadata(request, log, now, note.occurred_at)
        version = len(await log.read_stream(f"ticket-{ticket}"))
        await pause.wait()
        check_version(meta, version)
        if await _is_closed(log, ticket):
            raise Problem(409, f"Ticket {ticket} is closed.", code="ticket-closed")
        return as_response(await _store(log, meta, ticket, version, event))

    @routes.post("/tickets/{ticket}/notes", status_code=201)
    async def add_note(request: Request, ticket: str, query: Extra, body: Note) -> Response:  # noqa: ARG001 - its digest counts
        return await give(request, ticket, body, tickets.ProgressReported(channel=body.channel))

    @routes.post("/tickets/{ticket}/closing", status_code=201)
    async def close(request: Request, ticket: str, body: Note) -> Response:
        return await give(request, ticket, body, tickets.Closed())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    api = create_api(title="Tickets", description="Tickets", version="1", routers=[routes], lifespan=lifespan)
    api.add_middleware(AuthenticationMiddleware, tokens=tokens, now=lambda: now)
    return api


async def _is_closed(log: EventLog, ticket: str) -> bool:
    return any(read_line(each.line).type == "Closed" for each in await log.read_stream(f"ticket-{ticket}"))


async def _store(log: EventLog, meta: CommandMetadata, ticket: str, version: int, event: Event) -> Any:
    fact = NewFact(id=new_event_id(meta.now, bytes(10)), event=event, occurred_at=meta.occurred_at)
    lines = new_events(
        meta, [StreamChange(stream=f"ticket-{ticket}", after_version=version, facts=[fact])], encode_event
    )
    answer = command_result({"ticket": {"id": ticket}}, lines, version=version + 1)
    try:
        return await record(log, meta, lines, answer)
    except VersionConflictError as error:
        raise Problem(409, "Others were first.") from error


@pytest.fixture
async def client(app: FastAPI, bearer: Bearer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=bearer()) as http:
        yield http


def key(name: str = "key-1") -> dict[str, str]:
    return {"Idempotency-Key": name}


async def test_a_command_is_answered_with_its_events_and_the_new_version(
    client: httpx.AsyncClient, log: EventLog
) -> None:
    answer = await client.post(
        NOTE, json={"occurred_at": "2026-06-03T16:30:00+02:00"}, headers={"X-Correlation-Id": "c-7"}
    )

    stored = await log.read_feed(0, 10)
    (event,) = answer.json()["events"]
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert event == json.loads(stored[0].line)
    assert (event["occurred_at"], event["recorded_at"]) == ("2026-06-03T14:30:00Z", "2026-06-03T14:31:12.052000Z")
    assert (event["provider"], event["actor"]) == ("hamburg", {"id": "agent", "role": "agent"})
    assert (event["version"], event["correlation_id"]) == (1, "c-7")


async def test_a_repeated_command_gets_the_same_answer_to_the_byte_and_counts_once(
    client: httpx.AsyncClient, log: EventLog
) -> None:
    first = await client.post(NOTE, json={}, headers=key())
    await client.post(NOTE, json={})
    again = await client.post(NOTE, json={}, headers=key())

    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    assert len(await log.read_feed(0, 10)) == 2


async def test_a_command_without_a_key_counts_each_time(client: httpx.AsyncClient, log: EventLog) -> None:
    for _ in range(3):
        await client.post(NOTE, json={})

    assert len(await log.read_feed(0, 10)) == 3


@pytest.mark.parametrize(
    ("path", "body"),
    [(NOTE, b'{"channel": "phone"}'), (NOTE, b"{ }"), ("/v1/tickets/2/notes", b"{}"), (NOTE + "?x=1", b"{}")],
)
async def test_a_key_goes_with_one_request_only(
    client: httpx.AsyncClient, log: EventLog, path: str, body: bytes
) -> None:
    headers = key() | {"Content-Type": "application/json"}
    await client.post(NOTE, content=b"{}", headers=headers)

    other = await client.post(path, content=body, headers=headers)

    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(await log.read_feed(0, 10)) == 1


async def test_two_keys_are_refused(client: httpx.AsyncClient, log: EventLog) -> None:
    before = await log.last_position()
    headers = [("Idempotency-Key", "key-1"), ("Idempotency-Key", "key-2")]
    answer = await client.post(NOTE, json={}, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/header-repeated")
    assert await log.last_position() == before


@pytest.mark.parametrize("first", ['"1"', "*"])
async def test_two_versions_are_refused(client: httpx.AsyncClient, log: EventLog, first: str) -> None:
    """One of them would decide, and a proxy might have looked at the other."""
    await client.post(NOTE, json={})
    before = await log.last_position()
    answer = await client.post(NOTE, json={}, headers=[("If-Match", first), ("If-Match", '"9"')])

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/header-repeated")
    assert await log.last_position() == before


@pytest.mark.parametrize("given", ["", " ", "a b", "ä", "a\tb", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, log: EventLog, given: str) -> None:
    answer = await client.post(NOTE, json={}, headers={b"Idempotency-Key": given.encode("latin-1")})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key")
    assert await log.last_position() == 0


@pytest.mark.parametrize(
    "other",
    [
        {"role": "agent", "provider": "kiel"},
        {"role": "manager"},
        {"role": "customer", "customer": "customer-2"},
        {"role": "agent", "provider": 'hamburg","agent'},
    ],
    ids=str,
)
async def test_nobody_gets_another_s_answer(
    client: httpx.AsyncClient, bearer: Bearer, log: EventLog, other: dict[str, str]
) -> None:
    mine = bearer("customer", customer="customer-1") if other["role"] == "customer" else bearer()
    await client.post(NOTE, json={}, headers=mine | key())

    answer = await client.post(NOTE, json={}, headers=bearer(**other) | key())

    assert "idempotency-replayed" not in answer.headers
    assert len(await log.read_feed(0, 10)) == 2


async def test_of_concurrent_twins_one_counts_and_all_get_its_answer(
    client: httpx.AsyncClient, log: EventLog, pause: Pause
) -> None:
    pause.wait = asyncio.Barrier(8).wait

    answers = await asyncio.gather(*(client.post(NOTE, json={}, headers=key()) for _ in range(8)))

    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert sum("idempotency-replayed" in each.headers for each in answers) == 7
    assert len(await log.read_feed(0, 10)) == 1


async def test_a_twin_that_is_refused_for_what_the_other_did_gets_the_other_s_answer(
    client: httpx.AsyncClient, log: EventLog, pause: Pause
) -> None:
    first_is_answered = asyncio.Event()
    waits: Iterator[Callable[[], Awaitable[Any]]] = iter([first_is_answered.wait, partial(asyncio.sleep, 0)])
    pause.wait = lambda: next(waits)()  # noqa: PLW0108 - the next one, each time
    late = asyncio.create_task(client.post("/v1/tickets/1/closing", json={}, headers=key()))
    await asyncio.sleep(0.05)

    first = await client.post("/v1/tickets/1/closing", json={}, headers=key())
    first_is_answered.set()
    answer = await late

    assert {first.status_code, answer.status_code} == {201}
    assert first.content == answer.content
    assert len(await log.read_feed(0, 10)) == 1


async def test_a_command_that_is_one_append_does_not_ask_for_its_answer_before() -> None:
    class Unasked:
        async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
            raise AssertionError(key)

    state = {"principal": Principal(sub="a", role="agent", provider="p"), "correlation_id": "c"}
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "state": state}
    scope["headers"] = [(b"idempotency-key", b"k-1")]
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

    async def receive() -> Message:
        return next(messages)

    carried_out: list[CommandMetadata] = []

    async def carry_out(meta: CommandMetadata) -> CommandResult:
        carried_out.append(meta)
        return command_result({}, [])

    answer = await answer_to_one_append(Request(scope, receive), Unasked(), datetime.now(UTC), None, carry_out)

    (meta,) = carried_out
    assert meta.key is not None
    assert meta.key.key == "k-1"
    assert answer.status_code == 201


async def test_a_refusal_is_no_answer_to_be_repeated(client: httpx.AsyncClient) -> None:
    too_early = await client.post(NOTE, json={}, headers=key() | {"If-Match": '"1"'})
    await client.post(NOTE, json={})
    in_time = await client.post(NOTE, json={}, headers=key() | {"If-Match": '"1"'})

    assert (too_early.status_code, in_time.status_code) == (412, 201)


async def test_a_command_on_the_version_its_sender_knew_is_taken_and_on_another_refused(
    client: httpx.AsyncClient, log: EventLog
) -> None:
    tag = (await client.post(NOTE, json={})).headers["etag"]
    taken = await client.post(NOTE, json={}, headers={"If-Match": tag})
    refused = await client.post(NOTE, json={}, headers={"If-Match": tag})
    any_version = await client.post(NOTE, json={}, headers={"If-Match": "*"})

    assert [each.status_code for each in (taken, refused, any_version)] == [201, 412, 201]
    assert (refused.json()["type"], refused.json()["detail"]) == (
        "/problems/version-conflict",
        "The version is 2 now, not 1.",
    )
    assert len(await log.read_feed(0, 10)) == 3


@pytest.mark.parametrize("given", ["1", 'W/"1"', '"one"', '""', '"-1"', '"' + "9" * 5_000 + '"', '"²"'])
async def test_a_tag_that_no_version_has_matches_nothing(client: httpx.AsyncClient, given: str) -> None:
    await client.post(NOTE, json={})

    answer = await client.post(NOTE, json={}, headers={b"If-Match": given.encode("latin-1")})

    assert answer.status_code == 412


async def test_a_repetition_comes_before_the_version_is_compared(client: httpx.AsyncClient) -> None:
    await client.post(NOTE, json={})
    first = await client.post(NOTE, json={}, headers=key() | {"If-Match": '"1"'})
    again = await client.post(NOTE, json={}, headers=key() | {"If-Match": '"1"'})

    assert (again.status_code, again.content) == (201, first.content)


async def test_a_fact_may_lie_a_minute_in_the_future_as_clocks_differ_and_no_further(
    client: httpx.AsyncClient, log: EventLog, now: datetime
) -> None:
    minute = now.replace(microsecond=0) + timedelta(seconds=60)
    near = await client.post(NOTE, json={"occurred_at": minute.isoformat()})
    far = await client.post(NOTE, json={"occurred_at": (minute + timedelta(seconds=1)).isoformat()})

    assert near.status_code == 201
    assert (far.status_code, far.json()["type"]) == (422, "/problems/in-the-future")
    assert far.json()["errors"][0]["pointer"] == "/occurred_at"
    assert len(await log.read_feed(0, 10)) == 1


async def test_a_log_that_cannot_be_written_is_a_problem_503_for_a_while(
    client: httpx.AsyncClient, open_log: Callable[[], EventLog], log: EventLog
) -> None:
    await log.close()

    answer = await client.post(NOTE, json={}, headers=key())

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-available")
    assert answer.headers["retry-after"] == "1"
    assert await open_log().last_position() == 0

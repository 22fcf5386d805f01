"""A feed page always says where to go on and shows a reader the own provider's events only; a long poll never waits in vain."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fristwerk_language.roles import READERS, TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import EventLog
from fristwerk_platform.http import AuthenticationMiddleware, Stopping, create_api
from fristwerk_platform.http.feed_routes import MAX_WAITING, feed_router
from fristwerk_platform.revocations import subject_line
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import BatchDelay, HttpFeed, LogFeed, SourceUnavailableError
from fristwerk_platform.token_files import TokenFiles
from fristwerk_platform.token_keys import Keys

Append = Callable[..., Awaitable[int]]
Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def database_settings(tmp_path: Path) -> Settings:
    """On SQLite only: what is served is the same on every database, as the log's own tests show."""
    return Settings(var=tmp_path)


@pytest.fixture
def stopping() -> Stopping:
    return Stopping()


def feed_of(log: EventLog, stopping: Stopping, tokens: Tokens, now: Callable[[], datetime]) -> FastAPI:
    """A service that is nothing but the log's feed."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    api = create_api(
        title="Log",
        description="A log",
        version="1",
        routers=[feed_router(LogFeed(log), stopping, READERS)],
        lifespan=lifespan,
    )
    api.add_middleware(AuthenticationMiddleware, tokens=tokens, now=now)
    return api


@pytest.fixture
def app(log: EventLog, stopping: Stopping, tokens: Tokens, now: datetime) -> FastAPI:
    return feed_of(log, stopping, tokens, lambda: now)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        yield http


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.splitlines()]


def positions(answer: httpx.Response) -> list[int]:
    return [line["position"] for line in lines(answer)]


def link(answer: httpx.Response) -> str:
    return answer.links["next"]["url"]


async def test_a_page_is_the_stored_lines_with_their_position_in_front(
    client: httpx.AsyncClient, log: EventLog, append: Append, bearer: Bearer
) -> None:
    await append(number=3)

    answer = await client.get("/v1/events", headers=bearer())

    stored = await log.read_feed(0, 10)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.content == b"".join(b'{"position":%d,%s\n' % (each.position, each.line[1:]) for each in stored)
    assert link(answer) == "/v1/events?after=3"
    assert answer.headers["Fristwerk-Next-Position"] == answer.headers["Fristwerk-Last-Position"] == "3"


async def test_an_empty_page_says_where_to_go_on_too(client: httpx.AsyncClient, append: Append, bearer: Bearer) -> None:
    empty = await client.get("/v1/events", headers=bearer())
    await append(number=2)
    at_the_end = await client.get("/v1/events?after=2&limit=7", headers=bearer())

    assert (empty.content, link(empty)) == (b"", "/v1/events?after=0")
    assert (at_the_end.content, link(at_the_end)) == (b"", "/v1/events?after=2&limit=7")


async def test_a_reader_who_follows_the_links_gets_everything_once(
    client: httpx.AsyncClient, append: Append, bearer: Bearer
) -> None:
    await append(number=25)
    seen: list[int] = []
    url = "/v1/events?limit=10"
    while len(seen) < 25:
        answer = await client.get(url, headers=bearer())
        seen += positions(answer)
        url = link(answer)

    assert seen == list(range(1, 26))


@pytest.mark.parametrize("filtered", ["stream=ticket-rare", "type=ProgressReported&stream=ticket-rare"])
async def test_a_filter_that_takes_nothing_of_a_page_stops_no_reader_early(
    client: httpx.AsyncClient, append: Append, bearer: Bearer, filtered: str
) -> None:
    await append(number=1_500)
    await append("ticket-foreign", 1_000, provider="kiel")
    await append("ticket-rare")
    seen: list[str] = []
    url, pages = f"/v1/events?limit=2&{filtered}", 0
    while not seen:
        answer = await client.get(url, headers=bearer())
        seen += [line["stream"] for line in lines(answer)]
        assert link(answer) != url, "every page gets on"
        url, pages = link(answer), pages + 1

    assert seen == ["ticket-rare"]
    assert pages <= 3, "what is filtered away is looked through by the thousand, not by the page"


async def test_a_page_that_is_full_before_its_end_goes_on_after_its_last_line(
    client: httpx.AsyncClient, append: Append, bearer: Bearer
) -> None:
    for _ in range(10):
        await append("ticket-1", 1)
        await append("ticket-2", 2)
    seen: list[int] = []
    url = "/v1/events?stream=ticket-2&limit=3"
    while len(seen) < 20:
        answer = await client.get(url, headers=bearer())
        assert len(lines(answer)) <= 3
        seen += [line["version"] for line in lines(answer)]
        url = link(answer)

    assert seen == list(range(1, 21))


async def test_a_type_nobody_knows_takes_nothing(client: httpx.AsyncClient, append: Append, bearer: Bearer) -> None:
    await append(number=3)

    answer = await client.get("/v1/events?type=Ü&stream=ticket", headers=bearer())

    assert lines(answer) == []
    assert link(answer) == "/v1/events?type=%C3%9C&stream=ticket&after=3"


async def test_a_reader_sees_the_own_provider_only_and_a_follower_of_all_sees_all(
    client: httpx.AsyncClient, append: Append, bearer: Bearer
) -> None:
    await append("ticket-1", 2)
    await append("ticket-2", 3, provider="kiel")

    widened = await client.get("/v1/events?provider=kiel", headers=bearer())
    ours = await client.get("/v1/events", headers=bearer())
    theirs = await client.get("/v1/events?stream=ticket-1", headers=bearer(provider="kiel"))
    everyone = await client.get("/v1/events", headers=bearer("service", "*"))

    assert (widened.status_code, widened.json()["errors"][0]["pointer"]) == (422, "#query/provider")
    assert {line["provider"] for line in lines(ours)} == {"hamburg"}
    assert (lines(theirs), link(theirs)) == ([], "/v1/events?stream=ticket-1&after=5")
    assert [line["provider"] for line in lines(everyone)] == ["hamburg"] * 2 + ["kiel"] * 3


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream"])
async def test_a_customer_s_token_does_not_open_the_feed_of_all_customers(
    client: httpx.AsyncClient, append: Append, bearer: Bearer, path: str
) -> None:
    await append()

    async with asyncio.timeout(5):
        answer = await client.get(path, headers=bearer("customer", customer="customer-1"))

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/not-allowed"
    assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=ten",
        "after=-1",
        f"after={2**63}",
        "after=" + "9" * 5_000,
        "wait=-1",
        "wait=25.1",
        "wait=nan",
        "wait=inf",
        "stream=" + "x" * 201,
        "type=" + "x" * 101,
    ],
)
async def test_what_a_page_cannot_be_is_refused(client: httpx.AsyncClient, bearer: Bearer, query: str) -> None:
    answer = await client.get(f"/v1/events?{query}", headers=bearer())

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == f"#query/{query.partition('=')[0]}"


async def test_a_long_poll_answers_as_soon_as_something_happened(
    client: httpx.AsyncClient, append: Append, bearer: Bearer
) -> None:
    polling = asyncio.create_task(client.get("/v1/events?wait=20", headers=bearer()))
    await asyncio.sleep(0.05)
    assert not polling.done()

    await append()

    async with asyncio.timeout(0.5):
        assert positions(await polling) == [1]


async def test_a_long_poll_goes_on_while_only_others_events_come(
    client: httpx.AsyncClient, append: Append, bearer: Bearer
) -> None:
    polling = asyncio.create_task(client.get("/v1/events?wait=20", headers=bearer()))
    for _ in range(3):
        await append("ticket-2", provider="kiel")
        await asyncio.sleep(0.02)
    assert not polling.done()

    await append()

    async with asyncio.timeout(0.5):
        assert positions(await polling) == [4]


async def test_a_long_poll_in_which_nothing_happens_ends_with_its_time(
    client: httpx.AsyncClient, append: Append, bearer: Bearer
) -> None:
    began = time.monotonic()
    polling = asyncio.create_task(client.get("/v1/events?wait=0.2", headers=bearer()))
    await append("ticket-2", 2, provider="kiel")

    answer = await polling

    assert 0.19 <= time.monotonic() - began < 1
    assert (lines(answer), link(answer)) == ([], "/v1/events?wait=0.2&after=2")


@pytest.mark.parametrize("path", ["/v1/events?wait=20", "/v1/events/stream"])
async def test_long_polls_and_streams_end_at_once_when_the_service_ends(
    client: httpx.AsyncClient, stopping: Stopping, bearer: Bearer, path: str
) -> None:
    open_request = asyncio.create_task(client.get(path, headers=bearer()))
    await asyncio.sleep(0.05)
    assert not open_request.done()

    stopping.set()

    async with asyncio.timeout(0.5):
        assert (await open_request).status_code == 200


async def test_a_stream_tells_each_event_with_its_position_as_id(
    client: httpx.AsyncClient, log: EventLog, append: Append, stopping: Stopping, bearer: Bearer
) -> None:
    await append(number=2)
    await append("ticket-2", provider="kiel")
    streaming = asyncio.create_task(client.get("/v1/events/stream", headers=bearer()))
    await asyncio.sleep(0.05)
    await append(number=1)
    await asyncio.sleep(0.05)
    stopping.set()

    answer = await streaming

    told = [each.split("\n") for each in answer.text.split("\n\n") if each.startswith("id:")]
    stored = {each.position: each.line for each in await log.read_feed(0, 10)}
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [each[0] for each in told] == ["id: 1", "id: 2", "id: 4"]
    assert told[2][1].encode() == b'data: {"position":4,' + stored[4][1:]


async def test_events_in_a_row_are_few_writes_of_a_stream_and_the_first_waits_for_none(
    app: FastAPI, append: Append, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.http.feed_routes.GATHER_SECONDS", BatchDelay(shortest=0.3))
    written: asyncio.Queue[bytes] = asyncio.Queue()
    asked = [False, True]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0 if asked.pop() else 60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            written.put_nowait(message["body"])

    headers = [(name.lower().encode(), value.encode()) for name, value in bearer().items()]
    scope = {"type": "http", "method": "GET", "path": "/v1/events/stream", "query_string": b"", "headers": headers}
    streaming = asyncio.create_task(app(scope | {"http_version": "1.1", "state": {}}, receive, send))
    await asyncio.sleep(0.1)

    await append()
    async with asyncio.timeout(0.2):
        assert (await written.get()).count(b"id: ") == 1
    for _ in range(4):
        await append()
    async with asyncio.timeout(2):
        assert (await written.get()).count(b"id: ") == 4
    streaming.cancel()
    await asyncio.gather(streaming, return_exceptions=True)


async def test_a_stream_goes_on_after_the_last_event_that_was_received(
    client: httpx.AsyncClient, append: Append, stopping: Stopping, bearer: Bearer
) -> None:
    await append(number=5)
    streaming = asyncio.create_task(client.get("/v1/events/stream?after=1", headers=bearer() | {"Last-Event-ID": "3"}))
    await asyncio.sleep(0.05)
    stopping.set()

    assert [line for line in (await streaming).text.splitlines() if line.startswith("id:")] == ["id: 4", "id: 5"]


@pytest.mark.parametrize("given", ["", "abc", "-1", "1.5", "1 2", "²", "9" * 19, "9" * 5_000, "9223372036854775808"])
async def test_an_id_that_no_event_has_is_refused(client: httpx.AsyncClient, bearer: Bearer, given: str) -> None:
    headers = {key.encode(): value.encode() for key, value in bearer().items()}

    async with asyncio.timeout(5):
        answer = await client.get("/v1/events/stream", headers=headers | {b"Last-Event-ID": given.encode("latin-1")})

    assert answer.status_code == 422
    assert "Last-Event-ID" in answer.json()["detail"]


async def test_another_service_reads_the_same_pages_over_http(
    client: httpx.AsyncClient, log: EventLog, append: Append, bearer: Bearer
) -> None:
    await append(number=5)
    own = LogFeed(log)
    http = HttpFeed(client, lambda: bearer("service", "*")["Authorization"].removeprefix("Bearer "))

    assert await http.page(0, 1_000, 0) == await own.page(0, 1_000, 0)
    assert await http.page(1, 2, 0) == await own.page(1, 2, 0)
    assert (await http.page(1, 2, 0)).last == 5, "how far behind a reader is must show while it catches up"
    assert await http.page(5, 1_000, 0) == await own.page(5, 1_000, 0)


async def garbage(_scope: Any, _receive: Any, send: Any) -> None:
    """An application that answers as a proxy in between might."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<h1>It works!</h1>"})


async def test_a_source_that_does_not_answer_properly_is_unavailable(app: FastAPI) -> None:
    refusing = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
    strange = httpx.AsyncClient(transport=httpx.ASGITransport(garbage), base_url="http://service")
    absent = httpx.AsyncClient(base_url="http://127.0.0.1:9")
    for client in (refusing, strange, absent):
        async with client:
            with pytest.raises(SourceUnavailableError):
                await HttpFeed(client, lambda: "no token").page(0, 10, 0)


async def test_a_caller_has_so_many_long_polls_and_streams_open_and_no_more(
    client: httpx.AsyncClient, bearer: Bearer, stopping: Stopping
) -> None:
    mine, others = bearer("agent"), bearer("auditor")
    polls = [asyncio.create_task(client.get("/v1/events?wait=20", headers=mine)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0.5)

    for path in ("/v1/events?wait=1", "/v1/events/stream"):
        refused = await client.get(path, headers=mine)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert (await client.get("/v1/events", headers=mine)).status_code == 200, "a page at once is no long poll"
    assert (await client.get("/v1/events?wait=0.1", headers=others)).status_code == 200
    stopping.set()
    assert {(await poll).status_code for poll in polls} == {200}
    assert (await client.get("/v1/events?wait=1", headers=mine)).status_code == 200, "they have their places back"


async def test_a_stream_ends_when_its_token_expires_and_tells_nothing_after_that(
    client: httpx.AsyncClient, append: Append, tokens: Tokens, now: datetime
) -> None:
    await append("ticket-1", 1)
    agent = Principal(sub="auditor", role="auditor", provider="hamburg")
    token = tokens.issue(agent, now=now, valid=timedelta(seconds=2))

    async with asyncio.timeout(10):
        streaming = asyncio.create_task(client.get("/v1/events/stream", headers={"Authorization": f"Bearer {token}"}))
        answer = await streaming

    assert [line for line in answer.text.splitlines() if line.startswith("id:")] == ["id: 1"]


async def test_a_stream_ends_when_its_token_is_revoked(
    log: EventLog, stopping: Stopping, keys: Keys, append: Append, tmp_path: Path
) -> None:
    revoked = tmp_path / "revoked.txt"
    files = TokenFiles(tmp_path / "keys.json", revoked)
    tokens = Tokens(keys, TOKEN_ROLES, issuer="fristwerk", audience="fristwerk", files=files)
    auditor = Principal(sub="sam", role="auditor", provider="hamburg")
    headers = {"Authorization": f"Bearer {tokens.issue(auditor, now=datetime.now(UTC))}"}
    app = feed_of(log, stopping, tokens, lambda: datetime.now(UTC))
    await append("ticket-1", 1)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        streaming = asyncio.create_task(client.get("/v1/events/stream", headers=headers))
        await asyncio.sleep(0.2)
        assert not streaming.done()
        revoked.write_text(subject_line("hamburg", "sam", datetime.now(UTC) + timedelta(seconds=1)))
        async with asyncio.timeout(10):
            while not streaming.done():
                await append("ticket-1", 1)
                await asyncio.sleep(0.2)

    told = [line for line in (await streaming).text.splitlines() if line.startswith("id:")]
    assert len(told) < await log.last_position()


async def test_answers_behind_a_token_are_kept_by_nobody_and_no_type_is_guessed(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await client.get("/v1/events", headers=bearer())
    refused = await client.get("/v1/events")

    for each in (answer, refused):
        assert each.headers["cache-control"] == "no-store"
        assert each.headers["x-content-type-options"] == "nosniff"

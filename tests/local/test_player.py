"""The player: what it sends in whose name, and what happens when services fail or answer something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from fristwerk_local.client import Client, ServiceDownError
from fristwerk_local.player import play
from fristwerk_local.progress import Journal
from fristwerk_local.story import Story, read_story
from fristwerk_platform.auth import Principal

TERMS = {"calendars/always": b"calendar: always\n"}
STORY = """
p:
  timezone: Europe/Berlin
  publish: [calendars/always]
  customers:
    shop: {body: {name: Shop}, contracts: [{agreement: a, from: 2026-01-01}]}
  tickets:
    offline:
      create: {customer: shop, received_at: 2026-06-26 16:00}
      then:
        - {at: 2026-06-26 16:05, as: customer, post: messages, body: {text: "zu {offline} und {shop.contract}"}}
  refused:
    - {at: 2026-06-26 16:04, as: agent, ticket: offline, post: work, body: {}, status: 409, pointers: [/agent]}
"""


class TicketService:
    """A stand-in for the ticket service: takes everything, and counts what it would have stored."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, str, dict[str, object]]] = []
        self.keys: list[str] = []
        self.stored = 0
        self.before: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None
        self.stores_refused = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.before(request)
        if answer is not None:
            return answer
        if request.method == "GET":
            after = int(request.url.params["after"])
            lines = b"".join(b'{"position":%d}\n' % position for position in range(after + 1, self.stored + 1))
            positions = {
                "Fristwerk-Next-Position": str(max(after, self.stored)),
                "Fristwerk-Last-Position": str(self.stored),
            }
            return httpx.Response(200, content=lines, headers=positions)
        return self._command(request)

    def _command(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = json.loads(request.content) if request.method == "POST" else {}
        self.commands.append((request.headers["Authorization"], path, body))
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        if path.endswith("/work"):
            self.stored += self.stores_refused
            return httpx.Response(409, json={"detail": "Not now.", "errors": [{"pointer": "/agent", "detail": "?"}]})
        self.stored += 1
        kind = path.rsplit("/", 1)[-1].removesuffix("s")
        return httpx.Response(201, json={kind: {"id": f"id-{kind}"}})


def issue(who: Principal) -> str:
    return f"{who.role} of {who.belongs_to or who.provider}"


@pytest.fixture
def service() -> TicketService:
    return TicketService()


@pytest.fixture
def client(service: TicketService) -> Client:
    ticket = httpx.AsyncClient(transport=httpx.MockTransport(service), base_url="http://ticket")
    return Client({"ticket": ticket}, issue, patience_seconds=0.3)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    file = tmp_path / "story.yaml"
    file.write_text(dedent(STORY), "utf-8")
    return read_story(file)


async def test_each_step_is_sent_in_its_order_in_the_name_of_who_acts(
    service: TicketService, client: Client, story: Story
) -> None:
    assert await play(story, client, TERMS, Journal()) == []

    assert service.commands == [
        ("Bearer admin of p", "/v1/calendars/always", {}),
        ("Bearer admin of p", "/v1/customers", {"name": "Shop"}),
        ("Bearer admin of p", "/v1/customers/id-customer/contracts", {"agreement": "a", "from": "2026-01-01"}),
        ("Bearer agent of p", "/v1/tickets", {"customer": "id-customer", "received_at": "2026-06-26T16:00:00+02:00"}),
        ("Bearer agent of p", "/v1/tickets/id-ticket/work", {"occurred_at": "2026-06-26T16:04:00+02:00"}),
        (
            "Bearer customer of id-customer",
            "/v1/tickets/id-ticket/messages",
            {"occurred_at": "2026-06-26T16:05:00+02:00", "text": "zu id-ticket und id-contract"},
        ),
    ]


async def test_a_story_played_to_its_end_is_not_played_again(
    service: TicketService, client: Client, story: Story, tmp_path: Path
) -> None:
    file = tmp_path / "played" / "story.jsonl"
    await play(story, client, TERMS, Journal(file))
    sent = len(service.commands)

    again = Journal(file)
    await play(story, client, TERMS, again)

    assert again.complete
    assert len(service.commands) == sent


async def test_a_service_that_is_down_for_a_moment_gets_the_same_command_under_the_same_key(
    service: TicketService, client: Client, story: Story
) -> None:
    answered_by_nobody: list[str] = []

    def falter(request: httpx.Request) -> httpx.Response | None:
        key = request.headers.get("Idempotency-Key")
        if key is None or answered_by_nobody.count(key) == 2:
            return None
        answered_by_nobody.append(key)
        if answered_by_nobody.count(key) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(503, headers={"Retry-After": "0"})

    service.before = falter

    assert await play(story, client, TERMS, Journal()) == []
    assert service.keys[1:] == list(dict.fromkeys(answered_by_nobody))
    assert len(set(service.keys)) == len(service.keys)


async def test_what_was_played_before_a_service_stayed_away_is_not_played_again(
    service: TicketService, client: Client, story: Story, tmp_path: Path
) -> None:
    def away(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1/tickets":
            raise httpx.ConnectError("refused")
        return None

    file = tmp_path / "story.jsonl"
    service.before = away
    with pytest.raises(ServiceDownError, match="ticket service does not answer POST /v1/tickets"):
        await play(story, client, TERMS, Journal(file))
    with file.open("ab") as journal:
        journal.write(b'{"step":"p/tick')  # killed while writing

    service.before = lambda _request: None
    assert await play(story, client, TERMS, Journal(file)) == []

    assert Journal(file).complete
    paths = [path for _, path, _ in service.commands]
    assert paths.count("/v1/customers") == 1
    assert paths.count("/v1/tickets") == 1


async def test_a_refused_command_that_stores_something_is_a_difference(
    service: TicketService, client: Client, story: Story
) -> None:
    service.stores_refused = True

    [difference] = await play(story, client, TERMS, Journal())

    assert difference == "p/refused/1: POST /v1/tickets/{offline}/work was to be refused, but stored 1 events"


async def test_an_unexpected_refusal_is_a_difference_and_the_rest_is_played(
    service: TicketService, client: Client, story: Story
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1/tickets":
            return httpx.Response(
                422, json={"detail": "No.", "errors": [{"pointer": "/channel", "detail": "is required"}]}
            )
        return None

    service.before = refuse

    assert await play(story, client, TERMS, Journal()) == [
        "p/tickets/offline: POST /v1/tickets answered 422: No. /channel is required",
        "p/refused/1: there is nothing called 'offline'",
        "p/tickets/offline/1: there is nothing called 'offline'",
    ]

"""Malformed, foreign, unauthorised and unknown requests through real sockets: a clear problem each, and nothing stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from fristwerk_local.client import Client, connected, staff
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.services import urls
from fristwerk_local.story import Story, read_story
from fristwerk_local.terminal_output import RECORDED_DAY, TERMS
from tests.journeys.conftest import StartStack

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def ticket_url(start_stack: StartStack) -> AsyncIterator[tuple[str, Client]]:
    """A running stack with the tickets of one provider; the address of one of them."""
    stack = start_stack("serve")
    stack.wait_for("ready: ")
    [fluxpunkt] = [each for each in read_story(RECORDED_DAY).providers if each.name == "fluxpunkt"]
    journal = Journal()
    async with connected(stack.folder, stack.port) as client:
        assert await play(Story(name="one", providers=(fluxpunkt,)), client, read_terms(TERMS), journal) == []
        ticket = journal.names["fluxpunkt/ticket:absturz"]
        yield f"{urls(stack.port)['ticket']}/v1/tickets/{ticket}", client


async def test_what_cannot_be_is_a_clear_problem_and_stores_nothing(ticket_url: tuple[str, Client]) -> None:
    url, client = ticket_url
    ours = {"Authorization": f"Bearer {client.token(staff('agent', 'fluxpunkt'))}"} | JSON
    theirs = {"Authorization": f"Bearer {client.token(staff('agent', 'hamburg'))}"} | JSON
    auditor = {"Authorization": f"Bearer {client.token(staff('auditor', 'fluxpunkt'))}"} | JSON
    before = await client.last_position()
    async with httpx.AsyncClient() as http:
        answers = {
            "malformed": await http.post(f"{url}/severity", content=b'{"severity": NaN', headers=ours),
            "not understood": await http.post(f"{url}/severity", content=b'{"severity": "x", "y": 1}', headers=ours),
            "another medium": await http.post(
                f"{url}/severity", content=b"x", headers=ours | {"Content-Type": "text/plain"}
            ),
            "foreign": await http.post(f"{url}/severity", content=b'{"severity": "hoch"}', headers=theirs),
            "without a token": await http.post(f"{url}/severity", content=b'{"severity": "hoch"}', headers=JSON),
            "not allowed": await http.post(f"{url}/severity", content=b'{"severity": "hoch"}', headers=auditor),
            "unknown": await http.post(f"{url}/nonsense", content=b"{}", headers=ours),
            "too large": await http.post(f"{url}/severity", content=b" " * 2_000_000, headers=ours),
        }

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "malformed": 400,
        "not understood": 422,
        "another medium": 415,
        "foreign": 404,
        "without a token": 401,
        "not allowed": 403,
        "unknown": 404,
        "too large": 413,
    }
    for answer in answers.values():
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance"} <= answer.json().keys()
    assert [each["pointer"] for each in answers["not understood"].json()["errors"]] == ["/y"]
    assert await client.last_position() == before

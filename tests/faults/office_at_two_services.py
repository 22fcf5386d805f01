"""A provider whose people work at two ticket services on one database, and put the same matters to both at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec

from fristwerk_client import follow, next_cursor
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_or_make_keys
from tests.ticket_service.conftest import DOCUMENTS, TERMS

SHARED = 3
"""Tickets that all pairs are about."""
PATIENCE_SECONDS = 90.0
PROVIDER, AGREEMENT = "pair", "liveagent"
REFUSED = {
    409: {"agent-already-booked", "ticket-already-resolved", "ticket-not-resolved"},
    412: {"version-conflict"},
}
"""How a command that comes into conflict with another may be refused."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to: its content, whichever process gave it."""

    key: str
    status: int
    content: Any

    @property
    def done(self) -> bool:
        return self.status == httpx.codes.CREATED


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it is shown."""

    version: int
    state: str = ""


class Office:
    """A provider's people, half of whom work at one service and half at the other."""

    def __init__(self, clients: list[httpx.AsyncClient], tokens: Tokens) -> None:
        self.acknowledged: dict[str, tuple[str, str, int]] = {}
        """Key, stream and version of each event by its id."""
        self.commands = self.lost = self.taken_over = self.repeated = self.reads = 0
        self.refused = Counter[str]()
        self.tickets: list[str] = []
        self._clients = clients
        self._tokens = tokens
        self._lot = random.Random(len(clients))  # noqa: S311 - drawn again by the seed
        self._keys = (f"key-{number}" for number in count(1))
        self._matters = count(1)
        self._newest: dict[str, int] = {}
        self._customer = ""

    async def open(self) -> None:
        """Publish the terms, sign a contract, and open the tickets that all desks share."""
        for document in DOCUMENTS[AGREEMENT]:
            content, headers = TERMS.joinpath(f"{document}.yaml").read_bytes(), self._headers("admin")
            headers["Content-Type"] = "application/yaml"
            (await self._clients[0].put(f"/v1/{document}", content=content, headers=headers)).raise_for_status()
        made = await self.command(0, "/v1/customers", {"name": "Muster AG", "kind": "company"}, role="admin")
        self._customer = made.content["customer"]["id"]
        contract = {"agreement": AGREEMENT, "from": "2024-01-01", "plan": "all_inclusive"}
        await self.command(1, f"/v1/customers/{self._customer}/contracts", contract, role="admin")
        await asyncio.gather(*(self.ticket(number % 2) for number in range(SHARED)))

    async def pair(self) -> None:
        """Two commands at once about one matter, one at each service; then what they came to, asked at random."""
        ticket = self._lot.choice(self.tickets[:SHARED])
        await self._lot.choice((self.same_version, self.anyhow, self.same_key, self.end, self.book, self.call))(ticket)
        await self.read(self._lot.randrange(2), ticket)

    async def same_version(self, ticket: str) -> None:
        """Both rest on the version that is shown now: at most one is carried out, and on that one."""
        version = (await self.read(self._lot.randrange(2), ticket)).version
        text = {"channel": "email", "text": "Wir sind dran"}
        answers = await self.at_both(f"/v1/tickets/{ticket}/progress", text, if_match=version)
        done = [each for each in answers if each.done]
        assert len(done) <= 1, answers
        assert [event["version"] for each in done for event in each.content["events"]] == [version + 1] * len(done)

    async def anyhow(self, ticket: str) -> None:
        """Both are carried out, the later one on what the earlier one made of the ticket."""
        answers = await self.at_both(f"/v1/tickets/{ticket}/messages", {"channel": "email", "text": "Und jetzt?"})
        assert all(each.done for each in answers), answers

    async def same_key(self, ticket: str) -> None:
        """One command, sent to both under one key: it is carried out once."""
        key = next(self._keys)
        path, body = f"/v1/tickets/{ticket}/messages", {"channel": "email", "text": "Und jetzt?"}
        first, second = await self.at_both(path, body, key=key)
        assert first == second

    async def end(self, ticket: str) -> None:
        """It is resolved by both at once, or opened again: one of them at most does what the other has done."""
        how = ("resolution", {"text": "Erledigt"}), ("reopening", {"reason": "Wieder da"})
        seen = await self.read(self._lot.randrange(2), ticket)
        path, body = how[seen.state == "resolved"]
        await self.at_both(f"/v1/tickets/{ticket}/{path}", body)

    async def book(self, _shared: str) -> None:
        """Two tickets for an hour of one agent: one of them gets it."""
        agent, start = f"trainer-{next(self._matters)}", a_tuesday_at_nine()
        tickets = await asyncio.gather(*(self.ticket(at) for at in range(2)))
        for at, ticket in enumerate(tickets):
            await self.command(at, f"/v1/tickets/{ticket}/assignment", {"agent": agent})
            asked = {"kind": "training", "proposals": [start]}
            await self.command(1 - at, f"/v1/tickets/{ticket}/appointments", asked)
        booking = {"start": start, "minutes": 60}
        paths = [f"/v1/tickets/{ticket}/appointments/1/booking" for ticket in tickets]
        answers = await asyncio.gather(*(self.command(at, path, booking) for at, path in enumerate(paths)))
        assert sorted(each.status for each in answers) == [201, 409], answers

    async def call(self, _shared: str) -> None:
        """Two calls from a number that nobody has: one customer is registered."""
        call: dict[str, Any] = {"from": f"+49 40 {1_000_000 + next(self._matters)}", "voicemail": {"text": "Hallo"}}
        call["started_at"] = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        answers = await self.at_both("/v1/calls", call)
        assert len({each.content["ticket"]["customer"] for each in answers}) == 1, answers

    async def ticket(self, at: int) -> str:
        """The id of a new one."""
        body = {"customer": self._customer, "channel": "email", "subject": "Import", "description": "Fehler 17"}
        made = (await self.command(at, "/v1/tickets", body)).content["ticket"]["id"]
        self.tickets.append(made)
        return str(made)

    async def read(self, at: int, ticket: str) -> Seen:
        """The ticket as a service shows it: what the other has acknowledged is in it. While that one is away, what is known."""
        newest = self._newest.get(ticket, 0)
        try:
            answer = await self._clients[at].get(f"/v1/tickets/{ticket}", headers=self._headers("agent"))
        except httpx.TransportError:
            return Seen(version=newest)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return Seen(version=newest)
        assert answer.is_success, answer.text
        version = int(answer.headers["ETag"].strip('"'))
        assert version >= newest, f"{ticket} is shown at version {version} after {newest} was acknowledged"
        self.reads += 1
        return Seen(version=version, state=answer.json()["ticket"]["state"])

    async def at_both(self, path: str, body: dict[str, Any], **how: Any) -> list[Answer]:
        """The same request to both services at once."""
        return list(await asyncio.gather(*(self.command(at, path, body, **how) for at in range(2))))

    async def command(
        self, at: int, path: str, body: dict[str, Any], *, role: Role = "agent", key: str = "", if_match: int = 0
    ) -> Answer:
        """Send a command, first to one service, until it is answered; now and then ask again under its key."""
        key = key or next(self._keys)
        headers = self._headers(role) | {"Idempotency-Key": key, "X-Correlation-Id": key}
        if if_match:
            headers["If-Match"] = f'"{if_match}"'
        answer, sent_before = await self._answered(at, path, body, headers)
        found = Answer(key=key, status=answer.status_code, content=answer.json())
        self.commands += 1
        if not found.done:
            code = found.content["type"].removeprefix("/problems/")
            assert code in REFUSED.get(found.status, ()), answer.text
            self.refused[f"{found.status} {code}"] += 1
            return found
        self.taken_over += sent_before and "Idempotency-Replayed" in answer.headers
        for event in found.content["events"]:
            self.acknowledged[event["id"]] = (key, event["stream"], event["version"])
            self._newest[event["stream"].removeprefix("ticket-")] = event["version"]
        if self._lot.random() < 0.2:
            again, _ = await self._answered(self._lot.randrange(2), path, body, headers)
            assert (again.status_code, again.content) == (answer.status_code, answer.content), again.text
            assert again.headers["Idempotency-Replayed"] == "true"
            self.repeated += 1
        return found

    async def _answered(
        self, at: int, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[httpx.Response, bool]:
        """The answer, and whether one was lost before; of a service that is away, the other is asked. Raises TimeoutException."""
        lost = False
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await self._clients[at].post(path, json=body, headers=headers)
                except httpx.TimeoutException:
                    raise  # neither answered nor away
                except httpx.ConnectError:
                    await asyncio.sleep(0.01)  # not even sent
                except httpx.TransportError:
                    lost, self.lost = True, self.lost + 1
                else:
                    if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                        return answer, lost
                    await asyncio.sleep(0.05)
                at = 1 - at

    def _headers(self, role: Role) -> dict[str, str]:
        principal = Principal(sub=role, role=role, provider=PROVIDER)
        return {"Authorization": f"Bearer {self._tokens.issue(principal, now=datetime.now(UTC))}"}

    async def recorded(self, at: int) -> list[dict[str, Any]]:
        """Every event of the provider, as a service's feed has them."""
        reader = httpx.AsyncClient(base_url=self._clients[at].base_url, headers=self._headers("service"))
        async with reader:
            return [event async for batch in follow(reader, 0, until_end=True) for event in batch.events]

    async def listed(self, at: int, path: str) -> list[Any]:
        """All items of a list, as a service shows them."""
        items: list[Any] = []
        params: dict[str, str | int] = {"limit": 200}
        while True:
            answer = await self._clients[at].get(path, params=params, headers=self._headers("agent"))
            assert answer.is_success, answer.text
            items += answer.json()["items"]
            following = next_cursor(answer.headers)
            if following is None:
                return items
            params["after"] = following


@asynccontextmanager
async def opened_at(urls: list[str], settings: Settings) -> AsyncIterator[Office]:
    """An office with a client of each service."""
    keys = load_or_make_keys(settings.keys)
    tokens = Tokens(keys, TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    async with AsyncExitStack() as stack:
        clients = [httpx.AsyncClient(base_url=each, timeout=PATIENCE_SECONDS) for each in urls]
        for each in clients:
            await stack.enter_async_context(each)
        yield Office(clients, tokens)


def a_tuesday_at_nine() -> str:
    """In February of next year, when no public holiday falls on one."""
    first = date(datetime.now(UTC).year + 1, 2, 7)
    return f"{first + timedelta(days=(1 - first.weekday()) % 7)}T09:00:00Z"

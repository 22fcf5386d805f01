"""Following a feed: what stands in the follower's own database is there once, wherever it was killed."""

from __future__ import annotations

import sqlite3
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from fristwerk_client import AsyncFristwerk, Batch, FeedShortenedError, ForbiddenError, expect, follow, last_position
from fristwerk_client.ticket.api.customers import register_customer
from fristwerk_client.ticket.models import CustomerRegisteredEvent, RegisterBody
from tests.conftest import ServicesInOneProcess

CUSTOMERS = 5


class Killed(Exception):  # noqa: N818 - what happens to the follower, not an error of it
    """The follower's process ends here."""


class Warehouse:
    """A follower as the how-to page has it: the effects of a batch and its position in one transaction."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("CREATE TABLE IF NOT EXISTS feed (position INTEGER)")
        self._database.execute("CREATE TABLE IF NOT EXISTS customers (id TEXT)")

    @property
    def position(self) -> int:
        (found,) = self._database.execute("SELECT coalesce(max(position), 0) FROM feed").fetchone()
        return int(found)

    @property
    def customers(self) -> list[str]:
        return [each for (each,) in self._database.execute("SELECT id FROM customers")]

    async def follow(self, service: httpx.AsyncClient, killed_in: int | None = None) -> None:
        """Apply what there is; killed between the effects and the position of that batch."""
        batches = follow(service, self.position, until_end=True, limit=1)
        async with aclosing(batches):
            number = 0
            async for batch in batches:
                number += 1
                self._apply(batch, killed=number == killed_in)

    def _apply(self, batch: Batch, *, killed: bool) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        for event in batch.events:
            if event["type"] == "CustomerRegistered":
                known = CustomerRegisteredEvent.from_dict(event)
                self._database.execute("INSERT INTO customers VALUES (?)", [known.stream])
        if killed:
            self._database.close()
            raise Killed
        self._database.execute("INSERT INTO feed VALUES (?)", [batch.position])
        self._database.execute("COMMIT")


@pytest.fixture
async def fristwerk(stack_on_sqlite: ServicesInOneProcess) -> AsyncFristwerk:
    """The services with some customers, for the administrator."""
    admin = AsyncFristwerk(stack_on_sqlite.clients, stack_on_sqlite.token("admin"))
    for number in range(CUSTOMERS):
        body = RegisterBody(name=f"Firma {number}", kind="company")
        expect(await register_customer.asyncio_detailed(client=admin.ticket, body=body))
    return admin


@pytest.fixture
def feed(fristwerk: AsyncFristwerk, stack_on_sqlite: ServicesInOneProcess) -> httpx.AsyncClient:
    """The ticket service for a program that follows it."""
    return fristwerk.as_(stack_on_sqlite.token("service")).requests["ticket"]


@pytest.mark.parametrize("killed_in", range(1, CUSTOMERS + 1))
async def test_a_follower_killed_between_effect_and_position_has_each_event_once(
    feed: httpx.AsyncClient, tmp_path: Path, killed_in: int
) -> None:
    with pytest.raises(Killed):
        await Warehouse(tmp_path / "own.sqlite").follow(feed, killed_in)

    again = Warehouse(tmp_path / "own.sqlite")
    assert len(again.customers) == killed_in - 1
    await again.follow(feed)

    assert len(again.customers) == len(set(again.customers)) == CUSTOMERS
    assert again.position == await last_position(feed)


async def test_an_event_that_comes_while_the_follower_waits_is_its_next_batch(
    fristwerk: AsyncFristwerk, feed: httpx.AsyncClient
) -> None:
    async with aclosing(follow(feed, await last_position(feed), event_type="CustomerRegistered")) as batches:
        body = RegisterBody(name="Noch eine", kind="company")
        made = expect(await register_customer.asyncio_detailed(client=fristwerk.ticket, body=body))
        position, events = await anext(batches)

    assert [event["stream"] for event in events] == [f"customer-{made.customer.id}"]
    assert position == events[-1]["position"]


async def test_what_was_filtered_away_moves_the_position_on(feed: httpx.AsyncClient) -> None:
    batches = [each async for each in follow(feed, 0, event_type="TicketCreated", until_end=True)]

    assert [batch.events for batch in batches] == [[]]
    assert batches[-1].position == await last_position(feed)


async def test_a_feed_that_ends_before_the_position_is_not_followed_in_silence(feed: httpx.AsyncClient) -> None:
    last = await last_position(feed)

    with pytest.raises(FeedShortenedError, match=f"ends at {last}"):
        await anext(follow(feed, last + 1))


async def test_who_may_not_follow_is_told_so(fristwerk: AsyncFristwerk, stack_on_sqlite: ServicesInOneProcess) -> None:
    customer = fristwerk.as_(stack_on_sqlite.token("customer", customer="c")).requests["ticket"]

    with pytest.raises(ForbiddenError):
        await anext(follow(customer, 0))

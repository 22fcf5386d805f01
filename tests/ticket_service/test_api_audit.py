"""The hash tree over HTTP: a stranger with an auditor's token checks every event of his provider, and no other's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from fristwerk_platform.settings import Settings
from fristwerk_proof import checkpoints
from fristwerk_proof.merkle import leaf_hash, root_of
from fristwerk_proof.notes import VerifierKey
from fristwerk_proof.proofs import check_consistency, check_inclusion
from fristwerk_proof.tiles import split_hashes, unbundled
from tests.ticket_service.conftest import Office, running

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A provider beside another one, in a service that has been stopped and started again: a stop leaves no tail."""
    settings = Settings(var=tmp_path_factory.mktemp("var"), customers_may_date=True)
    async with running(settings) as service:
        for provider in ("audited", "other"):
            each = Office(service, provider, "digidesk")
            await each.publish("calendars/digidesk")
            await each.publish("agreements/digidesk")
            await each.ticket(await each.served(), severity="normal", received_at="2026-06-03T08:00:00Z")
    async with running(settings) as service:
        yield Office(service, "audited", "digidesk")


async def read(office: Office, path: str) -> Any:
    answer = await office.call("GET", f"/v1/audit/tickets/{path}", role="auditor")
    assert answer.status_code == 200, answer.text
    return answer


async def opened(office: Office) -> checkpoints.Checkpoint:
    """The newest head, checked with the published keys."""
    published = (await read(office, "key")).json()
    keys = [VerifierKey.parsed(each) for each in published["keys"]]
    head = await read(office, "checkpoint")
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8"
    return checkpoints.opened(head.content, keys, published["origin"])


async def test_the_bundled_events_hash_to_the_signed_head(office: Office) -> None:
    head = await opened(office)

    bundle = await read(office, f"tile/entries/000.p/{head.size}")
    tile = await read(office, f"tile/0/000.p/{head.size}")

    lines = list(unbundled(bundle.content))
    assert root_of(map(leaf_hash, lines)) == head.root
    assert split_hashes(tile.content) == [leaf_hash(each) for each in lines]
    assert all(b'"provider":"audited"' in each for each in lines)
    assert bundle.headers["Cache-Control"] == "private, max-age=31536000, immutable"


async def test_every_event_of_the_feed_is_proved_to_be_in_the_head(office: Office) -> None:
    head = await opened(office)
    feed = (await office.call("GET", "/v1/events?limit=1000", role="auditor")).content.splitlines()
    assert len(feed) == head.size > 5

    for served in feed:
        position, _, rest = served.removeprefix(b'{"position":').partition(b",")
        proof = (await read(office, f"inclusion?position={int(position)}")).json()
        hashes = [bytes.fromhex(each) for each in proof["hashes"]]
        check_inclusion(leaf_hash(b"{" + rest), proof["index"], head.size, hashes, head.root)


async def test_the_log_is_proved_to_have_grown_out_of_what_it_was(office: Office) -> None:
    head = await opened(office)
    lines = list(unbundled((await read(office, f"tile/entries/000.p/{head.size}")).content))
    for old in range(1, head.size):
        shown = (await read(office, f"consistency?from={old}&to={head.size}")).json()
        hashes = [bytes.fromhex(each) for each in shown["hashes"]]
        check_consistency(old, root_of(map(leaf_hash, lines[:old])), head.size, head.root, hashes)


async def test_heads_are_listed_and_found_by_the_size_that_they_cover(office: Office) -> None:
    head = await opened(office)
    listed = (await read(office, "heads")).json()["items"]

    assert listed[-1]["size"] == head.size
    assert not listed[-1]["as_found"]
    found = await read(office, f"checkpoint?at_least={listed[0]['size']}")
    assert found.text == listed[0]["note"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/000",
        "tile/64/000",
        "tile/x/000",
        "tile/0/0",
        "tile/entries/000.p/0",
        "tile/0/x001/000",
        "inclusion?position=100000",
        "consistency?from=3&to=100000",
        "consistency?from=3&to=2",
        "checkpoint?at_least=100000",
    ],
)
async def test_what_the_tree_does_not_have_is_not_found(office: Office, path: str) -> None:
    answer = await office.call("GET", f"/v1/audit/tickets/{path}", role="auditor")

    assert answer.status_code == 404, answer.text
    assert answer.json()["type"] == "/problems/tree-part-not-found"


async def test_another_providers_event_has_no_proof_here(office: Office) -> None:
    other = office.of("other")
    foreign = (await other.call("GET", "/v1/events?limit=1", role="auditor")).content
    position = int(foreign.removeprefix(b'{"position":').partition(b",")[0])

    assert (await read(other, f"inclusion?position={position}")).json()["index"] == 0
    await office.refused(404, f"/v1/audit/tickets/inclusion?position={position}", method="GET", role="auditor")


@pytest.mark.parametrize("role", ["agent", "specialist", "manager", "customer", "billing"])
async def test_only_those_who_read_everything_read_proofs(office: Office, role: str) -> None:
    customer = "c1" if role == "customer" else None
    answer = await office.call("GET", "/v1/audit/tickets/checkpoint", role=role, customer=customer)

    assert answer.status_code == 403


async def test_health_says_how_many_events_no_head_covers(office: Office) -> None:
    ready = (await office.service.client.get("/health/ready")).json()

    assert ready["dependencies"]["hash tree"] == {"ok": True, "detail": "0 events are in no signed head yet"}
    assert "fristwerk_log_tail_events 0.0" in (await office.service.client.get("/metrics")).text

"""What auditors read is recorded before it is answered, and cannot be changed without being seen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.settings import Settings
from fristwerk_proof import checkpoints
from fristwerk_proof.merkle import leaf_hash, root_of
from fristwerk_proof.notes import VerifierKey
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.verifier.bundling import PROVIDER


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var=tmp_path / "var")


async def read(stack: ServicesInOneProcess, path: str, role: Any = "admin", provider: str = PROVIDER) -> Any:
    answer = await stack.clients["ticket"].get(path, headers=stack.headers(role, provider))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_request_of_an_auditor_is_recorded_with_who_and_what(
    settings: Settings, open_services: OpenServices
) -> None:
    async with open_services(settings) as stack:
        auditor = stack.headers("auditor", PROVIDER)
        for path in ("/v1/audit/tickets/export?after=3&limit=5", "/v1/customers?phone=%2B41441234567", "/v1/nothing"):
            await stack.clients["ticket"].get(path, headers=auditor | {"X-Correlation-ID": "an-audit"})
        await stack.clients["ticket"].get("/v1/customers", headers=stack.headers("agent", PROVIDER))
        await stack.clients["ticket"].get("/v1/customers", headers=stack.headers("auditor", "somebody-else"))

        items = (await read(stack, "/v1/audit/tickets/accesses"))["items"]

        assert [(each["method"], each["path"], each["query"]) for each in items] == [
            ("GET", "/v1/audit/tickets/export", "after=3&limit=5"),
            ("GET", "/v1/customers", "phone="),  # whose number it is does not stand in the record
            ("GET", "/v1/nothing", ""),
        ]
        assert {each["correlation_id"] for each in items} == {"an-audit"}
        assert [each["number"] for each in items] == [1, 2, 3]
        page = (await read(stack, "/v1/audit/tickets/accesses?after=1&limit=1"))["items"]
        assert page == items[1:2]
        agents = await stack.clients["ticket"].get(
            "/v1/audit/tickets/accesses", headers=stack.headers("agent", PROVIDER)
        )
        assert agents.status_code == 403
        billing = await stack.clients["billing"].get("/v1/invoices", headers=auditor)
        assert billing.status_code == 200
        timers = await stack.clients["sla"].get("/v1/timers", headers=auditor)
        assert timers.status_code == 200, timers.text
        seen = await stack.clients["sla"].get("/v1/audit/sla/accesses", headers=stack.headers("admin", PROVIDER))
        assert [(each["path"], each["number"]) for each in seen.json()["items"]] == [("/v1/timers", 1)]
        there = await stack.clients["billing"].get(
            "/v1/audit/billing/accesses", headers=stack.headers("admin", PROVIDER)
        )
        assert [each["path"] for each in there.json()["items"]] == ["/v1/invoices"]


async def test_a_head_that_was_kept_shows_a_record_that_was_changed_since(
    settings: Settings, open_services: OpenServices
) -> None:
    async with open_services(settings) as stack:
        for _ in range(5):
            await read(stack, "/v1/customers", "auditor")
        keys = [VerifierKey.parsed(each) for each in (await read(stack, "/v1/audit/tickets/key"))["keys"]]
        note = (await read(stack, "/v1/audit/tickets/accesses/checkpoint"))["note"].encode()

        async def leaves() -> list[bytes]:
            items = (await read(stack, "/v1/audit/tickets/accesses"))["items"]
            return [leaf_hash(each["line"].encode()) for each in items]

        named = [VerifierKey(f"{each.name}-accesses", each.public) for each in keys]
        kept = checkpoints.opened(note, named)
        assert (kept.size, kept.root) == (5, root_of(await leaves()))
        await read(stack, "/v1/customers", "auditor")
        assert root_of((await leaves())[: kept.size]) == kept.root

        with closing(sqlite3.connect(settings.var / "tickets-trees.db")) as database:
            change = "UPDATE tree_accesses SET line = replace(line, 'customers', 'nothing') WHERE number = 3"
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                database.execute(change)
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                database.execute("DELETE FROM tree_accesses WHERE number = 3")
            database.execute("DROP TRIGGER accesses_refuse_update")
            database.execute(
                "UPDATE tree_accesses SET line = CAST(replace(CAST(line AS TEXT), 'customers', 'x') AS BLOB)"
            )
            database.commit()
        assert root_of((await leaves())[: kept.size]) != kept.root


async def test_what_cannot_be_recorded_is_not_answered(settings: Settings, open_services: OpenServices) -> None:
    async with open_services(settings) as stack:
        with closing(sqlite3.connect(settings.var / "tickets-trees.db")) as database:
            database.execute("DROP TABLE tree_accesses")
            database.commit()

        refused = await stack.clients["ticket"].get("/v1/customers", headers=stack.headers("auditor", PROVIDER))
        agents = await stack.clients["ticket"].get("/v1/customers", headers=stack.headers("agent", PROVIDER))

        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert agents.status_code == 200

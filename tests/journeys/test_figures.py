"""The page of operations names every figure that the services show, and no other."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fristwerk_platform.metrics import Metrics
from fristwerk_platform.relay import RelayProgress
from tests.platform.relay.listed_feed import ListedFeed

ROOT = Path(__file__).parents[2]


async def shown(stack: Any) -> set[str]:
    """What the three services and the relay show."""
    names: set[str] = set()
    for client in stack.clients.values():
        text = (await client.get("/metrics")).text
        names |= {family.name for family in text_string_to_metric_families(text)}
    relay = Metrics()
    RelayProgress("ticket-service", ListedFeed(0), relay, lambda: datetime.now(UTC))
    names |= {family.name for family in text_string_to_metric_families(generate_latest(relay.registry).decode())}
    return {name for name in names if name.startswith("fristwerk_") and not name.endswith("_created")}


async def test_the_page_of_operations_names_every_figure_and_no_other(stack_on_sqlite: Any) -> None:
    page = (ROOT / "docs" / "reference" / "operations.md").read_text("utf-8")
    named = set(re.findall(r"^\| `(fristwerk_\w+?)(?:_total)?`", page, re.MULTILINE))

    assert await shown(stack_on_sqlite) == named


async def test_a_command_its_repetition_and_a_refusal_are_counted_under_their_operations(stack_on_sqlite: Any) -> None:
    client, headers = stack_on_sqlite.clients["ticket"], stack_on_sqlite.headers("admin")
    body = {"name": "Muster AG", "kind": "company", "contact": {"name": "Anna Muster"}}
    for _ in range(2):
        answer = await client.post("/v1/customers", json=body, headers=headers | {"Idempotency-Key": "one"})
        assert answer.status_code == 201
    assert (await client.post("/v1/customers", json={"name": 17}, headers=headers)).status_code == 422
    assert (await client.get("/v1/customers")).status_code == 401

    text = (await client.get("/metrics")).text

    assert 'fristwerk_commands_total{operation="register_customer",outcome="done"} 1.0' in text
    assert 'fristwerk_commands_total{operation="register_customer",outcome="replayed"} 1.0' in text
    assert 'fristwerk_refusals_total{code="invalid-request",operation="register_customer"} 1.0' in text
    assert 'fristwerk_refusals_total{code="not-authenticated",operation="none"} 1.0' in text
    assert "fristwerk_append_group_size_count 1.0" in text
    assert "Muster" not in text

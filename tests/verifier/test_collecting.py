"""Collecting a bundle: interrupted anywhere it goes on where it was; who may not read gets a sentence."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fristwerk_platform.settings import Settings
from fristwerk_proof.claims import ServiceAnswer
from fristwerk_proof.collecting import Collected, CollectError, collect
from fristwerk_verify.seen import seen_short
from fristwerk_verify.verification import verify
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.verifier.bundling import PROVIDER, export, fetch_from, files_of

With = Callable[[ServicesInOneProcess], Awaitable[None]]


class BrokenOffError(Exception):
    """The connection is gone."""


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2)


@pytest.fixture
def settings(bundle: Path) -> Settings:
    """The installation that the bundle is of."""
    return Settings(var=bundle.parent / "var")


async def test_an_interrupted_export_goes_on_where_it_was(
    settings: Settings, open_services: OpenServices, tmp_path: Path
) -> None:
    out = tmp_path / "bundle.zip"
    asked: list[str] = []
    async with open_services(settings) as stack:
        fetch, left = fetch_from(stack), 0

        async def breaking(service: Collected, path: str) -> ServiceAnswer:
            nonlocal left
            left -= 1
            if left < 0:
                raise BrokenOffError
            asked.append(path)
            return await fetch(service, path)

        interruptions = 0
        for _ in range(40):
            left = 12
            try:
                await collect(breaking, PROVIDER, out, now=soon, until=None, say=lambda *_: None)
                break
            except BrokenOffError:
                interruptions += 1
        whole = tmp_path / "whole.zip"
        await export(stack, whole)
    assert interruptions > 1
    assert verify(out).outcome == "holds"
    assert sum(path.startswith("/v1/audit/tickets/export") for path in asked) == 1
    assert not (tmp_path / "bundle.zip.partial").exists()
    ours, others = files_of(out), files_of(whole)
    assert {name for name in ours if ours[name] != others[name]} <= {"manifest.json", "claims/timers.ndjson"}


async def test_a_bundle_up_to_a_day_has_the_heads_of_that_day(
    settings: Settings, open_services: OpenServices, tmp_path: Path
) -> None:
    async with open_services(settings) as stack:
        fetch = fetch_from(stack)
        day = datetime.now(UTC).date()
        await collect(fetch, PROVIDER, tmp_path / "today.zip", now=soon, until=day, say=lambda *_: None)
        with pytest.raises(CollectError, match="No head covers an event of infoniqa yet"):
            await collect(
                fetch, PROVIDER, tmp_path / "before.zip", now=soon, until=date(2020, 1, 1), say=lambda *_: None
            )
        with pytest.raises(CollectError, match="The ticket-service answers /v1/audit/tickets/key with 403"):
            await collect(_customer(stack), PROVIDER, tmp_path / "c.zip", now=soon, until=None, say=lambda *_: None)
    assert verify(tmp_path / "today.zip").outcome == "holds"


def _customer(stack: ServicesInOneProcess) -> Callable[[Collected, str], Awaitable[ServiceAnswer]]:
    async def fetch(service: Collected, path: str) -> ServiceAnswer:
        answer = await stack.clients[service].get(
            path, headers=stack.headers("customer", PROVIDER, customer="somebody")
        )
        return ServiceAnswer(answer.status_code, answer.content, dict(answer.headers))

    return fetch


async def test_the_beginning_of_another_bundle_is_not_gone_on_with(
    settings: Settings, open_services: OpenServices, tmp_path: Path
) -> None:
    out = tmp_path / "bundle.zip"
    folder = tmp_path / "bundle.zip.partial"
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps({"moment": {"provider": "another", "until": None}}))
    async with open_services(settings) as stack:
        with pytest.raises(CollectError, match="the beginning of another bundle"):
            await export(stack, out)


async def test_the_lines_come_in_the_order_of_the_tree_in_pages(
    settings: Settings, open_services: OpenServices, bundle: Path
) -> None:
    expected = files_of(bundle)["tickets/events.ndjson"].splitlines()
    async with open_services(settings) as stack:
        lines: list[bytes] = []
        while len(lines) % 7 == 0:
            path = f"/v1/audit/tickets/export?limit=7&after={len(lines)}"
            answer = await stack.clients["ticket"].get(path, headers=stack.headers("auditor", PROVIDER))
            lines += answer.content.splitlines()
            if not answer.content:
                break
        assert lines == expected
        for role in ("agent", "billing"):
            refused = await stack.clients["ticket"].get(
                "/v1/audit/tickets/export", headers=stack.headers(role, PROVIDER)
            )
            assert refused.status_code == 403
        other = await stack.clients["ticket"].get(
            "/v1/audit/tickets/export", headers=stack.headers("auditor", "nobody")
        )
        assert (other.status_code, other.content) == (200, b"")


@pytest.mark.parametrize("form", ["text", "html"])
async def test_the_head_on_an_invoice_is_one_that_the_bundle_grew_out_of(
    settings: Settings, open_services: OpenServices, bundle: Path, form: str
) -> None:
    async with open_services(settings) as stack:
        printed = await fetch_from(stack)("billing", f"/v1/invoices/1?format={form}")
    found = re.search(r"billing:\d+:[0-9a-f]{16}", printed.content.decode())
    assert found is not None, printed.content

    assert verify(bundle, seen=[seen_short(found[0])]).outcome == "holds"
    other = found[0][:-1] + ("0" if found[0][-1] != "0" else "1")
    report = verify(bundle, seen=[seen_short(other)])
    assert [each.key for step in report.steps for each in step.findings] == ["head-forked"]


async def test_the_head_in_a_feeds_header_is_one_that_the_bundle_grew_out_of(
    settings: Settings, open_services: OpenServices, bundle: Path
) -> None:
    """Whoever follows a feed and keeps its headers is a witness."""
    found: dict[str, str] = {}
    async with open_services(settings) as stack:
        logs: tuple[tuple[Collected, str], ...] = (("ticket", "tickets"), ("sla", "tickets"), ("billing", "billing"))
        for service, log in logs:
            for _ in range(200):  # the SLA service asks the ticket service for its head in the background
                page = await stack.clients[service].get("/v1/events", headers=stack.headers("auditor", PROVIDER))
                if head := page.headers.get("fristwerk-head"):
                    break
                await asyncio.sleep(0.02)
            found[service] = head
            assert re.fullmatch(log + r":\d+:[0-9a-f]{16}", head)
            everybodys = await stack.clients[service].get("/v1/events?limit=1", headers=stack.headers("service", "*"))
            assert everybodys.status_code == 200
            assert "fristwerk-head" not in everybodys.headers

    assert found["sla"] == found["ticket"]
    assert verify(bundle, seen=[seen_short(each) for each in found.values()]).outcome == "holds"
    for each in found.values():
        other = each[:-1] + ("0" if each[-1] != "0" else "1")
        report = verify(bundle, seen=[seen_short(other)])
        assert [found.key for step in report.steps for found in step.findings] == ["head-forked"]

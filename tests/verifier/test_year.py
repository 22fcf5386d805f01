"""A year of five providers, invoiced month by month, exported and verified: small in the suite, at length by ``make proof``."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
import uuid
from pathlib import Path
from typing import Final

import httpx
import pytest

from fristwerk_platform.settings import Settings
from fristwerk_verify.findings import Report
from fristwerk_verify.messages import sentences
from fristwerk_verify.verification import verify
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.verifier.bundling import caught_up, export
from tests.verifier.year import PROVIDERS, fill

SHORT, LONG = 500, 100_000
"""Events."""
SEED: Final = 2026
MONTHS: Final = ("2026-03-31", "2026-06-30", "2026-10-31")


@pytest.fixture
def number(request: pytest.FixtureRequest) -> int:
    return LONG if request.config.getoption("faults") == "long" else SHORT


async def invoice(stack: ServicesInOneProcess, provider: str, until: str) -> None:
    """An invoice run over all contracts of a provider, to its end."""
    headers = stack.headers("billing", provider) | {"Idempotency-Key": str(uuid.uuid4())}
    transport = httpx.ASGITransport(stack.apps["billing"])
    async with httpx.AsyncClient(transport=transport, base_url="http://billing", headers=headers) as client:
        started = await client.post("/v1/invoice-runs", json={"until": until})
        assert started.status_code == 202, started.text
        path = started.headers["Location"]
        while (await client.get(path)).json()["run"]["state"] == "running":  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.05)


async def test_a_year_of_five_providers_holds(open_services: OpenServices, tmp_path: Path, number: int) -> None:
    settings = Settings(var=tmp_path / "var")
    settings.var.mkdir()
    written = await fill(settings, number, SEED)
    async with open_services(settings) as stack:
        await caught_up(stack, written)
        for provider in PROVIDERS:
            for until in MONTHS:
                await invoice(stack, provider, until)
    rows: list[tuple[str, Report, float]] = []
    async with open_services(settings) as stack:
        for provider in PROVIDERS:
            await export(stack, tmp_path / f"{provider}.zip", provider)
    for provider in PROVIDERS:
        began = time.process_time()
        report = verify(tmp_path / f"{provider}.zip")
        rows.append((provider, report, time.process_time() - began))
    for provider, report, seconds in rows:
        figures = {step.key: step.figures for step in report.steps}
        sys.stdout.write(
            f"\n{provider:<10} {figures['lines']['events']:>8,} events {figures['timers']['timers']:>8,} timers"
            f" {figures['documents'].get('documents', 0):>6,} documents {figures['charges'].get('lines', 0):>8,} charges"
            f" {seconds:>7.1f} s: {report.outcome}"
        )
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"\nat most {megabytes} MB, the services among them\n")
    wrong = [
        (p, step.key, sentences(step, "en")[:3]) for p, report, _ in rows for step in report.steps if step.findings
    ]
    assert wrong == []
    assert all(report.outcome == "holds" for _, report, _ in rows)

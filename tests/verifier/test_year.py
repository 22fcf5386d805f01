"""A year of five providers, invoiced month by month, exported and verified: small in the suite, at length by ``make proof``."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest

from fristwerk_platform.settings import Settings
from fristwerk_verify.messages import sentences
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.verifier.bundling import caught_up, export
from tests.verifier.measured import Verified, verified
from tests.verifier.year import PROVIDERS, fill

SHORT, LONG = 500, 100_000
"""Events."""
SEED: Final = 2026
A_MILLION: Final = 1_000_000
MOST_SECONDS: Final = 60.0
"""Of the processor, for a million events with all that is computed from them."""
MOST_CHAIN_SECONDS: Final = 10.0
"""The same for signatures and hashes alone."""
MOST_MEGABYTES: Final = 600
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


def figures(found: Sequence[Verified]) -> list[tuple[str, float, float]]:
    """What was measured, and at most how much it may be; seconds of the processor for a million events."""
    events = sum(each.events for each in found)
    return [
        (
            "signatures and hashes, s a million",
            A_MILLION * sum(e.chain_seconds for e in found) / events,
            MOST_CHAIN_SECONDS,
        ),
        ("everything computed again, s a million", A_MILLION * sum(e.seconds for e in found) / events, MOST_SECONDS),
        ("the most memory, MB", max(each.megabytes for each in found), MOST_MEGABYTES),
    ]


async def test_a_year_of_five_providers_holds(open_services: OpenServices, tmp_path: Path, number: int) -> None:
    settings = Settings(var=tmp_path / "var")
    settings.var.mkdir()
    written = await fill(settings, number, SEED)
    async with open_services(settings) as stack:
        await caught_up(stack, written)
        for provider in PROVIDERS:
            for until in MONTHS:
                await invoice(stack, provider, until)
    async with open_services(settings) as stack:
        for provider in PROVIDERS:
            await export(stack, tmp_path / f"{provider}.zip", provider)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as verifier:
        found = list(verifier.map(verified, PROVIDERS, [tmp_path / f"{each}.zip" for each in PROVIDERS]))
    for each in found:
        sys.stdout.write(f"\n{each.row()}")
    if number == LONG:  # a few hundred events take as long as the first use of everything
        for what, taken, most in figures(found):
            sys.stdout.write(
                f"\n{what:<40} {taken:>7.1f}, at most {most:.0f}{'' if taken <= most else ': falls short'}"
            )
    sys.stdout.write("\n")
    wrong = [
        (each.provider, step.key, sentences(step, "en")[:3])
        for each in found
        for step in each.report.steps
        if step.findings
    ]
    assert wrong == []
    assert all(each.report.outcome == "holds" for each in found)

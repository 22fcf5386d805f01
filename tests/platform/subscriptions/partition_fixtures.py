"""Fixtures of tests in which processes share a source by partitions: a database, and leases that a test can wait for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fristwerk_platform.read_models import SqlDatabase, postgres_database
from fristwerk_platform.subscriptions import partitioned as partitioned_module
from fristwerk_platform.subscriptions import partitions as partitions_module
from tests.platform.subscriptions.partitioned_source import metadata


@pytest.fixture(autouse=True)
def quick_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases last longer than any test, so that nobody takes over from who only waits for a processor."""
    monkeypatch.setattr(partitions_module, "LEASE_SECONDS", 120.0)
    monkeypatch.setattr(partitioned_module, "RENEW_SECONDS", 0.05)


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions_module, "LEASE_SECONDS", 0.6)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[SqlDatabase]:
    opened = postgres_database(postgres_url, "shared", metadata)
    await opened.create()
    yield opened
    await opened.close()

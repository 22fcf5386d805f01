"""A page of a feed is applied in parts, each in a transaction that a lease outlasts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import DatabaseUnavailableError, SqlDatabase
from fristwerk_platform.subscriptions import partitioned as partitioned_module
from tests.platform.subscriptions.partition_fixtures import database, quick_renewals, short_leases
from tests.platform.subscriptions.partitioned_source import (
    SOURCE,
    Event,
    Source,
    apply,
    decode,
    member,
    partitions,
    written,
)

__all__ = ["database", "quick_renewals", "short_leases"]  # fixtures


@pytest.mark.usefixtures("short_leases")
async def test_a_page_that_takes_longer_than_a_lease_is_applied_in_parts_with_renewals_between(
    database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitioned_module, "PART", 50)
    source = Source(streams=40, events=1_000)

    async def slowly(connection: AsyncConnection, batch: Sequence[Event]) -> None:
        await apply(connection, batch)
        await asyncio.sleep(0.002 * len(batch))

    def decode_slowly(line: bytes) -> Event:
        time.sleep(0.001)
        return decode(line)

    slow = member(database, source, "slow", decoded_by=decode_slowly, applied_by=slowly)
    await slow.resume()
    assert await slow.step(0) == 1_000, "three seconds of work, of which a lease lasts a fifth"
    assert sorted(await written(database)) == sorted(source.places)
    async with database.transaction() as connection:
        share = await partitions.take_share(connection, SOURCE, "other", {})
    assert share == {}, "its leases hold"


async def test_what_others_apply_makes_no_transaction_smaller(
    database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitioned_module, "PART", 40)
    monkeypatch.setattr(partitioned_module, "RENEW_SECONDS", 3600.0)  # no part takes so long that the next is smaller
    source = Source(streams=400, events=1_000)
    sizes: list[int] = []

    async def counted(connection: AsyncConnection, batch: Sequence[Event]) -> None:
        sizes.append(len(batch))
        await apply(connection, batch)

    one, *others = (member(database, source, str(number), applied_by=counted) for number in range(4))
    for _ in range(2):  # with the second they give back what is too much
        for each in (one, *others):
            await each.resume()
    await one.resume()
    assert await one.step(0) == 1_000
    assert max(sizes) <= 40
    assert len(sizes) <= sum(sizes) / 30 + 1
    assert 100 < sum(sizes) < 400


async def test_a_part_that_cannot_be_applied_in_time_becomes_smaller_until_it_can(
    database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a session that is silent for as long as a lease; the same part would end it with every try."""
    monkeypatch.setattr(partitioned_module, "RENEW_SECONDS", 3600.0)  # no part that is applied takes too long
    source = Source(streams=40, events=50)

    async def ended_by_the_server(connection: AsyncConnection, batch: Sequence[Event]) -> None:
        if len(batch) > 20:
            raise DatabaseUnavailableError("the session was ended")
        await apply(connection, batch)

    overloaded = member(database, source, "overloaded", applied_by=ended_by_the_server)
    await overloaded.resume()
    for _ in range(40):  # as ``run`` does
        try:
            await overloaded.step(0)
        except DatabaseUnavailableError:
            await overloaded.resume()
    assert sorted(await written(database)) == sorted(source.places)


def test_the_size_of_a_part_stays_between_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    size = partitioned_module.PartSize()
    for seconds, bound in ((1e-9, partitioned_module.SMALLEST_PART), (3600.0, partitioned_module.PART)):
        monkeypatch.setattr(partitioned_module, "RENEW_SECONDS", seconds)
        for _ in range(10):
            with size.adapted():
                size.held = size.events
        assert size.events == bound


def test_a_part_that_holds_next_to_nothing_makes_the_next_one_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitioned_module, "RENEW_SECONDS", 3600.0)
    size = partitioned_module.PartSize()
    size.events = 20
    for held, then in ((0, 20), (9, 20), (10, 40)):
        with size.adapted():
            size.held = held
        assert size.events == then

"""A program for tests: one of several processes that follow a log in a file together, by partitions."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import structlog
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.projections import tables as billing_tables
from billing_service.projections.projector import Projector as BillingProjector
from billing_service.projections.projector import concerns_all_accounts
from fristwerk_language.events import Recorded, decode_tolerantly, new_event_id
from fristwerk_platform.read_models import Write, postgres_database
from fristwerk_platform.subscriptions import (
    FeedPage,
    Membership,
    PartitionedSubscription,
    partitioned,
    partitions,
)
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.notices.watched_share import WatchedShare
from sla_service.projections import tables as sla_tables
from sla_service.projections.projector import SOURCE, Projector, concerns_all_tickets
from tests.faults.counted_effects import effects, take_the_fence_out


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker is told, as JSON: ``now`` is the instant that it is, ``fenced`` False takes the
    fence of partitions out.
    """

    url: str
    file: str
    member: str
    now: datetime
    lease_seconds: float
    service: Literal["sla", "billing"] = "sla"
    fenced: bool = True


class FileFeed:
    """The lines of a file by their positions, from 1 on."""

    def __init__(self, file: Path) -> None:
        self._lines = file.read_bytes().splitlines()

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        lines = self._lines[after : after + limit]
        if not lines:
            await asyncio.sleep(wait_seconds)
        return FeedPage(lines=lines, next=after + len(lines), last=len(self._lines))


async def follow_sla(work: Work) -> None:
    """Derive timers and watch them."""
    database = postgres_database(work.url, "sla", sla_tables.metadata, max_connections=3)
    outbox = Outbox(lambda: work.now, lambda: new_event_id(datetime.now(UTC), os.urandom(10)))

    def applies(stream: str) -> bool:
        return follower.applies(stream)

    projector = Projector(outbox, applies)

    async def apply(connection: AsyncConnection, batch: Sequence[Recorded]) -> Sequence[Write]:
        await note_effects(connection, batch, applies)
        return await projector.apply(connection, batch)

    follower: PartitionedSubscription[Recorded] = PartitionedSubscription(
        source=SOURCE,
        feed=FileFeed(Path(work.file)),
        decode=decode_tolerantly,
        database=database,
        checkpoints=sla_tables.checkpoints,
        membership=Membership(sla_tables.partitions, work.member, concerns_all_tickets),
        apply=apply,
        on_applied=outbox.signal.notify,
    )
    watch = Watch(
        database, outbox, lambda: work.now, follower.lag, lambda: WatchedShare(work.member, follower.caught_up())
    )
    os.write(1, b"following\n")
    await asyncio.gather(follower.run(lambda: work.now), watch.run())


async def follow_billing(work: Work) -> None:
    """Apply facts to their accounts."""
    database = postgres_database(work.url, "billing", billing_tables.metadata, max_connections=3)
    projector = BillingProjector()

    def applies(stream: str) -> bool:
        return follower.applies(stream)

    async def apply(connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        await note_effects(connection, batch, applies)
        await projector.apply(connection, batch)

    follower: PartitionedSubscription[Recorded] = PartitionedSubscription(
        source=billing_tables.SOURCE,
        feed=FileFeed(Path(work.file)),
        decode=decode_tolerantly,
        database=database,
        checkpoints=billing_tables.checkpoints,
        membership=Membership(billing_tables.partitions, work.member, concerns_all_accounts),
        apply=apply,
    )
    os.write(1, b"following\n")
    await follower.run(lambda: work.now)


async def note_effects(connection: AsyncConnection, batch: Sequence[Recorded], applies: Callable[[str], bool]) -> None:
    """A row for each event of the own partitions."""
    places = [{"stream": each.stream, "version": each.version} for each in batch if applies(each.stream)]
    if places:
        await connection.execute(insert(effects), places)


def main() -> None:
    work = msgspec.json.decode(sys.argv[1], type=Work)
    # Of standard output one line is read: full of the log, it would stop the worker for good.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    partitions.LEASE_SECONDS = work.lease_seconds  # type: ignore[misc]  # a test cannot wait for ten seconds each time
    partitioned.RENEW_SECONDS = work.lease_seconds / 5  # type: ignore[misc]
    if not work.fenced:
        take_the_fence_out()
    asyncio.run(follow_sla(work) if work.service == "sla" else follow_billing(work))


main()

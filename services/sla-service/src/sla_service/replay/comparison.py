"""The comparison of what is stored of every ticket with what its history gives."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Database
from fristwerk_platform.subscriptions import AppliedPositions, applied_positions, position_of
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.projections import tables, timer_fingerprints
from sla_service.projections.writer import stored_histories, stored_terms
from sla_service.replay.parts import (
    DerivedPartition,
    LogPart,
    OpenFeed,
    PartitionsApartError,
    Plan,
    Sizes,
    derive,
    derive_partition,
    read_part,
    read_part_at_once,
    write_published,
)
from sla_service.replay.processes import OtherProcesses, other_processes, shared_out

SOURCE: Final = "ticket-service"
TICKETS_AT_ONCE: Final = 200
EVERY: Final = 10_000
"""A line of progress for so many tickets."""

DEFAULT_SIZES: Final = Sizes()
Tell = Callable[[str], None]


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Both digests, and the tickets that differ; those that cannot be derived are among them."""

    read_model: str
    replayed: str
    tickets: int
    differing: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether the read model is what the log says."""
        return self.read_model == self.replayed


async def replay(
    database: Database, open_feed: OpenFeed | None, tell: Tell, *, processes: int = 1, sizes: Sizes = DEFAULT_SIZES
) -> Replay:
    """Recompute and compare; without a feed from the histories that the service itself keeps, in this process.

    ``processes`` is how many work on a long log at most, this one included. The read model is looked
    at first, as of one moment; then the log is read up to exactly that position, or up to that of each
    partition where processes share the work.

    Raises SourceShorterError, PartitionsApartError, and SourceUnavailableError of ``fristwerk_platform.subscriptions``.
    """
    async with database.reading() as connection:
        await _as_of_one_moment(connection)
        applied = await applied_positions(connection, tables.checkpoints, tables.partitions, SOURCE)

        async def stored_now() -> dict[str, bytes]:
            found = await timer_fingerprints.stored_fingerprints(connection)
            tell(f"The read model holds {len(found):,} tickets as of {_named(applied)}.")
            return found

        if open_feed is None:
            stored = await stored_now()
            replayed = await _from_histories(database)
        else:
            stored, replayed = await _from_log(open_feed, applied, processes, sizes, stored_now, tell)
    for _, sentence in sorted(replayed.failures.items()):
        tell(sentence)
    tell(f"{replayed.tickets:,} tickets recomputed.")
    found = replayed.fingerprints
    return Replay(
        read_model=timer_fingerprints.combined_fingerprint(stored),
        replayed=timer_fingerprints.combined_fingerprint(found),
        tickets=replayed.tickets,
        differing=tuple(sorted(name for name in stored | found if stored.get(name) != found.get(name))),
    )


async def _as_of_one_moment(connection: AsyncConnection) -> None:
    """Let every statement of the transaction see the same state, as it does on SQLite anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


async def _from_histories(database: Database) -> DerivedPartition:
    """Every ticket derived from its stored history and its provider's stored terms."""
    known: dict[str, PublishedTerms] = {}
    fingerprints: dict[str, bytes] = {}
    failures: dict[str, str] = {}
    count, after = 0, ""
    while True:
        names = select(tables.histories.c.ticket).where(tables.histories.c.ticket > after).distinct()
        async with database.reading() as connection:
            page = names.order_by(tables.histories.c.ticket).limit(TICKETS_AT_ONCE)
            tickets = list((await connection.execute(page)).scalars())
            histories = await stored_histories(connection, tickets)
            for history in histories.values():
                provider = history[0].envelope.provider
                if provider not in known:
                    known[provider] = await stored_terms(connection, provider)
        if not tickets:
            return DerivedPartition(tickets=count, fingerprints=fingerprints, failures=failures)
        for history in histories.values():
            stream = history[0].stream
            try:
                ticket, fingerprint = derive(history, known[history[0].envelope.provider])
            except Exception as error:  # noqa: BLE001 - the service sets such a ticket aside and goes on; so does this
                failures[stream] = f"{stream} cannot be derived: {error}"
            else:
                fingerprints[ticket] = fingerprint
        count, after = count + len(tickets), tickets[-1]


async def _from_log(
    open_feed: OpenFeed,
    applied: AppliedPositions,
    processes: int,
    sizes: Sizes,
    stored_now: Callable[[], Awaitable[dict[str, bytes]]],
    tell: Tell,
) -> tuple[dict[str, bytes], DerivedPartition]:
    """What is stored, looked up while other processes begin on the log, and every ticket derived from the log."""
    beside = min(processes - 1, applied.last // sizes.process)
    with tempfile.TemporaryDirectory(prefix="fristwerk-replay-") as folder:
        plan = Plan(applied=applied, folder=Path(folder), sizes=sizes)
        async with other_processes(beside) as others:
            looking_up = asyncio.ensure_future(stored_now())
            published = await _read(open_feed, plan, others, looking_up, tell)
            stored = await looking_up
            _check_terms(published, applied)
            write_published(plan, published)
            return stored, await _derive(plan, others, tell)


def _named(applied: AppliedPositions) -> str:
    if applied.are_level:
        return f"position {applied.last:,}"
    return f"positions {applied.first:,} to {applied.last:,}, as its partitions are"


def _check_terms(published: Sequence[bytes], applied: AppliedPositions) -> None:
    """Raises PartitionsApartError."""
    if published and position_of(published[-1]) > applied.first:
        raise PartitionsApartError(
            f"The partitions are applied up to positions from {applied.first:,} to {applied.last:,}, and terms were"
            " published between: try again in some seconds, once all of them are beyond."
        )


async def _read(
    open_feed: OpenFeed, plan: Plan, others: OtherProcesses, looking_up: asyncio.Future[dict[str, bytes]], tell: Tell
) -> list[bytes]:
    """Put the log into the files of partitions; the lines that publish terms, in their order."""
    read = 0

    async def here(part: LogPart) -> list[bytes]:
        await looking_up
        return await read_part(open_feed, plan, part)

    def told(_published: list[bytes]) -> None:
        nonlocal read
        read += 1
        if looking_up.done():
            tell(f"{read * plan.position // len(plan.parts):,} of {plan.position:,} positions read.")

    there = others.lanes(partial(read_part_at_once, open_feed, plan))
    return [line for lines in await shared_out(plan.parts, [here, *there], told) for line in lines]


async def _derive(plan: Plan, others: OtherProcesses, tell: Tell) -> DerivedPartition:
    """Derive all partitions."""
    whole = DerivedPartition(tickets=0, fingerprints={}, failures={})

    async def here(number: int) -> DerivedPartition:
        derived = derive_partition(plan, number)
        await asyncio.sleep(0)  # lets the other processes have their next tasks
        return derived

    def told(derived: DerivedPartition) -> None:
        nonlocal whole
        before, count = whole.tickets, whole.tickets + derived.tickets
        whole.fingerprints.update(derived.fingerprints)
        whole.failures.update(derived.failures)
        whole = msgspec.structs.replace(whole, tickets=count)
        if count // EVERY > before // EVERY:
            tell(f"{count:,} tickets recomputed.")

    await shared_out(range(plan.partitions), [here, *others.lanes(partial(derive_partition, plan))], told)
    return whole

"""How fast billing rates: one contract with 10,000 and 20,000 entries, and 1,000 contracts with 100 each, one by one."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from measuring.story import BATCH, BEGINNING, PROVIDER, Story
from rich.console import Console
from rich.table import Table

from billing_service.application.statements import Statements
from billing_service.domain.facts.from_events import account
from billing_service.domain.invoice.rated import Cutoff
from billing_service.domain.invoice.views import preview
from billing_service.domain.rating.rating import rate
from billing_service.projections.projector import Projector
from billing_service.projections.tables import metadata
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from fristwerk_language.events import Recorded, decode, terms
from fristwerk_language.terms import agreement_document
from fristwerk_platform.event_log import NewEvent
from fristwerk_platform.gc_tuning import tune_garbage_collection
from fristwerk_platform.read_models import Database, sqlite_database
from fristwerk_platform.subscriptions import with_position

UNTIL = date(2026, 12, 31)
ROUNDS = 5
ENTRIES_OF_A_TICKET = 10


def entries_of(story: Story, contract: str, entries: int) -> Iterator[NewEvent]:
    """A prepaid contract with so many entries, ten to a ticket, spread over half a year."""
    yield from story.contract(contract)
    for number in range(entries):
        ticket = f"{contract}-{number // ENTRIES_OF_A_TICKET}"
        if number % ENTRIES_OF_A_TICKET == 0:
            yield story.opened(ticket, contract)
        start = BEGINNING + timedelta(days=number % 180, minutes=number * 7 % 480)
        yield story.worked(ticket, f"{contract}-{number}", start, 5 + number % 55)


def as_recorded(events: Iterable[NewEvent]) -> list[Recorded]:
    """The events as a follower has them."""
    return [decode(with_position(position, each.line)) for position, each in enumerate(events, start=1)]


@asynccontextmanager
async def filled(story: Story, contracts: int, entries: int) -> AsyncIterator[tuple[Database, int, float]]:
    """A read model on disk that knows so many contracts; how many events that took, and how many seconds to apply them."""
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite_database(Path(folder) / "billing.db", metadata)
        await database.create()
        events, seconds = 0, 0.0
        batch = as_recorded([story.agreement()])
        for number in range(contracts):
            batch += as_recorded(entries_of(story, f"k-{number:05}", entries))
            if len(batch) >= BATCH or number == contracts - 1:
                started_at = time.perf_counter()
                async with database.transaction() as connection:
                    await Projector().apply(connection, batch)
                seconds += time.perf_counter() - started_at
                events, batch = events + len(batch), []
        yield database, events, seconds
        await database.close()


def one_contract(entries: int) -> float:
    """Seconds to read and rate one contract's facts, in the domain alone."""
    story = Story()
    published = decode(story.agreement().line).event
    assert isinstance(published, terms.AgreementPublished)
    agreement = agreement_document(published.document)
    facts = as_recorded(entries_of(story, "k-0", entries))
    rounds = []
    for _ in range(ROUNDS):
        started_at = time.perf_counter()
        rate(account("k-0", facts), lambda *_: agreement, UNTIL)
        rounds.append(time.perf_counter() - started_at)
    return statistics.median(rounds)


async def previews(database: Database, contracts: int) -> tuple[float, float]:
    """Seconds to preview every contract from the read model, and how far the peak of memory rose after the first tenth, in MB."""
    model = AccountQueries(database)
    statements = Statements(model, DocumentQueries(database), lambda: datetime.now(UTC))
    risen_from = 0.0
    started_at = time.perf_counter()
    rows = await model.billable(PROVIDER)
    assert len(rows) == contracts
    for number, row in enumerate(rows):
        rated = await statements.rated(row, Cutoff(until=UNTIL))
        assert rated is not None
        preview([rated])
        if number == contracts // 10:
            risen_from = peak_megabytes()
    return time.perf_counter() - started_at, peak_megabytes() - risen_from


async def long_contract(database: Database) -> tuple[float, float, float]:
    """Seconds to preview a contract, and once more; and the longest that the event loop stood meanwhile."""
    model = AccountQueries(database)
    statements = Statements(model, DocumentQueries(database), lambda: datetime.now(UTC))
    (row,) = await model.billable(PROVIDER)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    watching = asyncio.create_task(watch())
    taken = []
    for _ in range(2):
        started_at = time.perf_counter()
        rated = await statements.rated(row, Cutoff(until=UNTIL))
        assert rated is not None
        await asyncio.to_thread(preview, [rated])
        taken.append(time.perf_counter() - started_at)
    watching.cancel()
    return taken[0], taken[1], longest


def peak_megabytes() -> float:
    """The most memory that the process has held."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


async def measured(table: Table) -> None:
    async with filled(Story(), 1_000, 100) as (database, events, applying):
        seconds, megabytes = await previews(database, 1_000)
    table.add_row("preview 1,000 contracts with 100 entries each", f"{seconds:.1f} s", "≤ 10 s on one core")
    table.add_row("  peak of memory after the first 100 contracts", f"+ {megabytes:.0f} MB", "flat")
    table.add_row(f"catch up with {events:,} events", f"{events / applying:,.0f} events/s", "")
    table.add_row("rate 10,000 entries of one contract, in memory", f"{one_contract(10_000):.2f} s", "well under 1 s")
    async with filled(Story(), 1, 10_000) as (database, _, _):
        seconds, _ = await previews(database, 1)
    table.add_row("preview them from the read model", f"{seconds:.2f} s", "")
    async with filled(Story(), 1, 20_000) as (database, _, _):
        first, again, longest = await long_contract(database)
    table.add_row("preview a contract with 20,000 entries", f"{first:.2f} s", "≤ 0.5 s")
    table.add_row("  the same facts once more", f"{again:.2f} s", "≤ 0.5 s")
    table.add_row("  the longest that others wait meanwhile", f"{longest * 1_000:.0f} ms", "")


def main() -> None:
    """Print the figures, and on what machine."""
    load = os.getloadavg()[0]
    tune_garbage_collection()  # as a service does
    table = Table("what", "measured", "to reach")
    for column in (1, 2):
        table.columns[column].justify = "right"
    asyncio.run(measured(table))
    console = Console(width=100, highlight=False)
    console.print(table)
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    )


if __name__ == "__main__":
    main()

"""Recomputes every timer from the log and compares it with the read model; nothing but a temporary file is written.

The read model is looked at first, as of one moment; then the log is read up to exactly that position. Histories are collected in
the temporary file, so that memory does not grow with the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, decode_tolerantly, read_line, streams
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_platform.cli import CliError
from fristwerk_platform.read_models import Database
from fristwerk_platform.subscriptions import Feed, Prefetch
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.projections import tables, timer_fingerprints
from sla_service.projections.projector import derived_ticket
from sla_service.projections.writer import compiled_terms, stored_histories, stored_terms

SOURCE: Final = "ticket-service"
TICKETS_AT_ONCE: Final = 200
EVERY: Final = 10_000
"""A line of progress for so many events or tickets."""

Tell = Callable[[str], None]
History = Sequence[Recorded]
PublishedByProvider = dict[str, list[Recorded]]


class SourceShorterError(CliError):
    """Raised when the log ends before what the read model was made of: an old backup was restored. The message says so."""


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


async def replay(database: Database, feed: Feed | None, tell: Tell) -> Replay:
    """Recompute and compare; without a feed from the histories that the service itself keeps.

    Raises SourceShorterError, and SourceUnavailableError of ``fristwerk_platform.subscriptions``.
    """
    async with database.reading() as connection:
        await _as_of_one_moment(connection)
        position = await tables.checkpoints.position(connection, SOURCE)
        stored = await timer_fingerprints.stored_fingerprints(connection)
    tell(f"The read model holds {len(stored):,} tickets as of position {position:,}.")
    source = _from_histories(database) if feed is None else _from_log(feed, position, tell)
    replayed: dict[str, bytes] = {}
    count = 0
    async for history, terms in source:
        count += 1
        _derive(history, terms, replayed, tell)
        if count % EVERY == 0:
            tell(f"{count:,} tickets recomputed.")
    tell(f"{count:,} tickets recomputed.")
    return Replay(
        read_model=timer_fingerprints.combined_fingerprint(stored),
        replayed=timer_fingerprints.combined_fingerprint(replayed),
        tickets=count,
        differing=tuple(sorted(name for name in stored | replayed if stored.get(name) != replayed.get(name))),
    )


async def _as_of_one_moment(connection: AsyncConnection) -> None:
    """Let every statement of the transaction see the same state, as it does on SQLite anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def _derive(history: History, terms: PublishedTerms, replayed: dict[str, bytes], tell: Tell) -> None:
    try:
        ticket = derived_ticket(history, terms)
    except Exception as error:  # noqa: BLE001 - the service sets such a ticket aside and goes on; so does this
        tell(f"{history[0].envelope.stream} cannot be derived: {error}")
        return
    replayed[ticket.derived.ticket] = timer_fingerprints.derived_fingerprint(ticket)


async def _from_histories(database: Database) -> AsyncIterator[tuple[History, PublishedTerms]]:
    """Every ticket's stored history, with its provider's stored terms."""
    known: dict[str, PublishedTerms] = {}
    after = ""
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
            return
        for ticket in tickets:
            yield histories[ticket], known[histories[ticket][0].envelope.provider]
        after = tickets[-1]


async def _from_log(feed: Feed, position: int, tell: Tell) -> AsyncIterator[tuple[History, PublishedTerms]]:
    """Every ticket's history in the log up to a position, with its provider's terms."""
    with closing(sqlite3.connect("")) as spool:  # a nameless database lies in a temporary file
        spool.execute("CREATE TABLE lines (ticket TEXT, version INTEGER, line BLOB)")
        published = await _read(feed, position, spool, tell)
        terms = {provider: compiled_terms(each) for provider, each in published.items()}
        for history in _collected(spool):
            yield history, terms.get(history[0].envelope.provider, PublishedTerms())


async def _read(feed: Feed, position: int, spool: sqlite3.Connection, tell: Tell) -> PublishedByProvider:
    """Collect the log's lines of tickets up to a position; what was published, by provider. Raises SourceShorterError."""
    published: PublishedByProvider = {}
    after = 0
    async with aclosing(Prefetch(feed)) as reading:
        while after < position:
            page = await reading.page(after, 0)
            if page.last < position:
                raise SourceShorterError(
                    f"The log ends at position {page.last:,}, but the read model was made of {position:,}."
                )
            _collect(spool, page.lines, position, published)
            if page.next // EVERY > after // EVERY:
                tell(f"{min(page.next, position):,} of {position:,} positions read.")
            after = page.next
    return published


def _collect(spool: sqlite3.Connection, lines: Sequence[bytes], position: int, published: PublishedByProvider) -> None:
    rows: list[tuple[str, int, bytes]] = []
    for line in lines:
        envelope = read_line(line)
        if envelope.position > position:
            break
        if streams.TICKET.includes(envelope.stream):
            rows.append((envelope.stream, envelope.version, line))
        elif isinstance((recorded := decode_tolerantly(line)).event, AgreementPublished | CalendarPublished):
            published.setdefault(envelope.provider, []).append(recorded)
    spool.executemany("INSERT INTO lines VALUES (?, ?, ?)", rows)


def _collected(spool: sqlite3.Connection) -> Iterator[History]:
    lines = spool.execute("SELECT ticket, line FROM lines ORDER BY ticket, version")
    for _, group in groupby(lines, key=itemgetter(0)):
        yield [decode_tolerantly(line) for _, line in group]

"""However a replay is split into parts, partitions and processes, it finds what one reading of everything in memory finds."""

from __future__ import annotations

import asyncio
import gzip
import logging
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import structlog
from sqlalchemy import delete, insert, update

from fristwerk_language.events import Recorded, columns_of, decode_tolerantly, tickets
from fristwerk_platform.event_log import SqliteEventLog
from fristwerk_platform.read_models import Database, SqlDatabase, sqlite_database, write
from fristwerk_platform.subscriptions import LogFeed
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.projections import tables, timer_fingerprints
from sla_service.projections.projector import derived_ticket
from sla_service.projections.tables import timers
from sla_service.projections.writer import compiled_terms
from sla_service.replay import Replay, Sizes, SourceShorterError, replay
from sla_service.replay.processes import shared_out
from tests.sla_service.service.conftest import Service, utc
from tests.sla_service.service.told_feed import told

STORED: Final = Path(__file__).parents[2] / "contracts" / "databases"
TICKETS: Final = 25
SMALL: Final = Sizes(part=37, partition=11, process=1)
FACTS: Final = (
    lambda: tickets.Responded(channel="email"),
    tickets.InformationRequested,
    tickets.InformationReceived,
    lambda: tickets.SeveritySet(severity="hoch"),
    lambda: tickets.SeveritySet(severity="niedrig"),
    tickets.Resolved,
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The parked ticket is not logged: a traceback with every local takes seconds to print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def in_memory(database: Database, lines: list[bytes]) -> Replay:
    """The replay as simple as it can be: everything decoded, grouped and derived in memory."""
    async with database.reading() as connection:
        position = await tables.checkpoints.position(connection, "ticket-service")
        stored = await timer_fingerprints.stored_fingerprints(connection)
    log = [each for each in map(decode_tolerantly, lines) if each.position <= position]
    by_ticket: dict[str, list[Recorded]] = {}
    for each in log:
        if each.stream.startswith("ticket-"):
            by_ticket.setdefault(each.stream, []).append(each)
    providers = {each.envelope.provider for each in log}
    terms = {name: compiled_terms(each for each in log if each.envelope.provider == name) for name in providers}
    found: dict[str, bytes] = {}
    for stream, history in by_ticket.items():
        try:
            derived = derived_ticket(history, terms.get(history[0].envelope.provider, PublishedTerms()))
        except Exception:  # noqa: BLE001, S112 - such a ticket is parked by the service, and not compared
            continue
        found[stream.removeprefix("ticket-")] = timer_fingerprints.derived_fingerprint(derived)
    return Replay(
        read_model=timer_fingerprints.combined_fingerprint(stored),
        replayed=timer_fingerprints.combined_fingerprint(found),
        tickets=len(by_ticket),
        differing=tuple(sorted(name for name in stored | found if stored.get(name) != found.get(name))),
    )


async def generated(service: Service, seed: int) -> list[bytes]:
    """Tickets with facts in any order, one of which no terms are known of; what the service made of them is stored."""
    chance = random.Random(seed)  # noqa: S311 - drawn again by the seed
    for number in range(TICKETS):
        service.log.ticket(f"t{number}", f"2026-06-{1 + number % 28:02} 0{number % 9}:00")
    service.log.ticket("bad", "2026-06-09 06:00", agreement_version=9)
    for _ in range(TICKETS * 8):
        day, hour = chance.randrange(1, 28), chance.randrange(24)
        event = chance.choice(FACTS)()
        service.log.at(f"t{chance.randrange(TICKETS)}", f"2026-06-{day:02} {hour:02}:{chance.randrange(60):02}", event)
    async with service.database.transaction() as connection:
        await tables.checkpoints.advance(connection, "ticket-service", 0, len(service.log.lines), [])
        await write(connection, *await service.projector.apply(connection, service.log.news()))
    for number in range(TICKETS):  # beyond what the read model was made of
        service.log.at(f"t{number}", "2026-06-01 07:00", tickets.SeveritySet(severity="kritisch"))
    return list(service.log.lines)


async def tamper(database: SqlDatabase) -> None:
    async with database.transaction() as connection:
        document = timers.c.document.concat(b" ")
        await connection.execute(update(timers).where(timers.c.ticket == "t1").values(document=document))
        await connection.execute(delete(timers).where(timers.c.ticket == "t7"))
        state = update(tables.tickets).where(tables.tickets.c.ticket == "t9")
        await connection.execute(state.values(entitled=~tables.tickets.c.entitled))
        await connection.execute(delete(tables.tickets).where(tables.tickets.c.ticket == "t11"))
        named = {"provider": "p", "ticket": "x", "reference": "X", "customer": "c", "agreement": "a", "reason": "r"}
        extra = named | {"received_at": utc("2026-06-01 00:00"), "entitled": True, "absent": b"[]"}
        await connection.execute(insert(tables.tickets), [extra])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sizes", [SMALL, Sizes(part=1_000, partition=1), Sizes()], ids=["small", "partitions", "one"])
async def test_parts_and_partitions_make_no_difference(service: Service, seed: int, sizes: Sizes) -> None:
    lines = await generated(service, seed)
    said: list[str] = []

    found = await replay(service.database, told(lines), said.append, sizes=sizes)

    assert found == await in_memory(service.database, lines)
    assert found.is_equal
    assert any(each.startswith("ticket-bad cannot be derived: There is no version 9") for each in said)
    assert (said[0].split()[:4], said[-1]) == (["The", "read", "model", "holds"], f"{TICKETS + 1} tickets recomputed.")


@pytest.mark.parametrize("sizes", [SMALL, Sizes()], ids=["small", "one"])
async def test_missing_positions_make_no_difference(service: Service, sizes: Sizes) -> None:
    lines = await generated(service, 5)
    thinned = [line for number, line in enumerate(lines) if number % 7 or number < TICKETS + 3]

    found = await replay(service.database, told(thinned), lambda _line: None, sizes=sizes)

    assert found == await in_memory(service.database, thinned)
    assert 0 < len(found.differing) < TICKETS


async def test_several_processes_find_what_one_finds(service: Service) -> None:
    lines = await generated(service, 7)
    await tamper(service.database)
    said: list[str] = []

    found = await replay(service.database, told(lines), said.append, processes=3, sizes=SMALL)

    assert found == await in_memory(service.database, lines)
    assert found.differing == ("t1", "t11", "t7", "t9", "x")
    assert said[0].startswith("The read model holds")
    assert any(each.startswith("ticket-bad cannot be derived") for each in said)


async def test_a_log_that_ends_early_is_refused_by_whichever_process_sees_it(service: Service) -> None:
    lines = await generated(service, 8)
    with pytest.raises(SourceShorterError, match="The log ends at position 100, but the read model was made of"):
        await replay(service.database, told(lines[:100]), lambda _line: None, processes=2, sizes=SMALL)


async def test_of_the_stored_databases_the_log_gives_what_is_stored(tmp_path: Path) -> None:
    for name in ("sla", "tickets-log"):
        (tmp_path / f"{name}.db").write_bytes(gzip.decompress((STORED / f"{name}.db.gz").read_bytes()))
    log, database = (
        SqliteEventLog(tmp_path / "tickets-log.db", None, columns_of),
        sqlite_database(tmp_path / "sla.db", tables.metadata),
    )
    lines = (await LogFeed(log).page(0, 1_000, 0)).lines

    for sizes in (Sizes(), SMALL):
        found = await replay(database, told(lines), lambda _line: None, sizes=sizes)
        assert found == await in_memory(database, lines)
        assert found.is_equal
        assert found.tickets > 10

    await database.close()
    await log.close()


async def test_of_tasks_the_first_failure_is_raised_and_the_rest_is_left() -> None:
    done: list[int] = []

    async def lane(task: int) -> int:
        await asyncio.sleep(0)
        if task == 3:
            raise ValueError("three")
        return task * 10

    assert await shared_out(range(3), [lane, lane], done.append) == [0, 10, 20]
    assert sorted(done) == [0, 10, 20]
    with pytest.raises(ValueError, match="three"):
        await shared_out(range(100), [lane, lane], done.append)
    assert len(done) < 10


ORPHANS: Final = """
import asyncio, os
from sla_service.replay.processes import other_processes

async def main():
    async with other_processes(1) as others:
        (lane, *_) = others.lanes(int)
        await lane("1")
        child = next(iter(others._pool._processes))
        print(child, flush=True)
        os._exit(9)

asyncio.run(main())
"""


def test_other_processes_end_when_the_first_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS.replace("asyncio.run", "if __name__ == '__main__':\n    asyncio.run"))

    ended = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, check=False, timeout=60)  # noqa: S603 - our own

    assert ended.returncode == 9
    child, patience = int(ended.stdout), time.monotonic() + 20
    while time.monotonic() < patience and runs(child):
        time.sleep(0.05)
    assert not runs(child)


def runs(process_id: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

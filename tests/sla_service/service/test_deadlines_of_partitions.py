"""Next deadlines that several processes derive: a reader who asks for what has changed misses nothing of a slower one."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, insert, update

from fristwerk_platform.read_models import SqlDatabase, sqlite_database
from sla_service.projections.projector import SOURCE
from sla_service.projections.tables import deadline_positions, metadata, partitions
from sla_service.queries.next_deadlines import DeadlineCursor, read_changed


async def derived(database: SqlDatabase, ticket: str, position: int) -> None:
    """A ticket derived at a position."""
    async with database.transaction() as connection:
        await connection.execute(
            insert(deadline_positions).values(ticket=ticket, provider="infoniqa", position=position)
        )


async def test_what_a_slower_process_derives_later_is_read_too(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "sla.db", metadata)
    await database.create()
    try:
        shares = {0: 9, 1: 5}
        async with database.transaction() as connection:
            for partition, position in shares.items():
                row = {"source": SOURCE, "partition": partition, "position": position, "epoch": 1, "leased_until": 0.0}
                await connection.execute(insert(partitions.table).values(row))
        await derived(database, "early", 3)
        await derived(database, "fast", 9)
        first = await read_changed(database, 1, "infoniqa", DeadlineCursor(0), 100)
        assert ([each.ticket for each in first.items], first.position) == (["early"], 5)
        await derived(database, "slow", 7)
        async with database.transaction() as connection:
            await connection.execute(update(partitions.table).values(position=9))
        rest = await read_changed(database, 1, "infoniqa", first.next, 100)
        assert ([each.ticket for each in rest.items], rest.position) == (["slow", "fast"], 9)
        async with database.transaction() as connection:
            await connection.execute(delete(partitions.table))
            await connection.execute(
                insert(metadata.tables["followed_positions"]).values(source=SOURCE, position=11, last_event=None)
            )
        assert (await read_changed(database, 1, "infoniqa", rest.next, 100)).position == 11
    finally:
        await database.close()

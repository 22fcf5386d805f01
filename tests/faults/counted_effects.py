"""Effects that nothing but the fence keeps from being written twice: a row for each event that was applied, without a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import Column, Integer, MetaData, String, Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import read_line
from fristwerk_platform.read_models import SqlDatabase
from fristwerk_platform.subscriptions import Checkpoints, Partitions
from fristwerk_platform.subscriptions.partitions import Cursor, Reached

metadata = MetaData()
effects = Table("effects", metadata, Column("stream", String), Column("version", Integer))


class Effects(msgspec.Struct, frozen=True):
    """How many effects were written, how many of them once too often, and how many events have none."""

    written: int
    doubled: int
    missing: int


async def compared_effects(database: SqlDatabase, lines: list[bytes], prefix: str) -> Effects:
    """What was written for the events of a log whose streams begin so."""
    envelopes = [read_line(line) for line in lines]
    wanted = Counter((each.stream, each.version) for each in envelopes if each.stream.startswith(prefix))
    by_event = select(effects.c.stream, effects.c.version, func.count()).where(effects.c.stream.startswith(prefix))
    async with database.reading() as connection:
        rows = await connection.execute(by_event.group_by(effects.c.stream, effects.c.version))
        found = Counter({(stream, version): number for stream, version, number in rows})
    return Effects(found.total(), (found - wanted).total(), (wanted - found).total())


def take_the_fence_out() -> None:
    """In this process a partition is moved on whoever has it and wherever it is, and no version of a
    stream is compared: what is left is the lease.
    """

    async def advance(
        self: Partitions,
        connection: AsyncConnection,
        source: str,
        member: str,  # noqa: ARG001 - whoever it is
        cursors: Mapping[int, Cursor],
        until: Reached,
    ) -> None:
        stored = self.table
        ours = (stored.c.source == source) & stored.c.partition.in_(list(cursors))
        await connection.execute(
            update(stored).where(ours).values(position=until.position, last_event=until.last_event)
        )

    async def advancing_streams(*_: object) -> list[object]:
        return []

    Partitions.advance = advance  # type: ignore[method-assign]  # this process is for that
    Checkpoints.advancing_streams = advancing_streams  # type: ignore[assignment,method-assign]

"""Up to where a read model is applied, for whoever compares it with the log: where processes share
the work, each partition has a position of its own, and while they work these differ.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.subscriptions.checkpoints import Checkpoints
from fristwerk_platform.subscriptions.partitions import PARTITIONS, Partitions, partition_of


class AppliedPositions(msgspec.Struct, frozen=True):
    """The position of each partition in their order, or one for a source that is followed as a whole."""

    positions: tuple[int, ...]

    @property
    def first(self) -> int:
        """Up to here everything is applied."""
        return min(self.positions)

    @property
    def last(self) -> int:
        """Beyond it nothing is; what concerns all partitions is applied up to here."""
        return max(self.positions)

    @property
    def are_level(self) -> bool:
        """Whether everything is applied up to one position, and nothing beyond."""
        return self.first == self.last

    def include(self, stream: str, position: int) -> bool:
        """Whether the stream's event at a position is applied."""
        if position <= self.first:
            return True
        return position <= self.last and not self.are_level and position <= self.positions[partition_of(stream)]


async def applied_positions(
    connection: AsyncConnection, checkpoints: Checkpoints, partitions: Partitions, source: str
) -> AppliedPositions:
    """Those of a source, as the transaction sees them; also of a read model that is older than partitions."""
    found: tuple[int, ...] = ()
    if await partitions.are_there(connection):
        stored = partitions.table
        statement = select(stored.c.position).where(stored.c.source == source).order_by(stored.c.partition)
        found = tuple((await connection.execute(statement)).scalars())
    if not found:
        return AppliedPositions((await checkpoints.position(connection, source),))
    assert len(found) == PARTITIONS, "they are made all at once"
    return AppliedPositions(found)

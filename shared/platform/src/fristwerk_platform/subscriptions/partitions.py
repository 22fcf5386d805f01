"""Partitions: 64 shares of a source, each with a position and one owner at a time, so that several
processes share the work of one read model on PostgreSQL.

A lease alone is not enough: an owner that was stopped in the middle of a transaction finishes it
after another has taken over (2,840 of 16,000 effects twice, in a trial). So every taking over
raises the partition's epoch, and an effect is written only in a transaction that has found the
partition with its owner, its epoch and its position, and holds its row until the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import PASSING, advisory_lock
from fristwerk_platform.read_models.driver import run_on_postgres
from fristwerk_platform.subscriptions.checkpoints import CheckpointMovedError, following_lock

PARTITIONS: Final = 64
"""A divisor of 256, so that the first byte of a digest tells the partition."""
LEASE_SECONDS: Final = 10.0
"""So long a process that says nothing keeps its partitions."""


def partition_of(stream: str) -> int:
    """The partition of a stream, 0 to 63: the same in every process and release, as positions rest
    on it.
    """
    return sha256(stream.encode()).digest()[0] % PARTITIONS


def partition_in_sql(stream: str) -> str:
    """The same of a stream named by an expression, as PostgreSQL computes it."""
    return f"mod(get_byte(sha256(convert_to({stream}, 'UTF8')), 0), {PARTITIONS})"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a partition is applied, the id of the event there (None where none is known), and
    since which take-over this process has it.
    """

    epoch: int
    position: int
    last_event: str | None


class Reached(msgspec.Struct, frozen=True):
    """Up to where partitions are read, and the id of the event at that position, if there is one."""

    position: int
    last_event: str | None


class Partitions:
    """The partitions of the sources of a read model, and the processes that share them.

    The instants are the database's own, so that the clocks of machines need not agree. All methods
    are called inside a transaction, on PostgreSQL.
    """

    def __init__(self, metadata: MetaData) -> None:
        self.table = Table(
            "followed_partitions",
            metadata,
            Column("source", String, primary_key=True),
            Column("partition", Integer, primary_key=True, autoincrement=False),
            Column("position", BigInteger, nullable=False),
            Column("last_event", String),
            Column("epoch", BigInteger, nullable=False),
            Column("owner", String),
            Column("leased_until", Float, nullable=False),
            info=PASSING,
        )
        Table(
            "partition_members",
            metadata,
            Column("source", String, primary_key=True),
            Column("member", String, primary_key=True),
            Column("seen_until", Float, nullable=False),
            info=PASSING,
        )

    async def are_there(self, connection: AsyncConnection) -> bool:
        """Whether the database has partitions at all: one that is older than they are has none, nor
        has one that is not PostgreSQL.
        """
        return connection.dialect.name == "postgresql" and (await run_on_postgres(connection, _IS_THERE))[0][0]

    async def are_used(self, connection: AsyncConnection, source: str) -> bool:
        """Whether the source is followed in partitions."""
        return bool(await run_on_postgres(connection, _USED, source))

    async def position(self, connection: AsyncConnection, source: str) -> int | None:
        """Up to which position all partitions are applied, as far as that is noted (those without
        events are noted with the next renewal); None where the source is not followed in partitions.
        Works on every database.
        """
        statement = select(func.min(self.table.c.position)).where(self.table.c.source == source)
        position: int | None = (await connection.execute(statement)).scalar()
        return position

    async def hold_all(self, connection: AsyncConnection, source: str) -> None:
        """Prevent other transactions from applying anything of the source until this one ends."""
        if connection.dialect.name == "postgresql":
            await run_on_postgres(connection, _HOLD_ALL, source)

    async def take_share(
        self, connection: AsyncConnection, source: str, member: str, reached: Mapping[int, Reached]
    ) -> dict[int, Cursor]:
        """Renew the leases of this process, note how far its partitions are read, and even out: give
        back what is more than its share, or take what nobody has. Returns what it has now.

        Where the source was followed as a whole so far, its position becomes that of every
        partition, and whoever goes on following it as a whole is refused.
        """
        await advisory_lock(connection, f"partitions {source}")
        if not await self.are_used(connection, source):
            await advisory_lock(connection, following_lock(source))
            await run_on_postgres(connection, _SPLIT, source, PARTITIONS)
        await run_on_postgres(connection, _JOIN, source, member, LEASE_SECONDS)
        members = (await run_on_postgres(connection, _MEMBERS, source))[0][0]
        rows = await run_on_postgres(connection, _FREE_OR_OWN, source, member)
        own = [row[0] for row in rows if row[1]]
        free = [row[0] for row in rows if not row[1]]
        share = -(-PARTITIONS // members)
        keeps, gives = own[:share], own[share:]
        if gives:
            await run_on_postgres(connection, _GIVE, source, gives, *_columns(gives, reached))
        if keeps:
            await run_on_postgres(connection, _RENEW, source, keeps, LEASE_SECONDS, *_columns(keeps, reached))
        if taken := free[: share - len(keeps)]:
            await run_on_postgres(connection, _TAKE, source, taken, member, LEASE_SECONDS)
        found = await run_on_postgres(connection, _OWN, source, member)
        return {row[0]: Cursor(epoch=row[1], position=row[2], last_event=row[3]) for row in found}

    async def leave(
        self, connection: AsyncConnection, source: str, member: str, reached: Mapping[int, Reached]
    ) -> None:
        """Give everything back, for a process that stops: the others need not wait for its leases to
        end.
        """
        await advisory_lock(connection, f"partitions {source}")
        rows = await run_on_postgres(connection, _FREE_OR_OWN, source, member)
        gives = [row[0] for row in rows if row[1]]
        await run_on_postgres(connection, _GIVE, source, gives, *_columns(gives, reached))
        await run_on_postgres(connection, _LEAVE, source, member)

    async def join_up(self, connection: AsyncConnection, source: str) -> str | None:
        """Have the source followed as a whole again. Returns why not, where processes share it still
        or its partitions lie at different positions; None where it is done, or was so already.
        """
        if not await self.are_there(connection) or not await self.are_used(connection, source):
            return None
        await advisory_lock(connection, f"partitions {source}")
        await self.hold_all(connection, source)
        if (await run_on_postgres(connection, _MEMBERS, source))[0][0]:
            return f"{source} is followed in partitions by processes that run: stop them first."
        places = await run_on_postgres(connection, _PLACES, source)
        if len(places) > 1:
            return (
                f"The partitions of {source} lie at {len(places)} different positions: let one process bring them up,"
                " until it is ready, and stop it."
            )
        await run_on_postgres(connection, _JOIN_UP, source)
        await run_on_postgres(connection, _NO_PARTITIONS, source)
        return None

    async def advance(
        self, connection: AsyncConnection, source: str, member: str, cursors: Mapping[int, Cursor], until: Reached
    ) -> None:
        """Move partitions on and hold them until the transaction ends, so that nobody takes them over
        before. Raises CheckpointMovedError where one of them is not this process's any more, or is
        elsewhere.
        """
        arrays = (
            list(cursors),
            [cursor.epoch for cursor in cursors.values()],
            [cursor.position for cursor in cursors.values()],
        )
        moved = await run_on_postgres(
            connection, _ADVANCE, source, member, *arrays, until.position, until.last_event, _idle_limit()
        )
        if len(moved) != len(cursors):
            raise CheckpointMovedError(source)

    async def hold_own(
        self, connection: AsyncConnection, source: str, member: str, epochs: Mapping[int, int]
    ) -> list[int]:
        """Those of the partitions that are still this process's since the same take-over; nobody
        takes them over before the transaction ends.
        """
        rows = await run_on_postgres(
            connection, _HOLD_OWN, source, member, list(epochs), list(epochs.values()), _idle_limit()
        )
        return [row[0] for row in rows]


def _idle_limit() -> str:
    """For how long a process may stop inside a transaction that holds partitions until the server
    ends its session, in milliseconds; nobody could take them over before.
    """
    return str(round(LEASE_SECONDS * 1000))


def _columns(partitions: Sequence[int], reached: Mapping[int, Reached]) -> tuple[list[int], list[str | None]]:
    """Positions and ids in the order of the partitions; -1 where the stored position stays."""
    known = [reached.get(each, Reached(-1, None)) for each in partitions]
    return [each.position for each in known], [each.last_event for each in known]


_NOW: Final = "extract(epoch FROM clock_timestamp())"
_IS_THERE: Final = "SELECT to_regclass('followed_partitions') IS NOT NULL"
_USED: Final = "SELECT 1 FROM followed_partitions WHERE source = $1 LIMIT 1"
_HOLD_ALL: Final = "SELECT 1 FROM followed_partitions WHERE source = $1 ORDER BY partition FOR UPDATE"
_SPLIT: Final = """
WITH whole AS (
    DELETE FROM followed_positions WHERE source = $1 RETURNING position, last_event
)
INSERT INTO followed_partitions (source, partition, position, last_event, epoch, owner, leased_until)
SELECT $1, number, coalesce((SELECT position FROM whole), 0), (SELECT last_event FROM whole), 0, NULL, 0
FROM generate_series(0, $2::int - 1) AS number
"""
_JOIN: Final = f"""
WITH gone AS (
    DELETE FROM partition_members WHERE source = $1 AND member <> $2 AND seen_until < {_NOW}
)
INSERT INTO partition_members (source, member, seen_until) VALUES ($1, $2, {_NOW} + $3::float)
ON CONFLICT (source, member) DO UPDATE SET seen_until = excluded.seen_until
"""  # noqa: S608 - constants only
_LEAVE: Final = "DELETE FROM partition_members WHERE source = $1 AND member = $2"
_MEMBERS: Final = f"SELECT count(*) FROM partition_members WHERE source = $1 AND seen_until >= {_NOW}"  # noqa: S608 - constants only
_FREE_OR_OWN: Final = f"""
SELECT partition, coalesce(owner = $2, false) FROM followed_partitions
WHERE source = $1 AND (owner IS NULL OR owner = $2 OR leased_until < {_NOW})
ORDER BY partition FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants only
_REACHED: Final = """
UPDATE followed_partitions AS stored SET {columns},
    position = greatest(stored.position, given.position),
    last_event = CASE WHEN given.position > stored.position THEN given.last_event ELSE stored.last_event END
FROM unnest($2::int[], {positions}::bigint[], {events}::text[]) AS given(partition, position, last_event)
WHERE source = $1 AND stored.partition = given.partition
"""
_GIVE: Final = _REACHED.format(columns="owner = NULL", positions="$3", events="$4")
_RENEW: Final = _REACHED.format(columns=f"leased_until = {_NOW} + $3::float", positions="$4", events="$5")
_TAKE: Final = f"""
UPDATE followed_partitions SET owner = $3, epoch = epoch + 1, leased_until = {_NOW} + $4::float
WHERE source = $1 AND partition = ANY($2::int[])
"""  # noqa: S608 - constants only
_PLACES: Final = "SELECT DISTINCT position FROM followed_partitions WHERE source = $1"
_JOIN_UP: Final = """
INSERT INTO followed_positions (source, position, last_event)
SELECT source, position, max(last_event) FROM followed_partitions WHERE source = $1 GROUP BY source, position
"""
_NO_PARTITIONS: Final = "DELETE FROM followed_partitions WHERE source = $1"
_OWN: Final = """
SELECT partition, epoch, position, last_event FROM followed_partitions
WHERE source = $1 AND owner = $2 ORDER BY partition
"""
_ADVANCE: Final = """
WITH held AS (
    SELECT stored.partition FROM followed_partitions AS stored
    JOIN unnest($3::int[], $4::bigint[], $5::bigint[]) AS given(partition, epoch, position)
        ON stored.partition = given.partition
    WHERE stored.source = $1 AND stored.owner = $2
        AND stored.epoch = given.epoch AND stored.position = given.position
    ORDER BY stored.partition FOR UPDATE OF stored
)
UPDATE followed_partitions AS stored SET position = $6, last_event = $7
FROM held WHERE stored.source = $1 AND stored.partition = held.partition
RETURNING stored.partition, set_config('idle_in_transaction_session_timeout', $8, true)
"""
_HOLD_OWN: Final = """
SELECT stored.partition, set_config('idle_in_transaction_session_timeout', $5, true)
FROM followed_partitions AS stored
JOIN unnest($3::int[], $4::bigint[]) AS given(partition, epoch) ON stored.partition = given.partition
WHERE stored.source = $1 AND stored.owner = $2 AND stored.epoch = given.epoch
ORDER BY stored.partition FOR SHARE OF stored
"""

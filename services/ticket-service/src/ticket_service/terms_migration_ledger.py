"""Which tickets a migration of terms has still to move, which it moved, and which it could not:
what a restart goes on from.

What happened to each ticket stands in the log; only the plan stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Database, UtcDateTime, advisory_lock, migrated_by

metadata: Final = MetaData(info=migrated_by(Path(__file__).with_name("migrations") / "terms_migrations"))
migrations: Final = Table(
    "terms_migrations",
    metadata,
    Column("migration", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("from_version", Integer, nullable=False),
    Column("to_version", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("requested_by", String, nullable=False),
    Column("role", String, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("terms_migrations_by_provider", "provider", "migration"),
    Index("terms_migrations_to_do", "finished_at"),
)
planned: Final = Table(
    "migrated_tickets",
    metadata,
    Column("migration", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("detail", String),
    Index("migrated_tickets_by_state", "migration", "state", "ticket"),
)
ROWS: Final = 1_000
PLANNING: Final = "terms migrations"

TermsKind = Literal["agreement", "calendar"]
MigrationOutcome = Literal["pending", "done", "failed"]


class TermsMigration(msgspec.Struct, frozen=True, kw_only=True):
    """The order to move tickets from one version of an agreement or calendar to another."""

    migration: str
    provider: str
    kind: TermsKind
    name: str
    from_version: int
    to_version: int
    reason: str
    requested_by: str
    role: str
    correlation_id: str
    requested_at: datetime
    finished_at: datetime | None = None


class TermsMigrationProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a migration has come, in tickets."""

    total: int
    done: int
    failed: int


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that stays where it was, and why."""

    ticket: str
    detail: str


class MigrationLedger:
    """Reads and writes the plans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plan(self, migration: TermsMigration, tickets: Sequence[str]) -> TermsMigration:
        """Keep the plan.

        One that does the same and is not finished yet goes on instead; it is the answer then.
        """
        async with self._database.transaction() as connection:
            await advisory_lock(connection, PLANNING)
            same = [
                migrations.c[name] == getattr(migration, name)
                for name in ("provider", "kind", "name", "from_version", "to_version")
            ]
            row = (
                await connection.execute(select(migrations).where(*same, migrations.c.finished_at.is_(None)))
            ).first()
            if row is not None:
                return _migration(row)
            await connection.execute(insert(migrations), [msgspec.structs.asdict(migration)])
            for start in range(0, len(tickets), ROWS):
                rows = [
                    {"migration": migration.migration, "ticket": ticket, "state": "pending", "detail": None}
                    for ticket in tickets[start : start + ROWS]
                ]
                await connection.execute(insert(planned), rows)
        return migration

    async def unfinished(self) -> TermsMigration | None:
        """The oldest migration that is not finished."""
        found = await self._select(migrations.c.finished_at.is_(None), limit=1)
        return found[0] if found else None

    async def pending(self, migration: str, limit: int) -> list[str]:
        """The next tickets to move."""
        statement = select(planned.c.ticket).where(planned.c.migration == migration, planned.c.state == "pending")
        async with self._database.reading() as connection:
            return list((await connection.execute(statement.order_by(planned.c.ticket).limit(limit))).scalars())

    async def note(self, migration: str, outcomes: Sequence[tuple[str, MigrationOutcome, str | None]]) -> None:
        """What became of tickets, each with why where it failed."""
        async with self._database.transaction() as connection:
            for ticket, state, detail in outcomes:
                await connection.execute(
                    update(planned)
                    .where(planned.c.migration == migration, planned.c.ticket == ticket)
                    .values(state=state, detail=detail)
                )

    async def finish(self, migration: str, now: datetime) -> None:
        """Nothing is left to do."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(migrations).where(migrations.c.migration == migration).values(finished_at=now)
            )

    async def one(self, provider: str, migration: str) -> TermsMigration | None:
        """A migration of the provider."""
        found = await self._select(migrations.c.provider == provider, migrations.c.migration == migration, limit=1)
        return found[0] if found else None

    async def listed(self, provider: str, after: str, limit: int) -> list[TermsMigration]:
        """The provider's migrations, the oldest first."""
        return await self._select(migrations.c.provider == provider, migrations.c.migration > after, limit=limit)

    async def progress(self, migration: str) -> TermsMigrationProgress:
        """How far it has come."""
        async with self._database.reading() as connection:
            return await _progress(connection, migration)

    async def failures(self, migration: str, limit: int) -> list[Failure]:
        """The first tickets that could not be moved."""
        statement = select(planned.c.ticket, planned.c.detail).where(
            planned.c.migration == migration, planned.c.state == "failed"
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(statement.order_by(planned.c.ticket).limit(limit))
            return [Failure(ticket=row.ticket, detail=row.detail or "") for row in rows]

    async def _select(self, *conditions: Any, limit: int) -> list[TermsMigration]:
        statement = select(migrations).where(*conditions).order_by(migrations.c.migration).limit(limit)
        async with self._database.reading() as connection:
            return [_migration(row) for row in await connection.execute(statement)]


async def _progress(connection: AsyncConnection, migration: str) -> TermsMigrationProgress:
    counted = select(planned.c.state, func.count()).where(planned.c.migration == migration).group_by(planned.c.state)
    found: dict[str, int] = {row[0]: row[1] for row in await connection.execute(counted)}
    return TermsMigrationProgress(total=sum(found.values()), done=found.get("done", 0), failed=found.get("failed", 0))


def _migration(row: Any) -> TermsMigration:
    return TermsMigration(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name

"""Tickets that could not be derived, each with why: the others go on, these are tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import upsert
from sla_service.read_model.tables import set_aside


async def tickets(connection: AsyncConnection) -> list[str]:
    """The tickets that are set aside."""
    return list((await connection.execute(select(set_aside.c.ticket))).scalars())


async def count(connection: AsyncConnection) -> int:
    """How many they are."""
    return (await connection.execute(select(func.count()).select_from(set_aside))).scalar() or 0


async def remember(connection: AsyncConnection, tried: Sequence[str], failed: Mapping[str, str]) -> None:
    """Of the tickets that were tried just now, only those that failed are set aside."""
    if tried:
        await connection.execute(delete(set_aside).where(set_aside.c.ticket.in_(tried)))
    if failed:
        rows = [{"ticket": ticket, "because": because} for ticket, because in failed.items()]
        await connection.execute(upsert(connection, set_aside), rows)

"""Simulations: what was asked, how far each has come, and per ticket what would differ. Kept for a
week.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_platform.event_log import Keyed
from fristwerk_platform.read_models import Database
from sla_service.domain.reports.comparison import ComparedTimer, MetricSums
from sla_service.projections.tables import simulated, simulations
from sla_service.stores.idempotency import keep_answer

KEPT: Final = timedelta(days=7)


class SimulationSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation was asked: ``since`` and ``until`` are bounds as text, terms
    ``name@version``, ``name`` for the version in force at each ticket's receipt, or a document.

    A calendar document stands there materialised, an agreement's in its canonical form.
    """

    since: str | None = None
    until: str | None = None
    now: datetime
    replaces: str | None = None
    agreement: str | dict[str, Any] | None = None
    calendars: dict[str, str | CalendarPublished] = {}
    calendar: str | CalendarPublished | None = None


class SimulationProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a simulation has come: ``done`` of ``total`` tickets looked at, up to ``last``;
    ``tickets`` of them compared.
    """

    state: Literal["running", "done", "failed"] = "running"
    total: int
    done: int = 0
    last: tuple[datetime, str] | None = None
    tickets: int = 0
    differ: int = 0
    then: dict[str, MetricSums] = {}
    now: dict[str, MetricSums] = {}


class SimulatedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's timers then and now."""

    ticket: str
    reference: str
    received_at: datetime
    differs: bool
    timers: tuple[ComparedTimer, ...]


class StoredSimulation(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation as stored."""

    id: str
    provider: str
    created_at: datetime
    finished_at: datetime | None
    question: SimulationSpec
    progress: SimulationProgress


class SimulationStore:
    """Reads and writes them; each provider sees its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, simulation: StoredSimulation, found: Sequence[SimulatedTicket] = (), keyed: Keyed | None = None
    ) -> None:
        """Store a new simulation with what it found already, and the answer that tells of it.
        Raises KeyUsedError.
        """
        async with self._database.transaction() as connection:
            if keyed is not None:
                await keep_answer(connection, keyed)
            row = {
                "simulation": simulation.id,
                "provider": simulation.provider,
                "created_at": simulation.created_at,
                "finished_at": simulation.finished_at,
                "scenario": msgspec.json.encode(simulation.question),
                "progress": msgspec.json.encode(simulation.progress),
            }
            await connection.execute(insert(simulations), [row])
            await _insert(connection, simulation.id, 0, found)

    async def advance(
        self,
        simulation: StoredSimulation,
        progress: SimulationProgress,
        found: Sequence[SimulatedTicket],
        finished_at: datetime | None,
    ) -> bool:
        """Store the next stretch; false if somebody else was first, or the simulation is gone."""
        before = msgspec.json.encode(simulation.progress)
        async with self._database.transaction() as connection:
            done = await connection.execute(
                update(simulations)
                .where(simulations.c.simulation == simulation.id, simulations.c.progress == before)
                .values(progress=msgspec.json.encode(progress), finished_at=finished_at)
            )
            if done.rowcount == 0:
                return False
            await _insert(connection, simulation.id, simulation.progress.tickets, found)
        return True

    async def one(self, provider: str, simulation: str) -> StoredSimulation | None:
        """A simulation of the provider."""
        found = await self._select(simulations.c.provider == provider, simulations.c.simulation == simulation)
        return found[0] if found else None

    async def listed(self, provider: str, after: str, limit: int) -> list[StoredSimulation]:
        """The provider's simulations, the oldest first."""
        return await self._select(simulations.c.provider == provider, simulations.c.simulation > after, limit=limit)

    async def counted(self, provider: str) -> tuple[int, int]:
        """How many simulations of the provider are unfinished, and how many are kept in all."""
        numbers = select(func.count() - func.count(simulations.c.finished_at), func.count())
        async with self._database.reading() as connection:
            unfinished, kept = (await connection.execute(numbers.where(simulations.c.provider == provider))).one()
        return unfinished, kept

    async def unfinished(self) -> list[StoredSimulation]:
        """The oldest simulation that is not finished."""
        return await self._select(simulations.c.finished_at.is_(None), limit=1)

    async def tickets(
        self, simulation: str, *, differs: bool | None, after: int, limit: int
    ) -> list[tuple[int, SimulatedTicket]]:
        """What was found, each with its place from 1 on."""
        statement = select(simulated.c.place, simulated.c.document).where(
            simulated.c.simulation == simulation, simulated.c.place > after
        )
        if differs is not None:
            statement = statement.where(simulated.c.differs.is_(differs))
        async with self._database.reading() as connection:
            rows = await connection.execute(statement.order_by(simulated.c.place).limit(limit))
            return [(row.place, msgspec.json.decode(row.document, type=SimulatedTicket)) for row in rows]

    async def forget_old(self, now: datetime) -> None:
        """Delete what is older than a week."""
        old = select(simulations.c.simulation).where(simulations.c.created_at < now - KEPT)
        async with self._database.transaction() as connection:
            await connection.execute(delete(simulated).where(simulated.c.simulation.in_(old)))
            await connection.execute(delete(simulations).where(simulations.c.created_at < now - KEPT))

    async def _select(self, *conditions: Any, limit: int | None = None) -> list[StoredSimulation]:
        statement = select(simulations).where(*conditions).order_by(simulations.c.simulation).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            StoredSimulation(
                id=row.simulation,
                provider=row.provider,
                created_at=row.created_at,
                finished_at=row.finished_at,
                question=msgspec.json.decode(row.scenario, type=SimulationSpec),
                progress=msgspec.json.decode(row.progress, type=SimulationProgress),
            )
            for row in rows
        ]


async def _insert(connection: AsyncConnection, name: str, place: int, found: Sequence[SimulatedTicket]) -> None:
    rows = [
        {"simulation": name, "place": number, "differs": each.differs, "document": msgspec.json.encode(each)}
        for number, each in enumerate(found, start=place + 1)
    ]
    if rows:
        await connection.execute(insert(simulated), rows)

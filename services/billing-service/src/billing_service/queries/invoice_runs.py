"""Reads of invoice runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from billing_service.domain.invoice.run import InvoiceRun, NewInvoiceRun, RunItem
from billing_service.projections.invoice_runs import begun_run
from billing_service.projections.tables import run_items, runs
from fristwerk_platform.read_models import Database


class InvoiceRunQueries:
    """Which runs are unfinished, which accounts wait, and how far a run is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unfinished(self) -> list[NewInvoiceRun]:
        """Every run that has not ended, oldest first."""
        statement = select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at, runs.c.run)
        async with self._database.reading() as connection:
            return [begun_run(row) for row in await connection.execute(statement)]

    async def waiting(self, run: str) -> list[str]:
        """The accounts not dealt with yet, in order."""
        statement = (
            select(run_items.c.account)
            .where(run_items.c.run == run, run_items.c.outcome.is_(None))
            .order_by(run_items.c.place)
        )
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def run(self, provider: str, run: str) -> InvoiceRun | None:
        """A run of the provider with its progress."""
        found = select(runs).where(runs.c.provider == provider, runs.c.run == run)
        total = select(func.count()).where(run_items.c.run == run)
        items = (
            select(run_items)
            .where(run_items.c.run == run, run_items.c.outcome.is_not(None))
            .order_by(run_items.c.place)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(found)).first()
            if row is None:
                return None
            return InvoiceRun(
                begun=begun_run(row),
                ended_at=row.ended_at,
                total=(await connection.execute(total)).scalar_one(),
                items=tuple(_item(each) for each in await connection.execute(items)),
            )


def _item(row: Row[Any]) -> RunItem:
    return RunItem(**{name: getattr(row, name) for name in RunItem.__struct_fields__})

"""Writes of invoice runs, for the clerk who asks how far a run is.

What was issued is in the log alone; a run that lost its rows would issue nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from billing_service.domain.invoice.run import NewInvoiceRun, RunItem
from billing_service.projections.tables import run_items, runs
from fristwerk_platform.read_models import Database, advisory_lock


class InvoiceRunWriter:
    """Begins runs, stores the result of each account, and ends them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, new: NewInvoiceRun, accounts: Sequence[str]) -> NewInvoiceRun:
        """Store a run with its accounts. Returns the stored run: an earlier one with the same id is
        left unchanged.
        """
        row = msgspec.structs.asdict(new)
        items = [{"run": new.run, "place": place, "account": account} for place, account in enumerate(accounts, 1)]
        async with self._database.transaction() as connection:
            await advisory_lock(connection, f"run {new.run}")
            found = (await connection.execute(select(runs).where(runs.c.run == new.run))).first()
            if found is not None:
                return begun_run(found)
            await connection.execute(insert(runs), [row])
            if items:
                await connection.execute(insert(run_items), items)
        return new

    async def note(self, run: str, item: RunItem) -> None:
        """Store the result of an account; the first one stays."""
        undecided = (run_items.c.run == run, run_items.c.account == item.account, run_items.c.outcome.is_(None))
        statement = update(run_items).where(*undecided).values(**msgspec.structs.asdict(item))
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def end(self, run: str, ended_at: datetime) -> None:
        """Mark a run as ended: every account was dealt with."""
        async with self._database.transaction() as connection:
            await connection.execute(update(runs).where(runs.c.run == run).values(ended_at=ended_at))


def begun_run(row: Row[Any]) -> NewInvoiceRun:
    """A row of ``runs`` as the run that was requested."""
    return NewInvoiceRun(**{name: getattr(row, name) for name in NewInvoiceRun.__struct_fields__})

"""The book of invoice runs: which accounts a run goes through, and what became of each.

Nothing rests on it: the log alone says what was issued. It is kept for the clerk who asks how far the run is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, func, insert, select, update

from billing_service.projections.tables import run_items, runs
from fristwerk_platform.read_models import Database, advisory_lock

RunItemOutcome = Literal["issued", "skipped", "failed"]


class NewInvoiceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it was asked for; ``request_digest`` tells another request under the same id apart."""

    run: str
    provider: str
    until: date
    occurred_at: datetime
    started_at: datetime
    actor: str
    role: str
    correlation_id: str
    request_digest: str


class RunItem(msgspec.Struct, frozen=True, kw_only=True):
    """An account's turn: the number it was issued, or the stable code and sentence of why it was not."""

    account: str
    outcome: RunItemOutcome
    number: int | None = None
    code: str | None = None
    detail: str | None = None


class InvoiceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run and how far it is: ``items`` are the accounts that had their turn, in order."""

    begun: NewInvoiceRun
    ended_at: datetime | None
    total: int
    items: tuple[RunItem, ...]


class RunBook:
    """Reads and writes runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, new: NewInvoiceRun, accounts: Sequence[str]) -> NewInvoiceRun:
        """Enter the run with its accounts; one of the same id is left as it is. The run that stands there then."""
        row = msgspec.structs.asdict(new)
        items = [{"run": new.run, "place": place, "account": account} for place, account in enumerate(accounts, 1)]
        async with self._database.transaction() as connection:
            await advisory_lock(connection, f"run {new.run}")
            found = (await connection.execute(select(runs).where(runs.c.run == new.run))).first()
            if found is not None:
                return _begun(found)
            await connection.execute(insert(runs), [row])
            if items:
                await connection.execute(insert(run_items), items)
        return new

    async def unfinished(self) -> list[NewInvoiceRun]:
        """Every run that has not ended, oldest first."""
        statement = select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at, runs.c.run)
        async with self._database.reading() as connection:
            return [_begun(row) for row in await connection.execute(statement)]

    async def waiting(self, run: str) -> list[str]:
        """The accounts that have not had their turn, in order."""
        statement = (
            select(run_items.c.account)
            .where(run_items.c.run == run, run_items.c.outcome.is_(None))
            .order_by(run_items.c.place)
        )
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def note(self, run: str, item: RunItem) -> None:
        """An account had its turn; what was noted first stays."""
        its_place = (run_items.c.run == run, run_items.c.account == item.account, run_items.c.outcome.is_(None))
        found = update(run_items).where(*its_place)
        async with self._database.transaction() as connection:
            await connection.execute(found.values(**msgspec.structs.asdict(item)))

    async def end(self, run: str, ended_at: datetime) -> None:
        """All accounts had their turn."""
        async with self._database.transaction() as connection:
            await connection.execute(update(runs).where(runs.c.run == run).values(ended_at=ended_at))

    async def run(self, provider: str, run: str) -> InvoiceRun | None:
        """A run of the provider, as far as it is."""
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
                begun=_begun(row),
                ended_at=row.ended_at,
                total=(await connection.execute(total)).scalar_one(),
                items=tuple(_item(each) for each in await connection.execute(items)),
            )


def _begun(row: Row[Any]) -> NewInvoiceRun:
    return NewInvoiceRun(**{name: getattr(row, name) for name in NewInvoiceRun.__struct_fields__})


def _item(row: Row[Any]) -> RunItem:
    return RunItem(**{name: getattr(row, name) for name in RunItem.__struct_fields__})

"""Questions about which accounts are to be checked, and how many are parked."""

from __future__ import annotations

from sqlalchemy import func, select

from billing_service.projections.tables import accounts, parked_accounts, unchecked_accounts
from billing_service.projections.unchecked_accounts import Numbers, UncheckedAccount, of_partitions
from fristwerk_platform.read_models import Database


class AccountCheckQueries:
    """Queries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unchecked(self, limit: int, numbers: Numbers = None) -> list[UncheckedAccount]:
        """Accounts of partitions that are to be checked, those that changed last first."""
        statement = (
            select(accounts, unchecked_accounts.c.event)
            .join(unchecked_accounts, unchecked_accounts.c.account == accounts.c.account)
            .where(of_partitions("unchecked_accounts.account", numbers))
            .order_by(unchecked_accounts.c.changed_at.desc())
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(statement)
            return [UncheckedAccount(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name

    async def count_parked(self) -> int:
        """How many accounts cannot be rated, as far as they were checked."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(parked_accounts))).scalar() or 0

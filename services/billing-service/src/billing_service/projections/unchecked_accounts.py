"""Which accounts are to be rated to see whether they can be, and which of them cannot: all writes of both.

The projector marks an account in the transaction of its facts, so no change is missed; whoever
checks takes the mark away only if it is still the one that was checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.projections.tables import accounts, parked_accounts, unchecked_accounts
from fristwerk_language.events import Envelope
from fristwerk_platform.read_models import Database, UtcDateTime, upsert

LAST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When nothing of an account changed, it waits behind all that did."""
_COLUMNS: Final = ["account", "changed_at", "event"]


class Wide(msgspec.Struct, frozen=True):
    """A change of every account of a provider, or of one of its customers."""

    envelope: Envelope
    customer: str | None


class UncheckedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is to be checked, and the last of its changes."""

    account: str
    provider: str
    customer: str
    kind: str
    event: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: ``code`` and ``error`` say why the account cannot be rated, if it cannot."""

    unchecked: UncheckedAccount
    code: str | None = None
    error: str = ""


async def mark_wide(connection: AsyncConnection, changes: Sequence[Wide]) -> None:
    """Mark every account that the changes concern, inside the projector's transaction."""
    for each in changes:
        concerned = accounts.c.provider == each.envelope.provider
        if each.customer is not None:
            concerned &= accounts.c.customer == each.customer
        marked = _marked(each.envelope.recorded_at, each.envelope.id).where(concerned)
        await connection.execute(upsert(connection, unchecked_accounts).from_select(_COLUMNS, marked))


class AccountCheckWriter:
    """Marks accounts of which nothing changed, and stores what checks came to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_parked(self, at: datetime) -> None:
        """Have the parked accounts tried again, before others."""
        await self._mark(at, "start", accounts.c.account.in_(select(parked_accounts.c.account)))

    async def mark_all(self, day: str) -> None:
        """Have every account tried again, behind those that changed."""
        await self._mark(LAST, day, accounts.c.account.is_not(None))

    async def _mark(self, at: datetime, event: str, which: ColumnElement[bool]) -> None:
        """An account that waits already keeps its place."""
        waits = select(1).where(unchecked_accounts.c.account == accounts.c.account).exists()
        marked = _marked(at, event).where(which, ~waits)
        async with self._database.transaction() as connection:
            await connection.execute(insert(unchecked_accounts).from_select(_COLUMNS, marked))

    async def store(self, found: Sequence[Checked], at: datetime) -> tuple[list[Checked], list[Checked]]:
        """Park the accounts that cannot be rated, the others no longer: those that are parked
        anew, and those that no longer are. An account that changed meanwhile is left to its next
        check.
        """
        parked, released = [], []
        async with self._database.transaction() as connection:
            for each in found:
                mine = each.unchecked
                same = (unchecked_accounts.c.account == mine.account, unchecked_accounts.c.event == mine.event)
                if (await connection.execute(delete(unchecked_accounts).where(*same))).rowcount == 0:
                    continue
                row = parked_accounts.c.account == mine.account
                since = (await connection.execute(select(parked_accounts.c.since).where(row))).scalar()
                if each.code is not None:
                    values = _parked(each, since or at)
                    await connection.execute(upsert(connection, parked_accounts).values(**values))
                    parked += [each] if since is None else []
                elif since is not None:
                    await connection.execute(delete(parked_accounts).where(row))
                    released.append(each)
        return parked, released


def _parked(found: Checked, since: datetime) -> dict[str, Any]:
    named = {"account": found.unchecked.account, "provider": found.unchecked.provider}
    return {**named, "code": found.code, "error": found.error, "since": since}


def _marked(at: datetime, event: str) -> Select[Any]:
    return select(accounts.c.account, literal(at, UtcDateTime), literal(event))

"""Which accounts are to be rated to see whether they can be, and which of them cannot: all writes of both.

The projector marks an account in the transaction of its facts, so no change is missed; whoever
checks takes the mark away only if it is still the one that was checked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, delete, insert, literal, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.projections.tables import SOURCE, accounts, parked_accounts, partitions, unchecked_accounts
from fristwerk_language.events import Envelope
from fristwerk_platform.read_models import Database, Query, UtcDateTime, fetch, upsert
from fristwerk_platform.read_models.bulk import Row
from fristwerk_platform.subscriptions import partition_in_sql, partition_of

LAST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When nothing of an account changed, it waits behind all that did."""
_COLUMNS: Final = ["account", "changed_at", "event"]
_OF_PROVIDER: Final = Query("SELECT account FROM accounts WHERE provider = $1")
_OF_CUSTOMER: Final = Query("SELECT account FROM accounts WHERE provider = $1 AND customer = $2")
Numbers = Collection[int] | None
"""Partitions, None for all accounts."""


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


class CheckedShare(msgspec.Struct, frozen=True):
    """Which accounts a process checks where several share the work: those of its partitions, each
    with its epoch.
    """

    member: str
    epochs: Mapping[int, int]

    async def hold(self, connection: AsyncConnection) -> list[int]:
        """Those that are still this process's; nobody takes them over before the transaction ends."""
        return await partitions.hold_own(connection, SOURCE, self.member, self.epochs)


def mark_of(account: str, envelope: Envelope) -> Row:
    """The row of an account that an event changed."""
    return {"account": account, "changed_at": envelope.recorded_at, "event": envelope.id}


async def wide_marks(connection: AsyncConnection, changes: Sequence[Wide]) -> dict[str, Row]:
    """By account the marks of every account that the changes concern."""
    found: dict[str, Row] = {}
    for each in changes:
        provider, customer = each.envelope.provider, each.customer
        named = (provider,) if customer is None else (provider, customer)
        rows = await fetch(connection, _OF_PROVIDER if customer is None else _OF_CUSTOMER, *named)
        found |= {row[0]: mark_of(row[0], each.envelope) for row in rows}
    return found


class AccountCheckWriter:
    """Marks accounts of which nothing changed, and stores what checks came to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_parked(self, at: datetime, numbers: Numbers = None) -> None:
        """Have the parked accounts of partitions tried again, before others."""
        await self._mark(at, "start", accounts.c.account.in_(select(parked_accounts.c.account)), numbers)

    async def mark_all(self, day: str, numbers: Numbers = None) -> None:
        """Have every account of partitions tried again, behind those that changed."""
        await self._mark(LAST, day, accounts.c.account.is_not(None), numbers)

    async def _mark(self, at: datetime, event: str, which: ColumnElement[bool], numbers: Numbers) -> None:
        """An account that waits already keeps its place."""
        waits = select(1).where(unchecked_accounts.c.account == accounts.c.account).exists()
        marked = _marked(at, event).where(which, ~waits, of_partitions("accounts.account", numbers))
        async with self._database.transaction() as connection:
            ordered = marked.order_by(accounts.c.account)
            await connection.execute(insert(unchecked_accounts).from_select(_COLUMNS, ordered))

    async def store(
        self, found: Sequence[Checked], at: datetime, share: CheckedShare | None = None
    ) -> tuple[list[Checked], list[Checked]]:
        """Park the accounts that cannot be rated, the others no longer: those that are parked
        anew, and those that no longer are. An account that changed meanwhile is left to its next
        check, and one of a partition that is not in ``share`` any more to who has it.
        """
        parked, released = [], []
        async with self._database.transaction() as connection:
            held = None if share is None else await share.hold(connection)
            for each in sorted(found, key=lambda each: each.unchecked.account):
                if held is not None and partition_of(each.unchecked.account) not in held:
                    continue
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


def of_partitions(column: str, numbers: Numbers) -> ColumnElement[bool]:
    """Whether the account in a column belongs to the partitions; on PostgreSQL, where they are not all."""
    return true() if numbers is None else literal_column(f"({partition_in_sql(column)})").in_(sorted(numbers))

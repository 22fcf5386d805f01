"""The ledgers of accounts: what issued documents billed, line by line and in sum."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.domain.invoice.account_ledger import BilledLine, Ledger, ledger_of
from billing_service.domain.invoice.totals import BilledDocument
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Totals
from billing_service.projections.tables import document_lines, documents

LONG_ROWS: Final = 2_000
"""So many lines take long enough to read that it is done in a thread, and kept."""
MOST_KEPT: Final = 2
_charge_line: Final = msgspec.json.Decoder(ChargeLine)


class LedgerReader:
    """Reads ledgers. The long ones read last are kept: the same rows are not read into lines again."""

    def __init__(self, long_rows: int = LONG_ROWS, most_kept: int = MOST_KEPT) -> None:
        self._long_rows = long_rows
        self._most_kept = most_kept
        self._kept: OrderedDict[str, Ledger] = OrderedDict()

    async def read(
        self,
        connection: AsyncConnection,
        accounts: Sequence[str],
        *,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> dict[str, Ledger]:
        """The ledger of each account, as it had occurred ``at`` and was recorded by ``known_at``."""
        rows = [
            row
            for row in (await connection.execute(_LEDGER, {"accounts": list(accounts)})).all()
            if (at is None or row.occurred_at <= at) and (known_at is None or row.recorded_at <= known_at)
        ]
        sums = _sums_of((await connection.execute(_ISSUED, {"accounts": list(accounts)})).all())
        by_account: dict[str, list[Row[Any]]] = {account: [] for account in accounts}
        for row in rows:
            by_account[row.account].append(row)
        return {account: await self._ledger(account, own, sums) for account, own in by_account.items()}

    async def _ledger(self, account: str, rows: Sequence[Row[Any]], sums: Mapping[int, _Sums]) -> Ledger:
        if len(rows) < self._long_rows:
            return _ledger(rows, sums)
        found = await asyncio.to_thread(_ledger, rows, sums, self._kept.pop(account, None))
        self._kept[account] = found
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return found


class _Sums(msgspec.Struct):
    contract: str | None
    totals: Totals


class _Issued(msgspec.Struct):
    document: _Sums


class _IssuedLine(msgspec.Struct):
    """A recorded document without anything but its sums: its lines are read from a table of their own."""

    data: _Issued


_sums: Final = msgspec.json.Decoder(_IssuedLine)


_LEDGER: Final = (
    select(document_lines)
    .where(document_lines.c.account.in_(bindparam("accounts", expanding=True)))
    .order_by(document_lines.c.number, document_lines.c.place)
)
_ISSUED: Final = select(documents.c.number, documents.c.line).where(
    select(document_lines.c.place)
    .where(
        document_lines.c.account.in_(bindparam("accounts", expanding=True)),
        document_lines.c.provider == documents.c.provider,
        document_lines.c.number == documents.c.number,
    )
    .exists()
)


def _sums_of(rows: Sequence[Any]) -> dict[int, _Sums]:
    return {row.number: _sums.decode(row.line).data.document for row in rows}


def _ledger(rows: Sequence[Row[Any]], sums: Mapping[int, _Sums], kept: Ledger | None = None) -> Ledger:
    """The ledger that the rows make; the kept one if it was made of the same."""
    digest = _digest(rows, sums)
    if kept is not None and kept.digest == digest:
        return kept
    billed = [BilledLine(number=row.number, until=row.until, line=_charge_line.decode(row.line)) for row in rows]
    by_number: dict[int, list[ChargeLine]] = {}
    for each in billed:
        by_number.setdefault(each.number, []).append(each.line)
    documents = tuple(
        BilledDocument(number=number, contract=sums[number].contract, totals=sums[number].totals, lines=tuple(lines))
        for number, lines in by_number.items()
    )
    return ledger_of(billed, documents, digest)


def _digest(rows: Sequence[Row[Any]], sums: Mapping[int, _Sums]) -> bytes:
    numbers = {row.number: sums[row.number] for row in rows}
    head = repr((numbers, [(row.number, row.place, row.until) for row in rows])).encode()
    return sha256(b"\n".join((head, *(row.line for row in rows)))).digest()

"""The ledger of one account: what issued documents billed, line by line and in sum."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from billing_service.domain.invoice.totals import BilledDocument
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.ledger import Invoiced


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What an account was invoiced: its lines with their signs, up to which day, in which documents
    each charge stands, and what these documents say in sum.
    """

    invoiced: Invoiced = Invoiced()
    until: date | None = None
    numbers: dict[str, tuple[int, ...]] = {}
    documents: tuple[BilledDocument, ...] = ()
    digest: bytes = b""
    """SHA-256 of the rows that it was read from: two ledgers with one digest are the same."""


class BilledLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a document that was issued under ``number`` up to the day ``until``."""

    number: int
    until: date
    line: ChargeLine


def ledger_of(billed: Sequence[BilledLine], documents: tuple[BilledDocument, ...] = (), digest: bytes = b"") -> Ledger:
    """The ledger of one account from its billed lines in the order of numbers and places."""
    numbers: dict[str, tuple[int, ...]] = {}
    for each in billed:
        charge, number = each.line.charge, each.number
        numbers[charge] = tuple(sorted({*numbers.get(charge, ()), number}))
    return Ledger(
        invoiced=Invoiced(tuple(each.line for each in billed), len({each.number for each in billed})),
        until=max((each.until for each in billed), default=None),
        numbers=numbers,
        documents=documents,
        digest=digest,
    )

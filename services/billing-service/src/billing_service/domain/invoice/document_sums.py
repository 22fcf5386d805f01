"""Sums of the next document of a contract or a customer: what it adds to those issued before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from billing_service.domain.errors import NotAcceptable
from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.totals import document_totals, documented_of
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Statement, Totals


def next_totals(
    contract: str | None,
    added: Sequence[ChargeLine],
    ledgers: Mapping[str, Ledger],
    currency: str,
    cash_rounding: Decimal | None,
) -> Totals:
    """The totals of a document with the ``added`` lines, for a contract or (None) for all of a
    customer's accounts, whose ``ledgers`` are given.

    Raises CurrencyMixedError if a line is of another currency.
    """
    billed = [line for each in ledgers.values() for line in each.invoiced.lines]
    if contract is not None:
        documented = documented_of(contract, ledgers[contract].documents, currency, cash_rounding)
    else:
        whole = {each.number: each.totals for ledger in ledgers.values() for each in ledger.documents}
        documented = list(whole.values())
    return document_totals(added, billed, documented, currency, cash_rounding)


def common_frame(statements: Sequence[Statement]) -> tuple[str, Decimal | None]:
    """The one currency of several statements, and the smallest payable unit where they agree on
    one.

    Raises NotAcceptable where two currencies meet (R14).
    """
    currencies = sorted({each.currency for each in statements})
    if len(currencies) > 1:
        sentence = f"the customer's contracts are in {', '.join(currencies)}; name one contract"
        raise NotAcceptable("currencies-mixed", f"One document has one currency: {sentence}.")
    roundings = {each.cash_rounding for each in statements}
    return currencies[0], roundings.pop() if len(roundings) == 1 else None

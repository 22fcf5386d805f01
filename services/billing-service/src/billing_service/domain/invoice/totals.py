"""Totals of a document as differences of cumulative results, as its lines are.

VAT and cash rounding are reckoned on everything that an account was ever billed, and a document
says what it adds to that. So the documents add up to the result to the cent, however many there
were; rounding each document by itself would leave a cent here and there for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from billing_service.domain.money import Money, total
from billing_service.domain.rating import vat
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Tax, Totals

TaxKey = tuple[Decimal, str]


class BilledDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An issued document as the ledger of one account has it: ``lines`` are the account's,
    ``totals`` the whole document's.

    ``contract`` is the contract that it was issued for, None for a customer with all accounts.
    """

    number: int
    contract: str | None
    totals: Totals
    lines: tuple[ChargeLine, ...]


def document_totals(
    added: Sequence[ChargeLine],
    billed: Sequence[ChargeLine],
    documented: Sequence[Totals],
    currency: str,
    cash_rounding: Decimal | None,
) -> Totals:
    """What ``added`` lines add to the totals of ``billed`` ones, of which ``documented`` are said
    already.

    Raises CurrencyMixedError if a line is of another currency.
    """
    after = vat.totals([*billed, *added], currency, cash_rounding)
    own = {_key(tax): tax for tax in vat.totals(added, currency, cash_rounding).taxes}
    target = {_key(tax): tax.vat for tax in after.taxes}
    said = _vat_by_rate(documented)
    taxes = tuple(
        Tax(
            percent=key[0],
            category=key[1],
            net=own[key].net if key in own else total((), currency),
            vat=target.get(key, total((), currency)) - total(said.get(key, ()), currency),
        )
        for key in sorted(target.keys() | said.keys())
    )
    taxes = tuple(tax for tax in taxes if _key(tax) in own or tax.vat.amount)
    net = total((tax.net for tax in taxes), currency)
    value_added = total((tax.vat for tax in taxes), currency)
    payable = after.payable - total((each.payable for each in documented), currency)
    return Totals(net=net, taxes=taxes, vat=value_added, gross=net + value_added, payable=payable)


def documented_of(
    account: str, documents: Iterable[BilledDocument], currency: str, cash_rounding: Decimal | None
) -> list[Totals]:
    """What each document said of one account: a contract's own says all of it.

    Of a document that has other accounts too, it is what the account's lines added to the
    account's own result.
    """
    found: list[Totals] = []
    lines: list[ChargeLine] = []
    for each in documents:
        if each.contract == account:
            found.append(each.totals)
        else:
            before = [vat.totals(lines, currency, cash_rounding)]
            found.append(document_totals(each.lines, lines, before, currency, cash_rounding))
        lines += each.lines
    return found


def _key(tax: Tax) -> TaxKey:
    return tax.percent, tax.category


def _vat_by_rate(documented: Iterable[Totals]) -> dict[TaxKey, list[Money]]:
    sums: dict[TaxKey, list[Money]] = {}
    for each in documented:
        for tax in each.taxes:
            sums.setdefault(_key(tax), []).append(tax.vat)
    return sums

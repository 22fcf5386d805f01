"""Credit notes that name an invoice: what is left of it, after everything that was reversed before.

An invoice's charges may have been reduced since by a difference, waived, or taken back with
another invoice. What was reversed once is not reversed again, so a credit note goes charge by
charge and never beyond what all documents together still bill for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from billing_service.domain.invoice.document import DocumentLine, document_line
from billing_service.domain.money import Money
from billing_service.domain.rating.waivers import waiver_line
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.ledger import combined, reversed_line

Afterwards = Literal["reissue", "waive"]
"""What becomes of the work that a credit note takes back: billed again by the next invoice, or
never."""


class ChargeLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What a credit note takes back of one charge of ``account``: ``lines`` as they were billed,
    ``amount`` their sum.
    """

    account: str
    charge: str
    lines: tuple[DocumentLine, ...]
    amount: Decimal


def left_of(invoice: Iterable[DocumentLine], billed: Mapping[str, Sequence[ChargeLine]]) -> list[ChargeLeft]:
    """What is left of an invoice's charges; ``billed`` are the lines of all documents by account.

    A charge that the invoice only reduced or waived is not among them: that was a reversal itself.
    """
    charges: dict[tuple[str, str], list[DocumentLine]] = {}
    for line in invoice:
        charges.setdefault((line.account, line.charge), []).append(line)
    found = [
        _left(account, charge, own, [line for line in billed[account] if line.charge == charge])
        for (account, charge), own in charges.items()
    ]
    return [each for each in found if each is not None]


def taken_back(left: Iterable[ChargeLeft]) -> tuple[DocumentLine, ...]:
    """The lines of a credit note after which the work can be billed again."""
    return tuple(reversed_line(line) for each in left for line in each.lines)


def waived_for_good(left: ChargeLeft, *, reason: str, actor: str, decision: str) -> tuple[DocumentLine, ...]:
    """The lines of a credit note that waives the charge (R8), by the decision of that event id.

    Minutes that it drew from packages stay drawn: what is waived are amounts.
    """
    found: list[DocumentLine] = []
    rest = left.amount
    for line in left.lines:
        part = min(rest, line.amount.amount)
        if part > 0:
            rest -= part
            amount = Money(part, line.amount.currency)
            found.append(waiver_line(line, amount, reason=reason, actor=actor, decision=decision))
    return tuple(found)


def _left(account: str, charge: str, own: Sequence[DocumentLine], billed: Sequence[ChargeLine]) -> ChargeLeft | None:
    charged, remains = _net(own), _net(billed)
    if charged < 0 or (charged > 0 and remains <= 0):
        return None
    if charged == 0 and (any(line.kind == "waiver" for line in own) or _minutes(own) <= 0):
        return None
    is_whole = remains >= charged if charged else _minutes(billed) >= _minutes(own)
    lines = own if is_whole else _still_billed(account, own[0].reference, billed)
    return (
        ChargeLeft(account=account, charge=charge, lines=tuple(lines), amount=min(charged, remains)) if lines else None
    )


def _still_billed(account: str, reference: str | None, billed: Sequence[ChargeLine]) -> list[DocumentLine]:
    """What all documents together bill for a charge, line by line."""
    return [
        document_line(line, account, reference)
        for line in combined(billed).values()
        if line.minutes or line.days or line.amount.amount
    ]


def _net(lines: Iterable[ChargeLine]) -> Decimal:
    return sum((line.amount.amount for line in lines), Decimal(0))


def _minutes(lines: Iterable[ChargeLine]) -> Fraction:
    return sum((Fraction(line.minutes) + (line.days or 0) for line in lines), Fraction(0))

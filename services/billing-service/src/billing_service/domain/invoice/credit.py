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
from billing_service.domain.money import Money, zero
from billing_service.domain.rating.waivers import waiver_line
from billing_service.domain.statement.charge_line import ChargeLine, Draw, merged_draws
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

    @property
    def draws(self) -> tuple[Draw, ...]:
        """What the charge still draws from packages."""
        return merged_draws(each for line in self.lines for each in line.draws)

    @property
    def drawn_minutes(self) -> Decimal:
        """The minutes of these draws."""
        return sum((Decimal(each.minutes) for each in self.draws), Decimal(0))


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
    """The lines of a credit note that waives the charge (R8), by the decision of that event id; what
    it drew goes back to its packages.
    """
    found: list[DocumentLine] = []
    rest, draws = left.amount, left.draws
    for line in left.lines:
        part = max(min(rest, line.amount.amount), Decimal(0))
        back = draws if line.draws else ()
        if part or back:
            rest -= part
            draws = () if back else draws
            amount = Money(part, line.amount.currency) if part else zero(line.amount.currency)
            found.append(waiver_line(line, amount, back, reason=reason, actor=actor, decision=decision))
    return tuple(found)


def _left(account: str, charge: str, own: Sequence[DocumentLine], billed: Sequence[ChargeLine]) -> ChargeLeft | None:
    charged, remains = _net(own), _net(billed)
    if charged < 0 or (charged > 0 and remains <= 0):
        return None
    if charged == 0 and (any(line.kind == "waiver" for line in own) or _minutes(own) <= 0):
        return None
    if charged == 0 and merged_draws(_draws(own)) and not merged_draws(_draws(billed)):
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


def _draws(lines: Iterable[ChargeLine]) -> list[Draw]:
    return [each for line in lines for each in line.draws]


def _net(lines: Iterable[ChargeLine]) -> Decimal:
    return sum((line.amount.amount for line in lines), Decimal(0))


def _minutes(lines: Iterable[ChargeLine]) -> Fraction:
    return sum((Fraction(line.minutes) + (line.days or 0) for line in lines), Fraction(0))

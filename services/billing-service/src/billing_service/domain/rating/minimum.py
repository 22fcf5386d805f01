"""The minimum charge: what is missing from a ticket's, a group's or an invoice's work to the agreed
amount (R4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from billing_service.domain.money import Money, at_least_cents, total, zero
from billing_service.domain.rating.pricing import exactly
from billing_service.domain.statement.charge_line import EVERY_TICKET, ChargeLine, ToppedUp, Waived, charge_id
from billing_service.domain.statement.ledger import Invoiced, combined
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.billing import MinimumChargeTerms

VersionedTerms = tuple[int, AgreementDocument]


def top_ups(account: str, lines: Iterable[ChargeLine], version_of: Callable[[str], VersionedTerms]) -> list[ChargeLine]:
    """A line for each ticket (over its life) or group whose charged work stays below the minimum of
    its terms.

    ``lines`` are those not waived; ``version_of`` a ticket gives its newest terms. Nothing charged,
    nothing missing. When later work passes the minimum the line is gone, and the next invoice takes
    it back.
    """
    bases: dict[tuple[str, str], list[ChargeLine]] = {}
    for line in lines:
        minimum = None if line.ticket is None else version_of(line.ticket)[1].billing.minimum_charge
        if line.ticket is None or minimum is None or minimum.scope == "invoice" or line.kind not in minimum.applies_to:
            continue
        group = line.charge if minimum.scope == "group" else ""
        bases.setdefault((line.ticket, group), []).append(line)
    found: list[ChargeLine] = []
    for (ticket, group), base in bases.items():
        version = version_of(ticket)
        charge = charge_id(account, ticket, "minimum_top_up", group)
        found += _top_up(charge, ticket, base, zero(version[1].currency), version)
    return found


def invoice_top_ups(
    account: str, lines: Iterable[ChargeLine], invoiced: Invoiced, version: VersionedTerms
) -> list[ChargeLine]:
    """The minimum per invoice: what issued invoices topped up stays, and what the next one adds is
    topped up.

    It is the one charge that depends on how often is invoiced, as its terms say.
    """
    minimum = version[1].billing.minimum_charge
    if minimum is None or minimum.scope != "invoice":
        return []
    earlier = [
        line
        for line in combined(invoiced.lines).values()
        if isinstance(line.basis, ToppedUp) and line.basis.scope == "invoice" and line.amount.amount
    ]
    base = [line for line in lines if line.kind in minimum.applies_to]
    before = total((line.amount for line in invoiced.lines if _counts(line, minimum)), version[1].currency)
    charge = charge_id(account, EVERY_TICKET, "minimum_top_up", str(invoiced.invoices))
    return [*earlier, *_top_up(charge, EVERY_TICKET, base, before, version)]


def _top_up(
    charge: str, ticket: str, base: Sequence[ChargeLine], before: Money, version: VersionedTerms
) -> list[ChargeLine]:
    """The line that lifts ``base``, less what was charged ``before``, to the minimum.

    Whether something is missing is decided on exact amounts; how much, on the rounded lines: so
    they add up to the minimum.
    """
    number, agreement = version
    minimum = agreement.billing.minimum_charge
    assert minimum is not None, "asked for by it"
    exact = sum((exactly(Fraction(line.minutes), line.unit_price) for line in base), -before.exact)
    if not 0 < exact < Fraction(minimum.amount):
        return []
    charged = total((line.amount for line in base), agreement.currency) - before
    agreed = Money(at_least_cents(minimum.amount), agreement.currency)
    line = ChargeLine(
        charge=charge,
        kind="minimum_top_up",
        ticket=ticket,
        on=base[0].on,
        unit_price=zero(agreement.currency),
        amount=agreed - charged,
        sources=tuple(dict.fromkeys(source for line in base for source in line.sources)),
        rules=("R4",),
        clauses=("/billing/minimum_charge",),
        agreement=agreement.agreement,
        agreement_version=number,
        basis=ToppedUp(scope=minimum.scope, minimum=agreed, charged=charged),
    )
    return [line]


def _counts(line: ChargeLine, minimum: MinimumChargeTerms) -> bool:
    """Whether an invoiced line belongs to what the minimum is compared with; a waiver takes back
    what it waives.
    """
    kind = line.basis.waives if isinstance(line.basis, Waived) else line.kind
    return kind in minimum.applies_to

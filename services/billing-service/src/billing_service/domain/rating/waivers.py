"""Waivers: a line that takes back a charge which a clerk has waived, or a part of it (R8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from billing_service.domain.facts.account import ChargeDecision
from billing_service.domain.money import Money, zero
from billing_service.domain.rating.packages import Exact
from billing_service.domain.statement.charge_line import ChargeLine, Draw, Waived, exact
from billing_service.domain.statement.ledger import AnyLine


def waived_minutes(decisions: Mapping[str, ChargeDecision]) -> dict[str, Exact | None]:
    """The minutes that packages get back by charge; None: all that it draws, whatever that comes to."""
    return {
        charge: None if each.at_most is None else exact(each.at_most_minutes or 0)
        for charge, each in decisions.items()
        if each.decision == "waive"
    }


def waiver_lines(
    lines: Iterable[ChargeLine],
    decisions: Mapping[str, ChargeDecision],
    given_back: Mapping[str, tuple[Draw, ...]],
) -> list[ChargeLine]:
    """For every waived charge that has a price or gave minutes back (and every waived fee) the line
    that takes it back, as far as the decision goes (R8).
    """
    left = {charge: decision.at_most for charge, decision in decisions.items()}
    returned = dict(given_back)
    found: list[ChargeLine] = []
    for line in lines:
        decision = decisions.get(line.charge)
        draws = returned.pop(line.charge, ()) if decision is not None and line.draws else ()
        if decision is None or not (line.kind == "cancellation" or line.amount.amount or draws):
            continue
        rest = left[line.charge]
        amount = line.amount if rest is None else Money(min(rest, line.amount.amount), line.amount.currency)
        left[line.charge] = None if rest is None else rest - amount.amount
        if rest is None or amount.amount or draws:
            reason, actor, event = decision.reason, decision.actor, decision.stamp.event
            found.append(waiver_line(line, amount, draws, reason=reason, actor=actor, decision=event))
    return found


def waiver_line(
    line: AnyLine, amount: Money, draws: Iterable[Draw] = (), *, reason: str, actor: str, decision: str
) -> AnyLine:
    """The line that takes ``amount`` of a line back, and gives ``draws`` back to packages, by the
    decision of that event id.
    """
    return msgspec.structs.replace(
        line,
        kind="waiver",
        change="new",
        minutes=0,
        unit_price=zero(line.amount.currency),
        amount=-amount,
        raw_minutes=0,
        draws=tuple(Draw(each.package, -each.minutes) for each in draws),
        sources=(*line.sources, decision),
        rules=("R8",),
        basis=Waived(waives=line.kind, amount=amount, reason=reason, actor=actor),
    )


def still_charged(lines: Sequence[ChargeLine], decisions: Mapping[str, ChargeDecision]) -> list[ChargeLine]:
    """The lines of charges of which something is left to pay: not waived without limit, nor up to all
    that they cost.
    """
    costs: dict[str, Decimal] = {}
    for line in lines:
        costs[line.charge] = costs.get(line.charge, Decimal(0)) + line.amount.amount
    gone = {
        charge
        for charge, decision in decisions.items()
        if decision.at_most is None or decision.at_most >= costs.get(charge, Decimal(0))
    }
    return [line for line in lines if line.charge not in gone]

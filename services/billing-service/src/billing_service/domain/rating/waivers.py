"""Waivers: a line that takes back a charge which a clerk has waived (R8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from billing_service.domain.facts.account import ChargeDecision
from billing_service.domain.money import zero
from billing_service.domain.statement.charge_line import ChargeLine, Waived


def waiver_lines(lines: Iterable[ChargeLine], decisions: Mapping[str, ChargeDecision]) -> list[ChargeLine]:
    """For every waived charge that has a price (and every waived fee) the line that takes it back
    (R8).
    """
    return [
        msgspec.structs.replace(
            line,
            kind="waiver",
            minutes=0,
            unit_price=zero(line.amount.currency),
            amount=-line.amount,
            raw_minutes=0,
            sources=(*line.sources, decision.stamp.event),
            rules=("R8",),
            basis=Waived(waives=line.kind, amount=line.amount, reason=decision.reason, actor=decision.actor),
        )
        for line in lines
        if (decision := decisions.get(line.charge)) and (line.kind == "cancellation" or line.amount.amount)
    ]

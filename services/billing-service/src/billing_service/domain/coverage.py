"""Coverage: whether an entry is free, under warranty, preparation or billable (R11, R7)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from billing_service.domain.facts import Ticket
from billing_service.domain.work import Piece
from fristwerk_language.terms import AgreementDocument

PREPARATION: Final = "preparation"


class Verdict(msgspec.Struct, frozen=True):
    """``clause`` is the JSON pointer of the coverage rule that fitted; none fitted: empty."""

    verdict: Literal["free", "preparation", "billable"]
    clause: str


def classify(piece: Piece, ticket: Ticket) -> Verdict:
    """The first coverage rule that fits decides; what is billable then is preparation if it was for an appointment.

    Warranty was judged on the day the ticket was opened and stands in it (``entitled_by``). Preparation is a class of its
    own only where the agreement charges late cancellations by it.
    """
    billing = piece.agreement.billing
    clause = ""
    for number, rule in enumerate(billing.coverage):
        wanted = (
            (rule.activity, piece.activity),
            (rule.group, ticket.group),
            (rule.plan, ticket.plan),
            (rule.entitled_by, ticket.entitled_by),
        )
        if all(expected is None or expected == actual for expected, actual in wanted):
            clause = f"/billing/coverage/{number}"
            if not rule.billable:
                return Verdict("free", clause)
            break
    if piece.activity == PREPARATION and piece.appointment is not None and charges_preparation(piece.agreement):
        return Verdict("preparation", clause)
    return Verdict("billable", clause)


def charges_preparation(agreement: AgreementDocument) -> bool:
    """Whether a late cancellation is charged by its preparation: the agreement says what late is, and has the fee."""
    late_is_known = agreement.appointments is not None and agreement.appointments.cancellation is not None
    return late_is_known and agreement.billing.cancellation_fee is not None

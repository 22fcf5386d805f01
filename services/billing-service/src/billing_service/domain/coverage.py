"""Classes of work: whether an entry is free, billable, or preparation of an appointment (R11, R7)."""

from __future__ import annotations

from typing import Literal

import msgspec

from billing_service.domain.facts import Ticket
from billing_service.domain.work import Piece
from fristwerk_language.terms.coverage import is_charged_preparation, match_coverage


class Verdict(msgspec.Struct, frozen=True):
    """``clause`` is the JSON pointer of the coverage rule that matched, empty if none did."""

    verdict: Literal["free", "preparation", "billable"]
    clause: str


def classify(piece: Piece, ticket: Ticket) -> Verdict:
    """The coverage rules come first: preparation that they make free is free, and no fee is charged by it.

    Preparation is a class of its own only where the agreement charges late cancellations by it.
    """
    covered = match_coverage(piece.agreement, piece.activity, ticket)
    if not covered.billable:
        return Verdict("free", covered.pointer)
    if is_charged_preparation(piece.agreement, piece.activity, piece.appointment):
        return Verdict("preparation", covered.pointer)
    return Verdict("billable", covered.pointer)

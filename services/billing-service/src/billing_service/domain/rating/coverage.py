"""Classes of work: whether an entry is free, billable, or preparation of an appointment (R11, R7)."""

from __future__ import annotations

from typing import Literal

import msgspec

from billing_service.domain.facts.account import BilledTicket
from billing_service.domain.rating.work import Piece
from fristwerk_language.terms.coverage import is_charged_preparation, match_coverage


class WorkClass(msgspec.Struct, frozen=True):
    """``clause`` is the JSON pointer of the coverage rule that matched, empty if none did."""

    verdict: Literal["free", "internal", "preparation", "billable"]
    clause: str


def class_of_work(piece: Piece, ticket: BilledTicket) -> WorkClass:
    """The coverage rules come first: preparation that they make free is free, and no fee is charged
    by it.

    Preparation is a class of its own only where the agreement charges late cancellations by it.
    """
    covered = match_coverage(piece.agreement, piece.activity, ticket, piece.performer)
    if covered.internal:
        return WorkClass("internal", covered.pointer)
    if not covered.billable:
        return WorkClass("free", covered.pointer)
    if is_charged_preparation(piece.agreement, piece.activity, piece.appointment):
        return WorkClass("preparation", covered.pointer)
    return WorkClass("billable", covered.pointer)

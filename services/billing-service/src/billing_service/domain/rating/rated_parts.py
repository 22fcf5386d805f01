"""What rating an account gave for each ticket and each rounding group, kept so that the next rating makes only what rests on
something else.

A part is taken from the rating before where everything that it is a function of is equal. Nothing
is ever told to be out of date, so nothing can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from billing_service.domain.facts.account import BilledTicket
from billing_service.domain.rating.classification import ClassifiedWork, classify_work
from billing_service.domain.rating.grouping import RoundingGroup
from billing_service.domain.rating.work import TermsInForce
from billing_service.domain.statement.charge_line import ChargeLine, Draw
from fristwerk_language.terms import AgreementDocument


class _Priced(msgspec.Struct, frozen=True):
    """The lines of a group, and what they rest on."""

    group: RoundingGroup
    draws: Sequence[Draw]
    agreement: AgreementDocument
    lines: list[ChargeLine]


class RatedParts:
    """The parts of one rating, of which those that are the same are taken from the one ``before``."""

    def __init__(self, before: RatedParts | None = None) -> None:
        self._work_before = {} if before is None else before.work
        self._priced_before = {} if before is None else before.priced
        self.work: dict[str, ClassifiedWork] = {}
        self.priced: dict[tuple[str, str], _Priced] = {}

    def classified(self, ticket: BilledTicket, in_force: TermsInForce) -> ClassifiedWork:
        """The ticket's work, each minute in one place."""
        found = self._work_before.get(ticket.id)
        if found is None or found.ticket != ticket or found.in_force != in_force:
            found = classify_work(ticket, in_force)
        self.work[ticket.id] = found
        return found

    def priced_lines(
        self,
        group: RoundingGroup,
        draws: Sequence[Draw],
        agreement: AgreementDocument,
        make: Callable[[], list[ChargeLine]],
    ) -> list[ChargeLine]:
        """The lines of a group that drew so much, under the account's agreement, as ``make`` makes them."""
        key = group.ticket, group.key
        found = self._priced_before.get(key)
        if found is None or found.draws != draws or found.group != group or found.agreement is not agreement:
            found = _Priced(group, draws, agreement, make())
        self.priced[key] = found
        return found.lines

    def settle(self) -> None:
        """Drop what was rated before."""
        self._work_before, self._priced_before = {}, {}

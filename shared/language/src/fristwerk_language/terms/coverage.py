"""Coverage: whether work is billable under an agreement (rule R11), and when preparation is charged
as a fee (R7).

Every service asks here, so that the cost gate, the effort notice and the invoice count the same
minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

import msgspec

from fristwerk_language.terms.agreement import ALWAYS_KNOWN, PREPARATION, AgreementDocument
from fristwerk_language.terms.handling import CancellationTerms
from fristwerk_language.terms.time_zones import zone
from fristwerk_language.terms.values import place


class CoverageKeys(Protocol):
    """What the coverage rules ask of a ticket; each service has its own type for one."""

    @property
    def group(self) -> str | None: ...

    @property
    def plan(self) -> str | None: ...

    @property
    def entitled_by(self) -> Literal["contract", "warranty"] | None: ...

    @property
    def performer(self) -> str | None: ...


class Coverage(msgspec.Struct, frozen=True):
    """Whether the coverage rules leave work billable. ``pointer`` is the rule's JSON pointer, empty
    if none matched. ``internal`` work is the vendor's own affair, and no customer's invoice shows it.
    """

    billable: bool
    pointer: str
    internal: bool = False


_NO_RULE_MATCHED: Final = Coverage(billable=True, pointer="")


def match_coverage(
    agreement: AgreementDocument, activity: str, ticket: CoverageKeys, performer: str | None = None
) -> Coverage:
    """The first rule of ``billing.coverage`` whose named keys all match decides; without one, work
    is billable. What ``billing.internal`` lists is never billed, whatever the rules say.

    Warranty is decided when the ticket is opened, and recorded in its ``entitled_by``. ``performer``
    is who did this piece of the ticket's work; None: whom the ticket names.
    """
    if activity in agreement.billing.internal:
        pointer = place("billing", "internal", agreement.billing.internal.index(activity))
        return Coverage(billable=False, pointer=pointer, internal=True)
    performed_by = performer or ticket.performer
    for number, rule in enumerate(agreement.billing.coverage):
        if (
            rule.activity in (None, activity)
            and rule.group in (None, ticket.group)
            and rule.plan in (None, ticket.plan)
            and rule.entitled_by in (None, ticket.entitled_by)
            and rule.performer in (None, performed_by)
        ):
            return Coverage(billable=rule.billable, pointer=place("billing", "coverage", number))
    return _NO_RULE_MATCHED


def is_unknown_word(agreement: AgreementDocument, activity: str) -> bool:
    """Whether an activity may be a misspelt one: the agreement lists none, and although its coverage
    rules name some, none of them names this.
    """
    named = {rule.activity for rule in agreement.billing.coverage if rule.activity is not None}
    known = {*named, *agreement.billing.internal, *ALWAYS_KNOWN}
    return agreement.activities is None and bool(named) and activity not in known


def is_charged_preparation(agreement: AgreementDocument, activity: str, appointment: int | None) -> bool:
    """Whether work is preparation that only a late cancellation is charged by: it is not billed as
    work.
    """
    return activity == PREPARATION and appointment is not None and charges_preparation(agreement)


def charges_preparation(agreement: AgreementDocument) -> bool:
    """Whether the agreement says which cancellation is late, and has the fee for it."""
    late_is_known = agreement.appointments is not None and agreement.appointments.cancellation is not None
    return late_is_known and agreement.billing.cancellation_fee is not None


def is_late(start: datetime, cancelled_at: datetime, terms: CancellationTerms, timezone: str) -> bool:
    """Whether less than the notice lay between a cancellation and the start: exactly the notice is
    in time (R6).

    ``elapsed`` counts the hours that passed; ``wall`` the difference of the clock times in
    ``timezone``.
    """
    if terms.measure == "wall":
        start, cancelled_at = (each.astimezone(zone(timezone)).replace(tzinfo=None) for each in (start, cancelled_at))
    return start - cancelled_at < timedelta(hours=terms.notice_hours)

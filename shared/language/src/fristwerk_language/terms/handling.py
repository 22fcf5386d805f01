"""How tickets are handled under an agreement: calls, escalation, appointments, cost approval and
the like.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationError

from fristwerk_language.terms.service_level import StaffRole
from fristwerk_language.terms.values import PlacedError, Prose, TermsId, TermsModel, added_key, place, shown

_MONTH_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_LEAP_YEAR: Final = 2024  # 02-29 is a day that a season may name
_DAYS: Final = re.compile(r"(0|[1-9][0-9]{0,3}) days?")


def _month_day(text: str) -> str:
    if _MONTH_DAY.fullmatch(text):
        month, day = text.split("-")
        if int(day) <= monthrange(_LEAP_YEAR, int(month))[1]:
            return text
    raise ValueError(f"{shown(text)} is not a month and day such as '10-15'")


def _days(text: object) -> str:
    """So many days of 24 hours, such as ``14 days``; ``0 days`` is none."""
    found = _DAYS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{shown(text)} is not a number of days such as '14 days'")
    return f"{found[1]} days"


DayCount = Annotated[str, BeforeValidator(_days)]
MonthDay = Annotated[str, AfterValidator(_month_day)]


class CallsTerms(TermsModel):
    log_all: StrictBool = False
    transfer_to: StaffRole | None = None


class CallbackTerms(TermsModel):
    requires: list[Literal["purpose"]] = []


class VoicemailTerms(TermsModel):
    creates: Literal["callback"]


class ClosingTerms(TermsModel):
    requires: list[Literal["classification_communicated"]] = []


class PriorityChangeTerms(TermsModel):
    requires: list[Literal["reason", "agreement"]] = ["reason", "agreement"]


class EscalationTerms(TermsModel):
    contact: TermsId
    fallback: TermsId | None = None
    closes_with: list[Literal["outcome", "contact"]] = []
    at_any_time: StrictBool = False


class ProposalTerms(TermsModel):
    minimum: Annotated[int, Field(strict=True, ge=1, le=20)] = 1


class SeasonTerms(TermsModel):
    """Month-days, inclusive, by the proposed date; a season may run across New Year."""

    from_: MonthDay = Field(alias="from")
    until: MonthDay
    lead_time_days: Annotated[int, Field(strict=True, ge=0, le=366)] | None = None
    notice: Prose | None = None


class CancellationTerms(TermsModel):
    notice_hours: Annotated[int, Field(strict=True, ge=0, le=8_784)]
    written: StrictBool = False
    measure: Literal["elapsed", "wall"] = "elapsed"


class AppointmentTerms(TermsModel):
    proposals: ProposalTerms = ProposalTerms()
    lead_time_days: Annotated[int, Field(strict=True, ge=0, le=366)] = 0
    season: SeasonTerms | None = None
    cancellation: CancellationTerms | None = None


class CostApprovalTerms(TermsModel):
    after_minutes: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
    by: Literal["customer"] = "customer"


class AfterResolutionTerms(TermsModel):
    """So long after its resolution a customer's message, or the customer itself, reopens a ticket; a message that comes
    later becomes a new ticket that follows the old one.
    """

    reopen_within: DayCount = "14 days"

    @property
    def period(self) -> timedelta:
        """``reopen_within`` as elapsed time."""
        return timedelta(days=int(self.reopen_within.split()[0]))


class TimeEntryTerms(TermsModel):
    """``longest_minutes`` is the longest stretch of work that one entry, correction or call may tell of."""

    longest_minutes: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 24 * 60


class AcceptanceTerms(TermsModel):
    """As ``required``; and a ticket with work of these activities is resolved only once it was delivered."""

    required_for: Annotated[list[TermsId], Field(min_length=1)]


def _acceptance(value: object) -> object:
    """Read here and not by the union, whose errors would name its members and not the place."""
    if value is None or value == "required" or isinstance(value, AcceptanceTerms):
        return value
    if not isinstance(value, dict):
        raise ValueError(f"{shown(value)} is neither 'required' nor a mapping with 'required_for'")  # noqa: TRY004 - pydantic reads it
    try:
        return AcceptanceTerms.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise PlacedError(place(*first["loc"]), first["msg"]) from error


class LifecycleTerms(TermsModel):
    acceptance: Annotated[Literal["required"] | AcceptanceTerms | None, BeforeValidator(_acceptance)] = None
    bill_when: Literal["logged", "resolved"] = "logged"


class DedicatedAgentTerms(TermsModel):
    """The agent whom a customer with the ``addon`` has for itself.

    ``exclusive``: no other customer has the same. ``bookable``: the kinds of appointments that are booked with the agent,
    empty: any. ``second_level``: the agent's flag hands a ticket over. ``channels`` are its customers' alone.
    """

    addon: TermsId
    exclusive: StrictBool = False
    bookable: list[TermsId] = []
    second_level: Literal["automatic"] | None = None
    channels: list[TermsId] = added_key([])


class SurveyTerms(TermsModel):
    """The channels by which feedback is asked for and taken."""

    channels: list[TermsId]

"""One line of an agreement's service levels: a metric, whom it is for, and its target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import StrictBool, model_validator

from fristwerk_language.terms.values import Clock, PlacedError, Span, Target, TermsId, TermsModel, Warning_, added_key

StaffRole = Literal["agent", "specialist", "manager", "admin"]
Metric = Literal[
    "first_response", "next_response", "follow_up", "callback", "processing_started", "resolution", "effort_notice"
]
METRICS: Final[tuple[Metric, ...]] = (
    "first_response",
    "next_response",
    "follow_up",
    "callback",
    "processing_started",
    "resolution",
    "effort_notice",
)
DAY: Final = 86_400
BUSINESS: Final[tuple[Clock, ...]] = ("business", "business_days")
"""The clocks that count on a calendar."""
PausingState = Literal["waiting_customer", "waiting_approval", "awaiting_acceptance"]
_DEFAULT_PAUSES: Final[dict[str, list[PausingState]]] = {
    "processing_started": ["waiting_customer"],
    "resolution": ["waiting_customer", "waiting_approval", "awaiting_acceptance"],
}


class ServiceLevel(TermsModel):
    """One line of the service levels: the first line that fits a ticket and a metric wins.

    ``pauses_in`` None means the metric's default (see :meth:`pausing_states`). ``counts_from``:
    whether a line that a ticket comes to by a change of its type or severity counts from the
    original start or from that change. ``calendar``: on which a line counts whatever the ticket's
    channel and site. ``level``: a line of ``resolution`` that counts only the time at that level of
    support, beside the line for the whole.
    """

    metric: Metric
    severity: TermsId | None = None
    type: TermsId | None = None
    group: TermsId | None = None
    channel: TermsId | None = None
    site: TermsId | None = None
    plan: TermsId | None = None
    addon: TermsId | None = None
    target: Target | None = None
    soft: Target | None = None
    after: Literal["customer_message", "agent_response", "both"] = "customer_message"
    pauses_in: list[PausingState] | None = None
    completed_by: StaffRole | None = None
    attempt_counts: StrictBool = False
    counts_from: Literal["start", "change"] = added_key("start")
    measure_only: StrictBool = False
    warn_at: list[Warning_] | None = None
    calendar: TermsId | None = added_key(None)
    level: TermsId | None = added_key(None)

    @property
    def pausing_states(self) -> tuple[PausingState, ...]:
        """The ticket states in which this line's clock is paused."""
        pauses = self.pauses_in if self.pauses_in is not None else _DEFAULT_PAUSES.get(self.metric, [])
        return tuple(pauses)

    @model_validator(mode="after")
    def _check_whole(self) -> ServiceLevel:
        if self.measure_only and (self.target or self.soft or self.warn_at):
            raise PlacedError("/measure_only", "a line that only measures has no target, soft target or warning")
        if not self.measure_only and self.target is None:
            raise PlacedError("/target", "a line needs a target, or 'measure_only: true'")
        worked = self.target is not None and self.target.clock == "worked"
        if worked != (self.metric == "effort_notice") and not self.measure_only:
            raise PlacedError("/target", "worked minutes are the clock of effort_notice, and of nothing else")
        if self.soft is not None and self.soft.clock == "worked":
            raise PlacedError("/soft", "a soft target is a span of time")
        if self.metric == "effort_notice" and (self.measure_only or self.soft or self.pauses_in):
            raise PlacedError(
                "/metric", "effort_notice counts logged work: it has a target, no soft target and no pauses"
            )
        if _is_not_before(self.soft, self.target):
            raise PlacedError("/soft", "a soft target comes before the target")
        if self.metric != "callback" and (self.completed_by or self.attempt_counts):
            raise PlacedError("/metric", "completed_by and attempt_counts belong to callback")
        if self.metric != "follow_up" and self.after != "customer_message":
            raise PlacedError("/after", "belongs to follow_up")
        _check_counted_from(self)
        _check_calendar(self)
        if self.level is not None and self.metric != "resolution":
            raise PlacedError("/level", "belongs to resolution: at which level an answer is given does not matter")
        check_warnings("/warn_at", self.warn_at or [], worked=self.metric == "effort_notice")
        return self


def _is_not_before(soft: Span | None, target: Span | None) -> bool:
    """Spans on different clocks cannot be compared without a calendar and are taken as they are."""
    return soft is not None and target is not None and soft.clock == target.clock and soft.amount >= target.amount


def may_be_later(soft: Span, target: Span) -> bool:
    """Whether a soft target on another clock than its target can come after it.

    Business time is never shorter than the time that passes, so a soft target of business time may
    lie behind any target around the clock; one around the clock is compared by its length.
    """
    if target.clock == "wall":
        return soft.clock != "wall" or soft.amount > target.amount
    if soft.clock != "wall":
        return False
    return soft.amount > (target.amount * DAY if target.clock == "business_days" else target.amount)


def _check_counted_from(line: ServiceLevel) -> None:
    if line.counts_from == "start":
        return
    if line.type is None and line.severity is None:
        raise PlacedError("/counts_from", "a line that names neither type nor severity has no change to count from")
    if line.metric == "effort_notice":
        raise PlacedError("/counts_from", "effort_notice counts logged work, from the first billable minute")


def _check_calendar(line: ServiceLevel) -> None:
    if line.calendar is not None and line.target is not None and line.target.clock not in BUSINESS:
        raise PlacedError("/calendar", f"{line.target} is counted on no calendar")


def check_warnings(pointer: str, warnings: Iterable[object], *, worked: bool) -> None:
    """A span before the deadline is worked minutes for ``effort_notice`` and time for everything
    else.
    """
    for number, warning in enumerate(warnings):
        if isinstance(warning, Span) and (warning.clock == "worked") != worked:
            raise PlacedError(
                f"{pointer}/{number}", "worked minutes are the clock of effort_notice, and of nothing else"
            )

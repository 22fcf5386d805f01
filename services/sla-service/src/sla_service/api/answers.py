"""What the operations answer, as types that describe it for OpenAPI; no answer passes through them.

Where a domain's struct is answered as it is, it stands in a route itself. A field with a default may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from fristwerk_language.events import SLA_NOTICES
from fristwerk_language.events.described import described_events
from fristwerk_language.examples import fed_line
from fristwerk_platform.http.feed_routes import FeedLines
from sla_service.application.reports import Dimension, MissedSum, TimeInStateSum
from sla_service.application.visibility import TIMER_SHOWS
from sla_service.domain.explanation.explanation_steps import ExplanationStep
from sla_service.domain.explanation.labels import Language
from sla_service.domain.reports.comparison import MetricSums
from sla_service.domain.reports.compliance import ComplianceFigures, UsedTime
from sla_service.domain.timers.timer import AbsentTimer, Timer, TimerState
from sla_service.stores.simulations import SimulatedTicket

if TYPE_CHECKING:
    Notice = Any  # a type that is made when the service starts
else:
    Notice = described_events(SLA_NOTICES.values())
    """One notice of this service's feed."""
LINES: Final = FeedLines(fed_line("TimerStarted"), Notice)


class ShownTimer(Timer, frozen=True, kw_only=True):
    """A timer as of now: its state, the seconds left on its clock, and when its miss was noticed."""

    state: TimerState
    remaining_seconds: int | None
    detected_at: datetime | None = None


class TicketTimers(msgspec.Struct):
    """A ticket's timers, why it is entitled or not, and why metrics have none."""

    ticket: str
    entitled: bool
    reason: str
    items: list[ShownTimer]
    absent: list[AbsentTimer]


class TimerPage(msgspec.Struct):
    """Timers."""

    items: list[ShownTimer]


class ExplainedStep(ExplanationStep, frozen=True, kw_only=True):
    """One step of an explanation, and its sentence."""

    sentence: str


class Explanation(msgspec.Struct):
    """Why a timer stands as it does; ``text`` is all sentences."""

    timer: ShownTimer
    language: Language
    steps: list[ExplainedStep]
    text: str


class ComputedDeadline(msgspec.Struct):
    """A deadline by a calendar, which is named with its version."""

    calendar: str
    start: datetime
    target: str
    due_at: datetime
    steps: list[ExplainedStep]


class ComplianceRow(ComplianceFigures, frozen=True, kw_only=True):
    """The figures of one group, under the name of what they are grouped by; the name is null for what has none."""

    metric: str | None = None
    severity: str | None = None
    customer: str | None = None
    agreement: str | None = None
    month: str | None = None


class Compliance(msgspec.Struct):
    """How promises were kept; the bounds as they were asked for."""

    from_: str | None = msgspec.field(name="from")
    until: str | None
    group_by: Dimension
    items: list[ComplianceRow]
    total: ComplianceFigures


class AttributionOfPeriod(msgspec.Struct):
    """With whom the time of the tickets received in a period was spent; ``not_attributed`` lie beyond their calendars."""

    from_: str | None = msgspec.field(name="from")
    until: str | None
    tickets: int
    not_attributed: int
    items: list[TimeInStateSum]
    missed: list[MissedSum]


class DoneOfTotal(msgspec.Struct):
    """How far something has come."""

    done: int
    total: int


class SimulationSums(msgspec.Struct):
    """How many timers of each metric had which outcome, as it was and by the terms that are tried."""

    then: dict[str, MetricSums]
    now: dict[str, MetricSums]


class SimulationRead(msgspec.Struct):
    """What was tried, ``name@version`` or ``name@0`` for a document, and how far it has come."""

    id: str
    state: Literal["running", "done", "failed"]
    from_: str | None = msgspec.field(name="from")
    until: str | None
    as_of: datetime
    agreement: str | None
    replaces: str | None
    calendars: dict[str, str | None]
    calendar: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    progress: DoneOfTotal
    tickets: int
    differ: int
    sums: SimulationSums


class SimulationAnswer(msgspec.Struct):
    """A simulation and a page of its tickets."""

    simulation: SimulationRead
    items: list[SimulatedTicket]


class SimulationPage(msgspec.Struct):
    """Simulations."""

    items: list[SimulationRead]


def _all_of(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)


REQUIRED: Final[Mapping[type, frozenset[str]]] = {
    ShownTimer: TIMER_SHOWS,
    **{each: _all_of(each) for each in (UsedTime, MetricSums, TimeInStateSum, MissedSum)},
}
"""The fields that every answer has, to whomever: a customer is not shown the others."""

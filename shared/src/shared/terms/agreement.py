"""The agreement document: what a provider promises, and what it costs (see ``docs/terms.md``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from shared.terms.billing import BillingTerms
from shared.terms.calendar import Timezone
from shared.terms.values import Currency, Factor, Flag, Identifier, Language, Name, Target, TermsModel, Warning_

Role = Literal["agent", "specialist", "manager", "admin"]
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
PausingState = Literal["waiting_customer", "waiting_approval", "awaiting_acceptance"]
NORMAL_TYPE: Final = "normal"
_MONTH_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")

_DEFAULT_PAUSES: Final[dict[str, list[PausingState]]] = {
    "processing_started": ["waiting_customer"],
    "resolution": ["waiting_customer", "waiting_approval", "awaiting_acceptance"],
}
_NEVER_PAUSED: Final = {"effort_notice"}


def _month_day(text: str) -> str:
    if not _MONTH_DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a month and day such as '10-15'")
    return text


MonthDay = Annotated[str, AfterValidator(_month_day)]


class Severity(TermsModel):
    id: Identifier
    name: Name
    definition: Name | None = None


class TicketType(TermsModel):
    """An ordered service level. ``required`` are the intake fields, ``service`` the covered service it asks for."""

    id: Identifier
    required: list[Identifier] = []
    appointment: Literal["required"] | None = None
    rate_factor: Factor = Field(default="1", validate_default=True)  # type: ignore[assignment]
    service: Identifier | None = None


class Site(TermsModel):
    id: Identifier
    calendar: Identifier


class Group(TermsModel):
    """A group of customers, served in the order listed."""

    id: Identifier
    entitled: Flag = True
    priority: Annotated[int, Field(strict=True, ge=1, le=5)] = 3
    dedicated_number: Flag = False
    voicemail_after_minutes: Annotated[int, Field(strict=True, ge=0, le=1440)] | None = None


class Acknowledgement(TermsModel):
    cost_notice: Flag = False


class Intake(TermsModel):
    assign: Literal["automatically"] | None = None
    acknowledgement: Acknowledgement | None = None


class Rank(TermsModel):
    """One place in the worklist's ``rank``; all named keys must fit."""

    type: Identifier | None = None
    severity: Identifier | None = None
    group: Identifier | None = None
    channel: Identifier | None = None


WorklistKey = Literal["group", "rank", "type", "priority", "severity", "received_at"]


class Worklist(TermsModel):
    order: Annotated[list[WorklistKey], Field(min_length=1)] = ["priority", "severity", "received_at"]
    rank: list[Rank] = []


class ServiceLevel(TermsModel):
    """One line of the service levels: the first line that fits a ticket and a metric wins.

    ``pauses_in`` null means the metric's default (see :meth:`pausing_states`).
    """

    metric: Metric
    severity: Identifier | None = None
    type: Identifier | None = None
    group: Identifier | None = None
    channel: Identifier | None = None
    site: Identifier | None = None
    plan: Identifier | None = None
    addon: Identifier | None = None
    target: Target | None = None
    soft: Target | None = None
    after: Literal["customer_message", "agent_response", "both"] = "customer_message"
    pauses_in: list[PausingState] | None = None
    completed_by: Role | None = None
    attempt_counts: Flag = False
    measure_only: Flag = False
    warn_at: list[Warning_] | None = None
    example: Flag = False

    @property
    def pausing_states(self) -> tuple[PausingState, ...]:
        """The ticket states in which this line's clock stands still."""
        pauses = self.pauses_in if self.pauses_in is not None else _DEFAULT_PAUSES.get(self.metric, [])
        return tuple(pauses)

    @model_validator(mode="after")
    def _check_whole(self) -> ServiceLevel:
        if self.measure_only and (self.target or self.soft or self.warn_at):
            raise ValueError("/measure_only: a line that only measures has no target, soft target or warning")
        if not self.measure_only and self.target is None:
            raise ValueError("/target: a line needs a target, or 'measure_only: true'")
        worked = self.target is not None and self.target.clock == "worked"
        if worked != (self.metric == "effort_notice") and not self.measure_only:
            raise ValueError("/target: worked minutes are the clock of effort_notice, and of nothing else")
        if self.soft is not None and self.soft.clock == "worked":
            raise ValueError("/soft: a soft target is a span of time")
        if self.metric == "effort_notice" and (self.measure_only or self.soft or self.pauses_in):
            raise ValueError("/metric: effort_notice counts logged work: it has a target, no soft target and no pauses")
        if self.metric != "callback" and (self.completed_by or self.attempt_counts):
            raise ValueError("/metric: completed_by and attempt_counts belong to callback")
        if self.metric != "follow_up" and self.after != "customer_message":
            raise ValueError("/after: belongs to follow_up")
        return self


class Calls(TermsModel):
    log_all: Flag = False
    transfer_to: Role | None = None


class Callback(TermsModel):
    requires: list[Literal["purpose"]] = []


class Voicemail(TermsModel):
    creates: Literal["callback"]


class Closing(TermsModel):
    requires: list[Literal["classification_communicated"]] = []


class PriorityChange(TermsModel):
    requires: list[Literal["reason", "agreement"]] = ["reason", "agreement"]


class Escalation(TermsModel):
    contact: Identifier
    fallback: Identifier | None = None
    closes_with: list[Literal["outcome", "contact"]] = []
    at_any_time: Flag = False


class Proposals(TermsModel):
    minimum: Annotated[int, Field(strict=True, ge=1, le=20)] = 1


class Season(TermsModel):
    """Month-days, inclusive, by the proposed date; a season may run across New Year."""

    from_: MonthDay = Field(alias="from")
    until: MonthDay
    lead_time_days: Annotated[int, Field(strict=True, ge=0, le=366)] | None = None
    notice: Name | None = None


class Cancellation(TermsModel):
    notice_hours: Annotated[int, Field(strict=True, ge=0, le=8_784)]
    written: Flag = False
    measure: Literal["elapsed", "wall"] = "elapsed"


class Appointments(TermsModel):
    proposals: Proposals = Proposals()
    lead_time_days: Annotated[int, Field(strict=True, ge=0, le=366)] = 0
    season: Season | None = None
    cancellation: Cancellation | None = None


class CostApproval(TermsModel):
    after_minutes: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
    by: Literal["customer"] = "customer"


class Lifecycle(TermsModel):
    acceptance: Literal["required"] | None = None
    bill_when: Literal["logged", "resolved"] = "logged"


class DedicatedAgent(TermsModel):
    """Accepted and published; acted on later."""

    addon: Identifier
    exclusive: Flag = False
    bookable: list[Identifier] = []
    second_level: Literal["automatic"] | None = None


class Surveys(TermsModel):
    """Accepted and published; acted on later."""

    channels: list[Identifier]


class AgreementDocument(TermsModel):
    """An agreement as published, all defaults written out."""

    agreement: Identifier
    title: Name = ""
    language: Language = "de-DE"
    timezone: Timezone
    currency: Currency
    default: Flag = False
    calendar: Identifier | None = None
    calendars: dict[Identifier, Identifier] = {}
    sites: list[Site] = []
    severities: Annotated[list[Severity], Field(min_length=1, max_length=100)]
    set_severity: Annotated[list[Role], Field(min_length=1)] = ["agent", "specialist", "manager"]
    channels: Annotated[list[Identifier], Field(min_length=1)]
    progress_channels: list[Identifier] | None = None
    ticket_types: list[TicketType] = []
    services: list[Identifier] | None = None
    groups: list[Group] = []
    entitlement: Annotated[list[Literal["contract", "warranty"]], Field(min_length=1)] = ["contract"]
    priority_change: PriorityChange = PriorityChange()
    intake: Intake = Intake()
    worklist: Worklist = Worklist()
    service_levels: Annotated[list[ServiceLevel], Field(max_length=1_000)] = []
    warn_at: list[Warning_] = []
    unclassified: Literal["strictest"] | None = None
    calls: Calls = Calls()
    callback: Callback = Callback()
    voicemail: Voicemail | None = None
    closing: Closing = Closing()
    escalation: Escalation | None = None
    appointments: Appointments | None = None
    cost_approval: CostApproval | None = None
    lifecycle: Lifecycle = Lifecycle()
    dedicated_agent: DedicatedAgent | None = None
    surveys: Surveys | None = None
    billing: BillingTerms = BillingTerms()
    example: Flag = False

    def ticket_type(self, type_id: str) -> TicketType | None:
        """The ticket type of that id; ``normal`` always exists."""
        found = next((each for each in self.ticket_types if each.id == type_id), None)
        return TicketType(id=NORMAL_TYPE) if found is None and type_id == NORMAL_TYPE else found

    def severity_rank(self, severity_id: str) -> int | None:
        """The place of a severity on the scale, 0 the most severe; null if it is not on it."""
        return next((rank for rank, each in enumerate(self.severities) if each.id == severity_id), None)

    def group(self, group_id: str | None) -> Group | None:
        """The group of that id."""
        return next((each for each in self.groups if each.id == group_id), None)

    def calendar_for(self, channel: str, site: str | None) -> str:
        """The calendar's name: by channel where named, else by the site (without one the first), else the general one."""
        if channel in self.calendars:
            return self.calendars[channel]
        if self.sites:
            return next((each.calendar for each in self.sites if each.id == site), self.sites[0].calendar)
        assert self.calendar is not None, "checked when published"
        return self.calendar

    def calendar_names(self) -> list[tuple[str, str]]:
        """Every calendar that the agreement names, with the pointer to the place."""
        named = [("/calendar", self.calendar)] if self.calendar else []
        named += [(f"/calendars/{channel}", name) for channel, name in self.calendars.items()]
        named += [(f"/sites/{number}/calendar", site.calendar) for number, site in enumerate(self.sites)]
        return named

    @model_validator(mode="after")
    def _check_whole(self) -> AgreementDocument:
        if not self.calendar and not self.sites:
            raise ValueError("/calendar: an agreement names its calendar, or sites that do")
        _check_unique("severities", [each.id for each in self.severities])
        _check_unique("ticket_types", [each.id for each in self.ticket_types])
        _check_unique("groups", [each.id for each in self.groups])
        _check_unique("sites", [each.id for each in self.sites])
        _check_unique("channels", self.channels)
        self._check_references()
        return self

    def _check_references(self) -> None:
        known = {
            "severity": {each.id for each in self.severities},
            "type": {each.id for each in self.ticket_types} | {NORMAL_TYPE},
            "group": {each.id for each in self.groups},
            "channel": set(self.channels),
            "site": {each.id for each in self.sites},
            "plan": set(self.billing.plans),
            "addon": set(self.billing.addons),
        }
        for number, line in enumerate(self.service_levels):
            _check_keys(f"/service_levels/{number}", line, known)
        for number, rank in enumerate(self.worklist.rank):
            _check_keys(f"/worklist/rank/{number}", rank, known)
        for number, cover in enumerate(self.billing.coverage):
            _check_keys(f"/billing/coverage/{number}", cover, known)
        for name in self.calendars:
            _check_known(f"/calendars/{name}", "channel", name, known["channel"])
        for number, channel in enumerate(self.progress_channels or []):
            _check_known(f"/progress_channels/{number}", "channel", channel, known["channel"])
        if self.services is not None:
            _check_unique("services", self.services)
        if "rank" in self.worklist.order and not self.worklist.rank:
            raise ValueError("/worklist/rank: the order uses 'rank', so its lines are needed")
        if self.dedicated_agent is not None:
            _check_known("/dedicated_agent/addon", "addon", self.dedicated_agent.addon, known["addon"])


def _check_unique(place: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for number, each in enumerate(ids):
        if each in seen:
            raise ValueError(f"/{place}/{number}: {each!r} stands here twice")
        seen.add(each)


def _check_keys(place: str, line: TermsModel, known: dict[str, set[str]]) -> None:
    for key, values in known.items():
        value = getattr(line, key, None)
        if value is not None:
            _check_known(f"{place}/{key}", key, value, values)


def _check_known(place: str, key: str, value: str, values: set[str]) -> None:
    if value not in values:
        raise ValueError(f"{place}: the agreement has no {key} {value!r}")

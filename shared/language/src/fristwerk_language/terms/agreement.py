"""The agreement document: what a provider promises, and what it costs (see
``docs/reference/terms.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool, model_validator

from fristwerk_language.terms.billing import BillingTerms, VatTerms
from fristwerk_language.terms.calendar import Timezone
from fristwerk_language.terms.handling import (
    AfterResolutionTerms,
    AppointmentTerms,
    CallbackTerms,
    CallsTerms,
    ClosingTerms,
    CostApprovalTerms,
    DedicatedAgentTerms,
    EscalationTerms,
    LifecycleTerms,
    PriorityChangeTerms,
    SurveyTerms,
    TimeEntryTerms,
    VoicemailTerms,
)
from fristwerk_language.terms.service_level import ServiceLevel, StaffRole, check_warnings
from fristwerk_language.terms.values import (
    Currency,
    Factor,
    LanguageTag,
    Name,
    PlacedError,
    Prose,
    TermsDate,
    TermsId,
    TermsModel,
    Title,
    Warning_,
    added_key,
    place,
)

NORMAL_TYPE: Final = "normal"
CALL: Final = "call"
"""The activity of a call that names none."""
PREPARATION: Final = "preparation"
"""The activity of work that prepares an appointment."""
MESSAGE: Final = "message"
"""The activity of what a message or an answer took, where nobody names one."""
REMOTE_SESSION: Final = "remote_session"
"""The activity of a remote session where nobody names one."""
ALWAYS_KNOWN: Final = (CALL, MESSAGE, PREPARATION, REMOTE_SESSION)
"""The activities that every agreement has, whichever it lists: they are the product's own words."""


class Severity(TermsModel):
    """``criteria``: what of the circumstances that a request names speaks for this severity, and with
    which answer; setting it against one of them asks for a reason. ``involves`` is the role that is
    brought in as soon as it is set.
    """

    id: TermsId
    name: Name
    definition: Prose | None = None
    criteria: Annotated[dict[TermsId, StrictBool], Field(max_length=20)] = added_key({})
    involves: TermsId | None = added_key(None)

    def contradictions(self, circumstances: Mapping[str, bool]) -> list[str]:
        """The criteria that a request's circumstances do not meet; what it does not say meets all."""
        return [
            name for name, wanted in self.criteria.items() if name in circumstances and circumstances[name] != wanted
        ]


class TicketType(TermsModel):
    """An ordered service level. ``required`` are the intake fields, ``service`` the covered service
    it asks for.
    """

    id: TermsId
    required: list[TermsId] = []
    appointment: Literal["required"] | None = None
    rate_factor: Factor = Decimal(1)
    service: TermsId | None = None


class SiteTerms(TermsModel):
    """A place where the vendor serves. ``timezone`` is what a local day means there, ``vat`` what tax is owed on
    what is done there; each is the agreement's where the site has none of its own.
    """

    id: TermsId
    calendar: TermsId
    timezone: Timezone | None = added_key(None)
    vat: VatTerms | None = added_key(None)


class GroupTerms(TermsModel):
    """A group of customers, served in the order listed."""

    id: TermsId
    entitled: StrictBool = True
    priority: Annotated[int, Field(strict=True, ge=1, le=5)] = 3
    dedicated_number: StrictBool = False
    voicemail_after_minutes: Annotated[int, Field(strict=True, ge=0, le=1440)] | None = None


class AcknowledgementTerms(TermsModel):
    cost_notice: StrictBool = False


class IntakeTerms(TermsModel):
    assign: Literal["automatically"] | None = None
    acknowledgement: AcknowledgementTerms | None = None


class Rank(TermsModel):
    """One place in the worklist's ``rank``; all named keys must fit."""

    type: TermsId | None = None
    severity: TermsId | None = None
    group: TermsId | None = None
    channel: TermsId | None = None


WorklistKey = Literal["group", "rank", "type", "priority", "severity", "received_at"]


class WorklistTerms(TermsModel):
    order: Annotated[list[WorklistKey], Field(min_length=1)] = ["priority", "severity", "received_at"]
    rank: list[Rank] = []


class AgreementDocument(TermsModel):
    """An agreement as published, all defaults written out but for those of keys that the language got later: what was
    published before keeps its digest.
    """

    agreement: TermsId
    valid_from: TermsDate | None = added_key(None)
    title: Title = ""
    language: LanguageTag = "de-DE"
    timezone: Timezone
    currency: Currency
    default: StrictBool = False
    calendar: TermsId | None = None
    calendars: dict[TermsId, TermsId] = {}
    sites: list[SiteTerms] = []
    severities: Annotated[list[Severity], Field(min_length=1, max_length=100)]
    set_severity: Annotated[list[StaffRole], Field(min_length=1)] = ["agent", "specialist", "manager"]
    channels: Annotated[list[TermsId], Field(min_length=1)]
    progress_channels: list[TermsId] | None = None
    activities: Annotated[list[TermsId], Field(min_length=1, max_length=200)] | None = added_key(None)
    categories: Annotated[list[TermsId], Field(min_length=1, max_length=200)] | None = added_key(None)
    ticket_types: list[TicketType] = []
    services: list[TermsId] | None = None
    groups: list[GroupTerms] = []
    entitlement: Annotated[list[Literal["contract", "warranty"]], Field(min_length=1)] = ["contract"]
    priority_change: PriorityChangeTerms = PriorityChangeTerms()
    intake: IntakeTerms = IntakeTerms()
    worklist: WorklistTerms = WorklistTerms()
    service_levels: Annotated[list[ServiceLevel], Field(max_length=1_000)] = []
    warn_at: list[Warning_] = []
    unclassified: Literal["strictest"] | None = None
    calls: CallsTerms = CallsTerms()
    callback: CallbackTerms = CallbackTerms()
    voicemail: VoicemailTerms | None = None
    closing: ClosingTerms = ClosingTerms()
    after_resolution: AfterResolutionTerms = Field(AfterResolutionTerms(), exclude_if=AfterResolutionTerms().__eq__)
    escalation: EscalationTerms | None = None
    appointments: AppointmentTerms | None = None
    cost_approval: CostApprovalTerms | None = None
    time_entries: TimeEntryTerms = Field(TimeEntryTerms(), exclude_if=TimeEntryTerms().__eq__)
    lifecycle: LifecycleTerms = LifecycleTerms()
    dedicated_agent: DedicatedAgentTerms | None = None
    surveys: SurveyTerms | None = None
    billing: BillingTerms = BillingTerms()

    @cached_property
    def known_activities(self) -> tuple[str, ...]:
        """The words that work may be logged under; empty where the agreement leaves that open."""
        return () if self.activities is None else tuple(dict.fromkeys((*self.activities, *ALWAYS_KNOWN)))

    def ticket_type(self, type_id: str) -> TicketType | None:
        """The ticket type of that id; ``normal`` always exists."""
        return self._ticket_types.get(type_id)

    def severity(self, severity_id: str | None) -> Severity | None:
        """The severity of that id."""
        return None if severity_id is None else self._severities.get(severity_id)

    @cached_property
    def circumstances(self) -> tuple[str, ...]:
        """What a request may be asked about, as criteria of the severities name it."""
        return tuple(dict.fromkeys(name for each in self.severities for name in each.criteria))

    def group(self, group_id: str | None) -> GroupTerms | None:
        """The group of that id."""
        return None if group_id is None else self._groups.get(group_id)

    def site(self, site_id: str | None) -> SiteTerms | None:
        """The site of that id."""
        return None if site_id is None else self._sites.get(site_id)

    def timezone_at(self, site_id: str | None) -> str:
        """The time zone of a site's local days; the agreement's where the site names none, or there is no site."""
        found = self.site(site_id)
        return self.timezone if found is None or found.timezone is None else found.timezone

    def vat_at(self, site_id: str | None) -> VatTerms | None:
        """What tax is owed at a site; None where it has no VAT terms of its own."""
        found = self.site(site_id)
        return None if found is None else found.vat

    def calendar_for(self, channel: str, site: str | None) -> str:
        """The calendar's name: by channel where named, else by the site (without one the first),
        else the general one.
        """
        if channel in self.calendars:
            return self.calendars[channel]
        if self.sites:
            return next((each.calendar for each in self.sites if each.id == site), self.sites[0].calendar)
        assert self.calendar is not None, "checked when published"
        return self.calendar

    @cached_property
    def calendar_names(self) -> tuple[tuple[str, str], ...]:
        """Every calendar that the agreement names, with the pointer to the place."""
        named = [("/calendar", self.calendar)] if self.calendar else []
        named += [(place("calendars", channel), name) for channel, name in self.calendars.items()]
        named += [(place("sites", number, "calendar"), site.calendar) for number, site in enumerate(self.sites)]
        named += [
            (place("service_levels", number, "calendar"), line.calendar)
            for number, line in enumerate(self.service_levels)
            if line.calendar is not None
        ]
        return tuple(named)

    @cached_property
    def line_calendars(self) -> tuple[str, ...]:
        """The calendars that lines of the service levels name for themselves."""
        return tuple(sorted({line.calendar for line in self.service_levels if line.calendar is not None}))

    @cached_property
    def _ticket_types(self) -> dict[str, TicketType]:
        return {NORMAL_TYPE: TicketType(id=NORMAL_TYPE)} | {each.id: each for each in self.ticket_types}

    @cached_property
    def _severities(self) -> dict[str, Severity]:
        return {each.id: each for each in self.severities}

    @cached_property
    def _groups(self) -> dict[str, GroupTerms]:
        return {each.id: each for each in self.groups}

    @cached_property
    def _sites(self) -> dict[str, SiteTerms]:
        return {each.id: each for each in self.sites}

    @model_validator(mode="after")
    def _check_whole(self) -> AgreementDocument:
        if not self.calendar and not self.sites:
            raise PlacedError("/calendar", "an agreement names its calendar, or sites that do")
        _check_unique("severities", [each.id for each in self.severities])
        _check_unique("ticket_types", [each.id for each in self.ticket_types])
        _check_unique("groups", [each.id for each in self.groups])
        _check_unique("sites", [each.id for each in self.sites])
        _check_unique("channels", self.channels)
        _check_unique("services", self.services or [])
        _check_unique("activities", self.activities or [])
        _check_unique("categories", self.categories or [])
        _check_unique("billing/internal", self.billing.internal)
        _check_unique("worklist/order", self.worklist.order)
        check_warnings("/warn_at", self.warn_at, worked=False)
        self._check_references()
        self._check_activities()
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
            _check_keys(place("service_levels", number), line, known)
        for number, rank in enumerate(self.worklist.rank):
            _check_keys(place("worklist", "rank", number), rank, known)
        for number, cover in enumerate(self.billing.coverage):
            _check_keys(place("billing", "coverage", number), cover, known)
        for name in self.calendars:
            _check_known(place("calendars", name), "channel", name, known["channel"])
        for number, channel in enumerate(self.progress_channels or []):
            _check_known(place("progress_channels", number), "channel", channel, known["channel"])
        if "rank" in self.worklist.order and not self.worklist.rank:
            raise PlacedError("/worklist/rank", "the order uses 'rank', so its lines are needed")
        if self.dedicated_agent is not None:
            _check_known("/dedicated_agent/addon", "addon", self.dedicated_agent.addon, known["addon"])
            for number, channel in enumerate(self.dedicated_agent.channels):
                _check_known(place("dedicated_agent", "channels", number), "channel", channel, known["channel"])

    def _check_activities(self) -> None:
        """Where the agreement lists its activities, billing speaks of no other."""
        if self.activities is None:
            return
        for number, cover in enumerate(self.billing.coverage):
            if cover.activity is not None:
                named = {*self.activities, *ALWAYS_KNOWN}
                _check_known(place("billing", "coverage", number, "activity"), "activity", cover.activity, named)
        for number, activity in enumerate(self.billing.internal):
            _check_known(place("billing", "internal", number), "activity", activity, set(self.activities))


def _check_unique(key: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for number, each in enumerate(ids):
        if each in seen:
            raise PlacedError(place(*key.split("/"), number), f"{each!r} stands here twice")
        seen.add(each)


def _check_keys(pointer: str, line: TermsModel, known: dict[str, set[str]]) -> None:
    for key, values in known.items():
        value = getattr(line, key, None)
        if value is not None:
            _check_known(f"{pointer}/{key}", key, value, values)


def _check_known(pointer: str, key: str, value: str, values: set[str]) -> None:
    if value not in values:
        raise PlacedError(pointer, f"the agreement has no {key} {value!r}")

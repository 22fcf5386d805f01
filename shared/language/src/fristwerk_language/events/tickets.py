"""Facts about one ticket (streams ``ticket-…``) and calls without a ticket (``call-…``).

Free text, names, addresses and numbers of persons stand in the envelope's sealed ``personal`` part, named in each docstring.
Numbered things (callbacks, appointments, cost approvals, escalations) count from 1 within their ticket.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from fristwerk_language.events.relations import RelationEvent, TicketMoved, TimeSource


class MessageIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """By what a message is known again: a keyed ``digest`` of its id in a ``system`` of the vendor's (a mailbox, a portal)."""

    system: str
    digest: str


class TicketCreated(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket exists; it keeps the terms and the entitlement it was opened under.

    ``entitled_by`` is ``contract``, ``warranty`` or null; ``entitled_why`` a sentence. ``calendar`` is the one for the
    ticket's channel and site. ``fields`` are the non-personal ones;
    ``addons`` are those in force on the local day of receipt. ``follows`` is the id of the ticket that was done when the
    customer wrote on it once more, too late to reopen it. ``prices`` says which version's prices its work is billed at:
    that in force ``when_done``, or, for tickets opened before terms had a validity, the ticket's own.
    ``entitled_by_dating``: what entitles held at the receipt, which was dated back, and no longer when it was entered.
    ``line_calendars`` are the versions of the calendars that lines of the service levels name for themselves.
    ``source`` is the message that the ticket came with. ``category`` is one of the agreement's. ``circumstances`` are the
    answers that the severities' criteria rest on. ``empty``: the request has neither subject nor description.
    Personal: ``{"subject", "description", "fields": {…}, "source_id"?}``.
    """

    reference: str
    customer: str
    contract: str | None = None
    plan: str | None = None
    site: str | None = None
    addons: list[str] = []
    agreement: str
    agreement_version: int
    calendar: str
    calendar_version: int
    type: str
    channel: str
    received_at: datetime
    entitled: bool
    entitled_by: Literal["contract", "warranty"] | None = None
    entitled_why: str
    group: str | None = None
    severity: str | None = None
    fields: dict[str, str] = {}
    follows: str | None = None
    prices: Literal["when_opened", "when_done"] = "when_opened"
    entitled_by_dating: bool = False
    source: MessageIdentity | None = None
    line_calendars: dict[str, int] = {}
    category: str | None = None
    circumstances: dict[str, bool] = {}
    empty: bool = False

    @property
    def performer(self) -> str | None:
        """Who does the work, ``employee`` or ``partner``; None where the request did not say."""
        return self.fields.get("performer")


class AcknowledgementSent(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic confirmation of receipt; never a first response."""

    cost_notice: bool = False


class SeveritySuggested(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's wish; only staff sets a severity."""

    severity: str


class SeveritySet(msgspec.Struct, frozen=True, kw_only=True):
    """``against`` are the agreement's criteria of this severity that the request's circumstances do not meet.

    Personal: ``{"reason"?}``.
    """

    severity: str
    against: list[str] = []


class TypeChanged(msgspec.Struct, frozen=True, kw_only=True):
    type: str


class PriorityDerived(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the agreement placed the ticket (``rule``: e.g. ``group:contract``)."""

    priority: int
    rule: str


class PriorityChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A person placed the ticket. Personal: ``{"reason", "agreement": {"contact"}}``."""

    priority: int
    agreement_channel: str | None = None
    agreement_at: datetime | None = None


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """``agent`` is a member of staff, or ``queue`` (nobody yet); ``deputy_for`` the absent one in whose place."""

    agent: str
    deputy_for: str | None = None


class Transferred(msgspec.Struct, frozen=True, kw_only=True):
    """Handed to a department or level; timers and entitlement stay. Personal: ``{"reason"}``."""

    department: str | None = None
    level: str | None = None


class CustomerMessageReceived(msgspec.Struct, frozen=True, kw_only=True):
    """``automatic``: a machine sent it (an absence notice, a delivery failure). ``needs_answer`` false: staff saw that it
    asks for nothing (a word of thanks). Personal: ``{"text", "source_id"?}``.
    """

    channel: str
    automatic: bool = False
    needs_answer: bool = True
    source: MessageIdentity | None = None

    @property
    def asks(self) -> bool:
        """Whether a person waits for an answer; anything else starts, ends and reopens nothing."""
        return self.needs_answer and not self.automatic


class Responded(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; ``visible`` false is an internal note. Neither that nor what a machine sent (``automatic``) answers
    anything. Personal: ``{"text"}``.
    """

    channel: str
    visible: bool = True
    automatic: bool = False

    @property
    def answers(self) -> bool:
        """Whether a person told the customer something."""
        return self.visible and not self.automatic


class ProgressReported(msgspec.Struct, frozen=True, kw_only=True):
    """``planned_for`` is the local day on which the work is planned now, ``percent`` how much of it is done; null says
    nothing new. Personal: ``{"text"}``.
    """

    channel: str
    planned_for: date | None = None
    percent: int | None = None


class InformationRequested(msgspec.Struct, frozen=True, kw_only=True):
    """``beside``: what was awaited before stays awaited. Personal: ``{"question"}``."""

    beside: bool = False


class InformationReceived(msgspec.Struct, frozen=True, kw_only=True):
    """``source`` is the message that it came with. Personal: ``{"text", "source_id"?}``."""

    source: MessageIdentity | None = None


class WorkStarted(msgspec.Struct, frozen=True, kw_only=True):
    agent: str


class TimeLogged(msgspec.Struct, frozen=True, kw_only=True):
    """Work done: ``minutes`` from ``start`` on. ``entry`` is unique. ``source``: ``agent``, ``call`` or
    ``remote_session``.

    ``appointment`` is set for preparation of one. ``performer`` is who did the work; null: whom the
    ticket names. Personal: ``{"note"?}``.
    """

    entry: str
    start: datetime
    minutes: int
    activity: str
    agent: str
    source: TimeSource = "agent"
    appointment: int | None = None
    performer: Literal["employee", "partner"] | None = None


class TimeLogCorrected(msgspec.Struct, frozen=True, kw_only=True):
    """The entry's minutes are ``minutes`` instead; the last correction holds. Personal: ``{"reason"}``."""

    entry: str
    minutes: int


class CallReceived(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound call. ``to`` is the vendor's own number. One that a machine made (``automatic``) answers nothing.

    ``waited_seconds`` is how long the caller stood in the queue, ``queued_at`` since when, ``answered_at`` until when;
    null where the telephone system does not say. ``abandoned``: the caller hung up before anybody answered.
    ``dedicated``: ``to`` is the number that the caller's contract has for its own. ``for_agent`` is the caller's dedicated
    agent, or who stood in, of a call without a ticket. ``source`` is the call as the telephone system names it.
    Personal: ``{"from", "source_id"?}``.
    """

    call: str
    started_at: datetime
    minutes: int | None = None
    to: str | None = None
    automatic: bool = False
    waited_seconds: int | None = None
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    abandoned: bool = False
    dedicated: bool = False
    source: MessageIdentity | None = None
    for_agent: str | None = None


class CallTransferAttempted(msgspec.Struct, frozen=True, kw_only=True):
    call: str
    to: str
    result: Literal["connected", "failed"]


class CallbackRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A call by the vendor was promised. ``purpose`` is ``failed_transfer``, ``voicemail`` or ``requested``.

    Personal: ``{"purpose"?}`` in the caller's words.
    """

    callback: int
    purpose: Literal["failed_transfer", "voicemail", "requested"]


class CallbackAttempted(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"text"?}``, of a call that another role than the promised one made to the end."""

    callback: int
    reached: bool


class CallbackCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope's actor names the role that completed it. Personal: ``{"text"}``."""

    callback: int


class VoicemailLeft(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"text", "from"}``."""

    call: str


class TicketNumberCommunicated(msgspec.Struct, frozen=True, kw_only=True):
    classification: str
    channel: str


class AppointmentRequested(msgspec.Struct, frozen=True, kw_only=True):
    """``notices`` are the agreement's remarks that applied (season)."""

    appointment: int
    kind: str
    proposals: list[datetime]
    notices: list[str] = []


class OnBehalf(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer said and staff entered: by which channel and when. The contact's name is personal."""

    channel: str
    at: datetime


class AppointmentBooked(msgspec.Struct, frozen=True, kw_only=True):
    """``minutes`` of ``agent``, each null where nobody said. ``agreed`` is set for a time that was not proposed.

    Personal: ``{"contact"?}``.
    """

    appointment: int
    start: datetime
    minutes: int | None = None
    agent: str | None = None
    agreed: OnBehalf | None = None


class AppointmentCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """``missing``: what the agreement asks for and this cancellation lacks; it counts only once that has come.

    Personal: ``{"reason"?}``.
    """

    appointment: int
    by: Literal["customer", "vendor"]
    written: bool = True
    missing: Literal["writing"] | None = None


class AppointmentHeld(msgspec.Struct, frozen=True, kw_only=True):
    appointment: int


class AppointmentMissed(msgspec.Struct, frozen=True, kw_only=True):
    appointment: int


class EffortNoticeSent(msgspec.Struct, frozen=True, kw_only=True):
    """The customer was told that work will exceed the notice limit. Personal: ``{"text"}``."""


class CostApprovalRequested(msgspec.Struct, frozen=True, kw_only=True):
    """``beside``: what was awaited before stays awaited. Personal: ``{"text"}``."""

    approval: int
    estimate_minutes: int
    beside: bool = False


class CostApproved(msgspec.Struct, frozen=True, kw_only=True):
    """``extra_minutes`` more may be worked, at first those of the estimate; null is open-ended. Personal: ``{"contact"?}``."""

    approval: int
    extra_minutes: int | None = None
    on_behalf: OnBehalf | None = None


class CostRejected(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"contact"?}``."""

    approval: int
    on_behalf: OnBehalf | None = None


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """``beside``: what was awaited before stays awaited. ``agreed`` records the customer's consent to a delivery to the live
    system without a test system. Personal: ``{"text", "contact"?}``.
    """

    system: Literal["test", "live"]
    beside: bool = False
    agreed: OnBehalf | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"text"?, "contact"?}``."""

    on_behalf: OnBehalf | None = None


class AcceptanceRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"text"?, "contact"?}``."""

    on_behalf: OnBehalf | None = None


class ReleasedToProduction(msgspec.Struct, frozen=True, kw_only=True):
    pass


class EscalationRaised(msgspec.Struct, frozen=True, kw_only=True):
    """``to`` is the role it went to, ``agent`` who holds it for this customer. ``asked_for`` is the role that was asked for
    where nobody holds that one. Personal: ``{"text"}``.
    """

    escalation: int
    to: str
    agent: str | None = None
    asked_for: str | None = None


class EscalationClosed(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"outcome", "contact"}``."""

    escalation: int


class EscalationAssigned(msgspec.Struct, frozen=True, kw_only=True):
    """``agent`` owns the escalation from now on, whoever holds the role that it went to."""

    escalation: int
    agent: str


class EscalationTaskAdded(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has to be cleared inside the house, by ``agent`` and until ``due_at`` where somebody said so. ``task``
    counts within the ticket. Personal: ``{"text"}``.
    """

    task: int
    escalation: int
    agent: str | None = None
    due_at: datetime | None = None


class EscalationTaskDone(msgspec.Struct, frozen=True, kw_only=True):
    """It is cleared. Personal: ``{"text"?}``, what came of it."""

    task: int


class RemoteSessionStarted(msgspec.Struct, frozen=True, kw_only=True):
    """``agent`` works on the customer's computer from now on."""

    session: int
    agent: str


class RemoteSessionEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The session is over; its time is the ``entry``, logged with it."""

    session: int
    entry: str


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"text"}``."""


class Reopened(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: ``{"reason"}``."""


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    pass


class FeedbackReceived(msgspec.Struct, frozen=True, kw_only=True):
    """``score`` from 1 (poor) to 5; ``channel`` by which it was given. Personal: ``{"text"?}``."""

    score: int
    channel: str | None = None


class TermsMigrated(msgspec.Struct, frozen=True, kw_only=True):
    """From now on the ticket is measured by these versions. Personal: `{"reason"}`.

    Up to 0.2.0 ``reason`` stood here in clear. ``line_calendars`` are those of the new agreement; null: as before.
    """

    agreement_version: int
    calendar_version: int
    reason: str | None = None
    line_calendars: dict[str, int] | None = None


class NoAnswerNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """Staff saw that a customer's ``message`` asks for nothing: from its arrival on it starts, ends and reopens nothing.

    ``message`` is the version of its event in the ticket's stream; ``reopening`` that of the reopening that is taken back.
    The rest is how the ticket stands without them. Personal: ``{"reason"?}``.
    """

    message: int
    reopening: int | None = None
    state: Literal[
        "new",
        "open",
        "in_progress",
        "waiting_customer",
        "waiting_approval",
        "awaiting_acceptance",
        "accepted",
        "resolved",
        "closed",
    ]
    waits: list[Literal["waiting_approval", "awaiting_acceptance", "waiting_customer"]] = []
    resolved_at: datetime | None = None
    reopened_at: datetime | None = None
    last_customer_message_at: datetime | None = None


CreationEvent = TicketCreated | AcknowledgementSent
ClassificationEvent = SeveritySuggested | SeveritySet | TypeChanged | PriorityDerived | PriorityChanged
AssignmentEvent = Assigned | Transferred
ConversationEvent = (
    CustomerMessageReceived
    | Responded
    | ProgressReported
    | InformationRequested
    | InformationReceived
    | TicketNumberCommunicated
    | FeedbackReceived
)
WorkEvent = WorkStarted | TimeLogged | TimeLogCorrected | EffortNoticeSent
CallEvent = CallReceived | CallTransferAttempted | VoicemailLeft
CallbackEvent = CallbackRequested | CallbackAttempted | CallbackCompleted
AppointmentEvent = AppointmentRequested | AppointmentBooked | AppointmentCancelled | AppointmentHeld | AppointmentMissed
CostApprovalEvent = CostApprovalRequested | CostApproved | CostRejected
AcceptanceEvent = Delivered | Accepted | AcceptanceRefused | ReleasedToProduction
EscalationEvent = EscalationRaised | EscalationClosed | EscalationAssigned | EscalationTaskAdded | EscalationTaskDone
RemoteSessionEvent = RemoteSessionStarted | RemoteSessionEnded
ClosingEvent = Resolved | Reopened | Closed
TicketEvent = (
    CreationEvent
    | ClassificationEvent
    | AssignmentEvent
    | ConversationEvent
    | WorkEvent
    | CallEvent
    | CallbackEvent
    | AppointmentEvent
    | CostApprovalEvent
    | AcceptanceEvent
    | EscalationEvent
    | RemoteSessionEvent
    | ClosingEvent
    | RelationEvent
    | TicketMoved
    | TermsMigrated
    | NoAnswerNeeded
)
"""Every event of a ticket. Those of ``CallEvent`` are also recorded in streams of calls without a ticket."""

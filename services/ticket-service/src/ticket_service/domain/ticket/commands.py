"""What may be asked of a ticket: one frozen struct a command, named in the imperative.

``word`` is the command's place below ``/v1/tickets/{id}/`` in the contract (``calls`` stands beside them); refusals name
what is possible by it.
Instants are aware and in UTC, minutes are integers. Random ids (references, entries, calls) come in with the command,
because the domain has no randomness. Numbered things (``number``) count from 1 within their ticket.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

import msgspec


class CreateTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a customer becomes a ticket. ``reference`` is short, human and not guessable.

    ``contract`` names one of several contracts in force. ``severity`` is set by staff, ``suggested_severity`` is a wish.
    """

    reference: str
    customer: str
    received_at: datetime
    channel: str
    type: str
    subject: str
    description: str
    fields: dict[str, str] = {}
    severity: str | None = None
    suggested_severity: str | None = None
    contract: str | None = None


class TicketCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command to a ticket that exists."""

    word: ClassVar[str] = ""


class AgreementRecord(msgspec.Struct, frozen=True, kw_only=True):
    """With whom at the customer, by which channel and when something was agreed."""

    contact: str
    channel: str
    at: datetime


class OnBehalf(msgspec.Struct, frozen=True, kw_only=True):
    """Staff enters a customer's decision: who gave it, by which channel and when."""

    contact: str
    channel: str
    at: datetime


class SetSeverity(TicketCommand, frozen=True, kw_only=True):
    word = "severity"
    severity: str


class ChangeType(TicketCommand, frozen=True, kw_only=True):
    word = "type"
    type: str


class ChangePriority(TicketCommand, frozen=True, kw_only=True):
    """``priority`` from 1 (first) to 5; the agreement says which of reason and agreement are required."""

    word = "priority"
    priority: int
    reason: str | None = None
    agreement: AgreementRecord | None = None


class Assign(TicketCommand, frozen=True, kw_only=True):
    """``agent`` may be ``queue``: back to nobody."""

    word = "assignment"
    agent: str


class Transfer(TicketCommand, frozen=True, kw_only=True):
    word = "transfer"
    department: str | None = None
    level: str | None = None
    reason: str


class ReceiveMessage(TicketCommand, frozen=True, kw_only=True):
    word = "messages"
    channel: str
    text: str


class Respond(TicketCommand, frozen=True, kw_only=True):
    """``visible`` false is an internal note."""

    word = "responses"
    channel: str
    text: str
    visible: bool = True


class ReportProgress(TicketCommand, frozen=True, kw_only=True):
    word = "progress"
    channel: str
    text: str


class RequestInformation(TicketCommand, frozen=True, kw_only=True):
    word = "information-requests"
    question: str


class ReceiveInformation(TicketCommand, frozen=True, kw_only=True):
    word = "information"
    text: str


class StartWork(TicketCommand, frozen=True, kw_only=True):
    word = "work"
    agent: str


class LogTime(TicketCommand, frozen=True, kw_only=True):
    """``minutes`` of work from ``start`` on. ``appointment`` numbers the appointment that was prepared."""

    word = "time-entries"
    entry: str
    start: datetime
    minutes: int
    activity: str
    agent: str
    note: str | None = None
    appointment: int | None = None


class CorrectTime(TicketCommand, frozen=True, kw_only=True):
    """The entry's minutes are ``minutes`` instead; 0 takes it back."""

    word = "time-entries/{entry}/corrections"
    entry: str
    minutes: int
    reason: str


class RequestCallback(TicketCommand, frozen=True, kw_only=True):
    word = "callbacks"
    purpose: str | None = None


class AttemptCallback(TicketCommand, frozen=True, kw_only=True):
    word = "callbacks/{n}/attempts"
    number: int
    reached: bool


class CompleteCallback(TicketCommand, frozen=True, kw_only=True):
    word = "callbacks/{n}/completion"
    number: int
    text: str


class RequestAppointment(TicketCommand, frozen=True, kw_only=True):
    word = "appointments"
    kind: str
    proposals: tuple[datetime, ...]


class BookAppointment(TicketCommand, frozen=True, kw_only=True):
    word = "appointments/{n}/booking"
    number: int
    start: datetime


class CancelAppointment(TicketCommand, frozen=True, kw_only=True):
    word = "appointments/{n}/cancellation"
    number: int
    by: Literal["customer", "vendor"]
    written: bool = True
    reason: str | None = None


class RecordAppointmentOutcome(TicketCommand, frozen=True, kw_only=True):
    word = "appointments/{n}/outcome"
    number: int
    outcome: Literal["held", "missed"]


class SendEffortNotice(TicketCommand, frozen=True, kw_only=True):
    word = "effort-notices"
    text: str


class RequestCostApproval(TicketCommand, frozen=True, kw_only=True):
    word = "cost-approvals"
    estimate_minutes: int
    text: str


class DecideCost(TicketCommand, frozen=True, kw_only=True):
    """``extra_minutes`` more may be worked; none given with an approval leaves the end open."""

    word = "cost-approvals/{n}/decision"
    number: int
    approved: bool
    extra_minutes: int | None = None
    on_behalf: OnBehalf | None = None


class Deliver(TicketCommand, frozen=True, kw_only=True):
    word = "delivery"
    system: Literal["test", "live"]
    text: str


class Accept(TicketCommand, frozen=True, kw_only=True):
    """The customer accepts what was delivered, or (``accepted`` false) refuses it."""

    word = "acceptance"
    accepted: bool
    text: str | None = None
    on_behalf: OnBehalf | None = None


class Release(TicketCommand, frozen=True, kw_only=True):
    word = "release"


class CommunicateNumber(TicketCommand, frozen=True, kw_only=True):
    word = "number-communications"
    classification: str
    channel: str


class Escalate(TicketCommand, frozen=True, kw_only=True):
    """``to`` is a role, such as the agreement's escalation contact."""

    word = "escalations"
    to: str
    text: str


class CloseEscalation(TicketCommand, frozen=True, kw_only=True):
    word = "escalations/{n}/closing"
    number: int
    outcome: str | None = None
    contact: str | None = None


class Resolve(TicketCommand, frozen=True, kw_only=True):
    word = "resolution"
    text: str


class Reopen(TicketCommand, frozen=True, kw_only=True):
    word = "reopening"
    reason: str


class Close(TicketCommand, frozen=True, kw_only=True):
    word = "closing"


class GiveFeedback(TicketCommand, frozen=True, kw_only=True):
    """``score`` from 1 (poor) to 5."""

    word = "feedback"
    score: int
    text: str | None = None


class MigrateTerms(TicketCommand, frozen=True, kw_only=True):
    """From now on other versions of the ticket's agreement or calendar; a version not given stays."""

    word = "terms"
    agreement_version: int | None = None
    calendar_version: int | None = None
    reason: str


class CallTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """``to`` is the role to which the caller was put through, or not."""

    to: str
    result: Literal["connected", "failed"]


class AttachCall(TicketCommand, frozen=True, kw_only=True):
    """An inbound call about this ticket. ``to`` is the vendor's number; ``voicemail`` the words left on it.

    ``entry`` is the id of the time entry that ``minutes`` above zero become.
    """

    word = "calls"
    call: str
    entry: str
    from_number: str
    to: str | None = None
    started_at: datetime
    minutes: int | None = None
    transfer: CallTransfer | None = None
    voicemail: str | None = None


ClassifyingCommand = SetSeverity | ChangeType | ChangePriority
HandingOverCommand = Assign | Transfer
ConversationCommand = (
    ReceiveMessage
    | Respond
    | ReportProgress
    | RequestInformation
    | ReceiveInformation
    | CommunicateNumber
    | GiveFeedback
)
WorkCommand = StartWork | LogTime | CorrectTime | SendEffortNotice
CallbackCommand = RequestCallback | AttemptCallback | CompleteCallback
AppointmentCommand = RequestAppointment | BookAppointment | CancelAppointment | RecordAppointmentOutcome
CostCommand = RequestCostApproval | DecideCost
AcceptanceCommand = Deliver | Accept | Release
EscalationCommand = Escalate | CloseEscalation
ClosingCommand = Resolve | Reopen | Close
Command = (
    ClassifyingCommand
    | HandingOverCommand
    | ConversationCommand
    | WorkCommand
    | CallbackCommand
    | AppointmentCommand
    | CostCommand
    | AcceptanceCommand
    | EscalationCommand
    | ClosingCommand
    | MigrateTerms
    | AttachCall
)

"""The bodies of ticket commands; how they become commands of the domain is in ``ticket_endpoint``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from fristwerk_language.terms.agreement import REMOTE_SESSION
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LongText,
    Minutes,
    OptionalText,
    ShortText,
    StrictBool,
)
from ticket_service.api.ticket_endpoint import CommandBody, EntryBody, NewEntryBody, NumberedBody, PathValues
from ticket_service.domain.ticket import commands
from ticket_service.domain.ticket.commands import Command
from ticket_service.entropy import new_id

Priority = Annotated[int, Field(strict=True, ge=1, le=5)]
CorrectedMinutes = Annotated[int, Field(strict=True, ge=0, le=100_000)]
TermsVersion = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Unsettled = Literal["open_escalations", "undecided_approvals", "held_minutes", "undecided_charges"]


class Agreed(HttpModel):
    """With whom at the customer, by which channel and when."""

    contact: ShortText
    channel: Identifier
    at: Instant


class SeverityBody(CommandBody):
    """`reason` is required where what the request says speaks against the severity, by the agreement's criteria."""

    creates = commands.SetSeverity
    severity: Identifier = Field(examples=["kritisch"])
    reason: OptionalText | None = None


class TypeBody(CommandBody):
    creates = commands.ChangeType
    type: Identifier = Field(examples=["training"])


class PriorityBody(CommandBody):
    creates = commands.ChangePriority
    priority: Priority
    reason: OptionalText | None = Field(None, examples=["Monatsabschluss"])
    agreement: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return super().given() | {
            "agreement": self.agreement and commands.AgreementRecord(**self.agreement.model_dump())
        }


class AssignmentBody(CommandBody):
    creates = commands.Assign
    agent: Identifier = Field(examples=["agent-7"])


class TransferBody(CommandBody):
    creates = commands.Transfer
    department: Identifier | None = Field(None, examples=["billing"])
    level: Identifier | None = None
    reason: LongText = Field(examples=["Frage zur Rechnung"])


class WorkBody(CommandBody):
    creates = commands.StartWork
    agent: Identifier = Field(examples=["agent-2"])


class TimeEntryBody(NewEntryBody):
    """Work done: ``minutes`` from ``start`` on, by ``performer``, else by whom the ticket names."""

    creates = commands.LogTime
    start: Instant = Field(examples=["2026-06-05T09:00:00+02:00"])
    minutes: Minutes = Field(examples=[50])
    activity: Identifier = Field(examples=["help"])
    agent: Identifier = Field(examples=["agent-3"])
    note: OptionalText | None = None
    appointment: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    performer: Performer | None = None


class CorrectionBody(EntryBody):
    """The entry's minutes are ``minutes`` instead; 0 takes it back."""

    creates = commands.CorrectTime
    minutes: CorrectedMinutes = Field(examples=[40])
    reason: LongText = Field(examples=["Pause nicht abgezogen"])


class CallbackBody(CommandBody):
    creates = commands.RequestCallback
    purpose: OptionalText | None = Field(None, examples=["Fehler gemeinsam nachstellen"])


class CallbackAttemptBody(NumberedBody):
    creates = commands.AttemptCallback
    reached: StrictBool


class CallbackCompletionBody(NumberedBody):
    creates = commands.CompleteCallback
    text: LongText = Field(examples=["Sensor gereinigt"])


class AppointmentBody(CommandBody):
    creates = commands.RequestAppointment
    kind: Identifier = Field(examples=["training"])
    proposals: Annotated[list[Instant], Field(min_length=1, max_length=50)] = Field(
        examples=[["2026-06-25T09:00:00+02:00", "2026-06-26T09:00:00+02:00", "2026-06-29T13:00:00+02:00"]]
    )

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return {"kind": self.kind, "proposals": tuple(self.proposals)}


class BookingBody(NumberedBody):
    """One of the proposals; any other time needs `agreed`. The agent is the one named, else whoever has the ticket.

    An agent keeps one appointment at a time, and a named one only while the ticket's calendar is open.
    """

    creates = commands.BookAppointment
    start: Instant = Field(examples=["2026-06-25T09:00:00+02:00"])
    minutes: Minutes | None = None
    agent: Identifier | None = None
    agreed: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return super().given() | {"agreed": self.agreed and commands.AgreementRecord(**self.agreed.model_dump())}


class CancellationBody(NumberedBody):
    """``written`` false is a cancellation by telephone, which counts as none until it comes in writing."""

    creates = commands.CancelAppointment
    by: Literal["customer", "vendor"]
    written: StrictBool = True
    reason: OptionalText | None = None


class OutcomeBody(NumberedBody):
    creates = commands.RecordAppointmentOutcome
    outcome: Literal["held", "missed"]


class EffortNoticeBody(CommandBody):
    creates = commands.SendEffortNotice
    text: LongText = Field(examples=["Es wird länger als eine Stunde dauern."])


class CostApprovalBody(CommandBody):
    creates = commands.RequestCostApproval
    estimate_minutes: Minutes = Field(examples=[120])
    text: LongText = Field(examples=["Die Datenbank muss repariert werden."])


class CostDecisionBody(NumberedBody):
    """An approval covers the estimate, or ``extra_minutes`` where they are named; without end only with ``open_ended``.

    Staff gives ``on_behalf``, a customer decides in person.
    """

    creates = commands.DecideCost
    approved: StrictBool
    extra_minutes: Minutes | None = None
    open_ended: StrictBool = False
    on_behalf: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return super().given() | {"on_behalf": _on_behalf(self.on_behalf)}


class DeliveryBody(CommandBody):
    creates = commands.Deliver
    system: Literal["test", "live"]
    text: LongText = Field(examples=["Bitte prüfen"])
    agreed: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return super().given() | {"agreed": self.agreed and commands.AgreementRecord(**self.agreed.model_dump())}


class AcceptanceBody(CommandBody):
    creates = commands.Accept
    accepted: StrictBool
    text: OptionalText | None = None
    on_behalf: Agreed | None = None

    def given(self) -> dict[str, Any]:
        return super().given() | {"on_behalf": _on_behalf(self.on_behalf)}


class ReleaseBody(CommandBody):
    creates = commands.Release


class NumberCommunicationBody(CommandBody):
    creates = commands.CommunicateNumber
    classification: Identifier = Field(examples=["hardware"])
    channel: Identifier = Field(examples=["phone"])


class RemoteSessionBody(CommandBody):
    creates = commands.StartRemoteSession
    agent: Identifier = Field(examples=["agent-3"])


class RemoteSessionEndBody(CommandBody):
    """``minutes`` were worked; by default as long as the session lasted, every minute that has begun."""

    creates = commands.StopRemoteSession
    minutes: Minutes | None = None
    activity: Identifier = Field(default=REMOTE_SESSION, examples=["maintenance"])
    performer: Performer | None = None

    def command(self, path: PathValues) -> Command:
        """The domain's command."""
        return commands.StopRemoteSession(number=path.number, entry=new_id(path.now), **self.given())


class ResolutionBody(CommandBody):
    creates = commands.Resolve
    text: LongText = Field(examples=["Stammdaten korrigiert"])


class ReopeningBody(CommandBody):
    creates = commands.Reopen
    reason: LongText = Field(examples=["Der Fehler ist wieder da"])


class ClosingBody(CommandBody):
    """409 `consequences-not-accepted` names what is unsettled; it is done where `accept` names each."""

    creates = commands.Close
    accept: Annotated[list[Unsettled], Field(max_length=4)] = []


class FeedbackBody(CommandBody):
    creates = commands.GiveFeedback
    score: Priority
    channel: Identifier | None = None
    text: OptionalText | None = None


class TermsBody(CommandBody):
    """From now on other versions; one not given stays."""

    creates = commands.MigrateTerms
    agreement_version: TermsVersion | None = None
    calendar_version: TermsVersion | None = None
    reason: LongText = Field(examples=["Neue Supportzeiten ab Juli"])


def _on_behalf(given: Agreed | None) -> commands.DecisionRecord | None:
    return commands.DecisionRecord(**given.model_dump()) if given else None

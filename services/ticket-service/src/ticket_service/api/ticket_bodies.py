"""The bodies of ticket commands: each becomes one command of the domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import Field

from shared.http import Code, Flag, HttpModel, Instant, Line, Minutes, OptionalText, Text
from ticket_service.domain import commands
from ticket_service.domain.commands import Command

Priority = Annotated[int, Field(strict=True, ge=1, le=5)]
CorrectedMinutes = Annotated[int, Field(strict=True, ge=0, le=100_000)]
TermsVersion = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the path names below the ticket, and where new ids come from."""

    number: int = 0
    entry: str = ""
    new_id: Callable[[], str]


class CommandBody(HttpModel):
    """A command's body; ``occurred_at`` is when it happened, by default now."""

    creates: ClassVar[type[Command]]
    occurred_at: Instant | None = None

    def command(self, place: Place) -> Command:  # noqa: ARG002 - some commands name a place
        """The domain's command."""
        return self.creates(**self.given())

    def given(self) -> dict[str, Any]:
        """The command's own fields, nested records as the domain's."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "occurred_at"}


class NumberedBody(CommandBody):
    """A command to a numbered thing of the ticket."""

    def command(self, place: Place) -> Command:
        """The domain's command."""
        return self.creates(number=place.number, **self.given())  # type: ignore[call-arg]  # numbered commands have it


class Agreed(HttpModel):
    """With whom at the customer, by which channel and when."""

    contact: Line
    channel: Line
    at: Instant


class SeverityBody(CommandBody):
    creates = commands.SetSeverity
    severity: Line = Field(examples=["kritisch"])


class TypeBody(CommandBody):
    creates = commands.ChangeType
    type: Line = Field(examples=["training"])


class PriorityBody(CommandBody):
    creates = commands.ChangePriority
    priority: Priority
    reason: OptionalText | None = Field(None, examples=["Monatsabschluss"])
    agreement: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        agreement = commands.AgreementRecord(**self.agreement.model_dump()) if self.agreement else None
        return super().given() | {"agreement": agreement}


class AssignmentBody(CommandBody):
    creates = commands.Assign
    agent: Line = Field(examples=["agent-7"])


class TransferBody(CommandBody):
    creates = commands.Transfer
    department: Line | None = Field(None, examples=["billing"])
    level: Line | None = None
    reason: Text = Field(examples=["Frage zur Rechnung"])


class MessageBody(CommandBody):
    creates = commands.ReceiveMessage
    channel: Line = Field(examples=["email"])
    text: Text = Field(examples=["Es geht immer noch nicht."])


class ResponseBody(CommandBody):
    creates = commands.Respond
    channel: Line = Field(examples=["email"])
    text: Text = Field(examples=["Wir schauen es an."])
    visible: Flag = True


class ProgressBody(CommandBody):
    creates = commands.ReportProgress
    channel: Line = Field(examples=["phone"])
    text: Text = Field(examples=["Die Ursache ist gefunden."])


class InformationRequestBody(CommandBody):
    creates = commands.RequestInformation
    question: Text = Field(examples=["Welche Version ist installiert?"])


class InformationBody(CommandBody):
    creates = commands.ReceiveInformation
    text: Text = Field(examples=["Version 12."])


class WorkBody(CommandBody):
    creates = commands.StartWork
    agent: Line = Field(examples=["agent-2"])


class TimeEntryBody(CommandBody):
    """Work done: ``minutes`` from ``start`` on."""

    creates = commands.LogTime
    start: Instant = Field(examples=["2026-06-05T09:00:00+02:00"])
    minutes: Minutes = Field(examples=[50])
    activity: Code = Field(examples=["help"])
    agent: Line = Field(examples=["agent-3"])
    note: OptionalText | None = None
    appointment: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None

    def command(self, place: Place) -> Command:
        """See :meth:`CommandBody.command`."""
        return commands.LogTime(entry=place.new_id(), **self.given())


class CorrectionBody(CommandBody):
    """The entry's minutes are ``minutes`` instead; 0 takes it back."""

    creates = commands.CorrectTime
    minutes: CorrectedMinutes = Field(examples=[40])
    reason: Text = Field(examples=["Pause nicht abgezogen"])

    def command(self, place: Place) -> Command:
        """See :meth:`CommandBody.command`."""
        return commands.CorrectTime(entry=place.entry, **self.given())


class CallbackBody(CommandBody):
    creates = commands.RequestCallback
    purpose: OptionalText | None = Field(None, examples=["Fehler gemeinsam nachstellen"])


class CallbackAttemptBody(NumberedBody):
    creates = commands.AttemptCallback
    reached: Flag


class CallbackCompletionBody(NumberedBody):
    creates = commands.CompleteCallback
    text: Text = Field(examples=["Sensor gereinigt"])


class AppointmentBody(CommandBody):
    creates = commands.RequestAppointment
    kind: Code = Field(examples=["training"])
    proposals: Annotated[list[Instant], Field(min_length=1, max_length=50)] = Field(
        examples=[["2026-06-25T09:00:00+02:00", "2026-06-26T09:00:00+02:00", "2026-06-29T13:00:00+02:00"]]
    )

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return {"kind": self.kind, "proposals": tuple(self.proposals)}


class BookingBody(NumberedBody):
    creates = commands.BookAppointment
    start: Instant = Field(examples=["2026-06-25T09:00:00+02:00"])


class CancellationBody(NumberedBody):
    """``written`` false is a cancellation by telephone, which counts as none until it comes in writing."""

    creates = commands.CancelAppointment
    by: Literal["customer", "vendor"]
    written: Flag = True
    reason: OptionalText | None = None


class OutcomeBody(NumberedBody):
    creates = commands.RecordAppointmentOutcome
    outcome: Literal["held", "missed"]


class EffortNoticeBody(CommandBody):
    creates = commands.SendEffortNotice
    text: Text = Field(examples=["Es wird länger als eine Stunde dauern."])


class CostApprovalBody(CommandBody):
    creates = commands.RequestCostApproval
    estimate_minutes: Minutes = Field(examples=[120])
    text: Text = Field(examples=["Die Datenbank muss repariert werden."])


class CostDecisionBody(NumberedBody):
    """``extra_minutes`` null leaves the end open. Staff gives ``on_behalf``, a customer decides in person."""

    creates = commands.DecideCost
    approved: Flag
    extra_minutes: Minutes | None = None
    on_behalf: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return super().given() | {"on_behalf": _on_behalf(self.on_behalf)}


class DeliveryBody(CommandBody):
    creates = commands.Deliver
    system: Literal["test", "live"]
    text: Text = Field(examples=["Bitte prüfen"])


class AcceptanceBody(CommandBody):
    creates = commands.Accept
    accepted: Flag
    text: OptionalText | None = None
    on_behalf: Agreed | None = None

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return super().given() | {"on_behalf": _on_behalf(self.on_behalf)}


class ReleaseBody(CommandBody):
    creates = commands.Release


class NumberCommunicationBody(CommandBody):
    creates = commands.CommunicateNumber
    classification: Line = Field(examples=["hardware"])
    channel: Line = Field(examples=["phone"])


class EscalationBody(CommandBody):
    creates = commands.Escalate
    to: Code = Field(examples=["customer_success_manager"])
    text: Text = Field(examples=["Seit drei Tagen ohne Lösung"])


class EscalationClosingBody(NumberedBody):
    creates = commands.CloseEscalation
    outcome: OptionalText | None = Field(None, examples=["Termin vereinbart"])
    contact: Line | None = None


class ResolutionBody(CommandBody):
    creates = commands.Resolve
    text: Text = Field(examples=["Stammdaten korrigiert"])


class ReopeningBody(CommandBody):
    creates = commands.Reopen
    reason: Text = Field(examples=["Der Fehler ist wieder da"])


class ClosingBody(CommandBody):
    creates = commands.Close


class FeedbackBody(CommandBody):
    creates = commands.GiveFeedback
    score: Priority
    text: OptionalText | None = None


class TermsBody(CommandBody):
    """From now on other versions; one not given stays."""

    creates = commands.MigrateTerms
    agreement_version: TermsVersion | None = None
    calendar_version: TermsVersion | None = None
    reason: Text = Field(examples=["Neue Supportzeiten ab Juli"])


def _on_behalf(given: Agreed | None) -> commands.OnBehalf | None:
    return commands.OnBehalf(**given.model_dump()) if given else None

"""The bodies of the commands that escalate, and see to an escalation."""

from __future__ import annotations

from pydantic import Field

from fristwerk_platform.http import Identifier, Instant, LongText, OptionalText, ShortText
from ticket_service.api.ticket_endpoint import CommandBody, NumberedBody
from ticket_service.domain.ticket import commands


class EscalationBody(CommandBody):
    creates = commands.Escalate
    to: Identifier = Field(examples=["customer_success_manager"])
    text: LongText = Field(examples=["Seit drei Tagen ohne Lösung"])


class EscalationClosingBody(NumberedBody):
    creates = commands.CloseEscalation
    outcome: OptionalText | None = Field(None, examples=["Termin vereinbart"])
    contact: ShortText | None = None


class EscalationAssignmentBody(NumberedBody):
    creates = commands.AssignEscalation
    agent: Identifier = Field(examples=["csm-7"])


class EscalationTaskBody(NumberedBody):
    creates = commands.AddEscalationTask
    text: LongText = Field(examples=["Mit der Entwicklung den Fehler eingrenzen"])
    agent: Identifier | None = None
    due_at: Instant | None = None


class EscalationTaskCompletionBody(NumberedBody):
    creates = commands.CompleteEscalationTask
    text: OptionalText | None = None

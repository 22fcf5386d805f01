"""Escalations."""

from __future__ import annotations

from datetime import datetime

from ticket_service.domain.ticket.commands.ticket_command import TicketCommand


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


class AssignEscalation(TicketCommand, frozen=True, kw_only=True):
    """``agent`` is responsible for the escalation from now on."""

    word = "escalations/{n}/assignment"
    number: int
    agent: str


class AddEscalationTask(TicketCommand, frozen=True, kw_only=True):
    """Something has to be cleared inside the house before the escalation ``number`` is closed."""

    word = "escalations/{n}/tasks"
    number: int
    text: str
    agent: str | None = None
    due_at: datetime | None = None


class CompleteEscalationTask(TicketCommand, frozen=True, kw_only=True):
    """The task ``number`` of the ticket is cleared; ``text`` says what came of it."""

    word = "escalation-tasks/{n}/completion"
    number: int
    text: str | None = None


EscalationCommand = Escalate | CloseEscalation | AssignEscalation | AddEscalationTask | CompleteEscalationTask

"""Escalations."""

from __future__ import annotations

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


EscalationCommand = Escalate | CloseEscalation

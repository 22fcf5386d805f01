"""Severity, type and priority, and who has the ticket."""

from __future__ import annotations

from ticket_service.domain.ticket.commands.ticket_command import AgreementRecord, TicketCommand


class SetSeverity(TicketCommand, frozen=True, kw_only=True):
    """``reason`` is required where the request's circumstances speak against the severity."""

    word = "severity"
    severity: str
    reason: str | None = None


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


ClassifyingCommand = SetSeverity | ChangeType | ChangePriority
HandingOverCommand = Assign | Transfer

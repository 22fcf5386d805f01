"""Appointments."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ticket_service.domain.ticket.commands.ticket_command import AgreementRecord, TicketCommand


class RequestAppointment(TicketCommand, frozen=True, kw_only=True):
    word = "appointments"
    kind: str
    proposals: tuple[datetime, ...]


class BookAppointment(TicketCommand, frozen=True, kw_only=True):
    """``minutes`` of ``agent``; without one named, of whoever has the ticket. ``agreed`` is for a time that was not proposed."""

    word = "appointments/{n}/booking"
    number: int
    start: datetime
    minutes: int | None = None
    agent: str | None = None
    agreed: AgreementRecord | None = None


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


AppointmentCommand = RequestAppointment | BookAppointment | CancelAppointment | RecordAppointmentOutcome

"""The fields of a ticket that an event may change."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, TypedDict

from fristwerk_language.events.waits import OpenWaits
from ticket_service.domain.ticket.state import (
    Acknowledgement,
    Appointment,
    Callback,
    CostApproval,
    Delivery,
    Escalation,
    EscalationTask,
    RemoteSession,
    TicketLink,
    TicketMove,
    TicketState,
    TimeEntry,
)


class TicketChanges(TypedDict, total=False):
    """The fields of a ticket that an event may change besides its version and last activity; state and waits where it
    says them itself.
    """

    state: TicketState
    waits: OpenWaits
    type: str
    severity: str | None
    suggested_severity: str | None
    priority: int
    priority_rule: str | None
    assignee: str | None
    department: str | None
    level: str | None
    agreement_version: int
    calendar_version: int
    acknowledged: Acknowledgement
    classification: str
    last_customer_message_at: datetime | None
    last_response_at: datetime
    last_progress_at: datetime
    planned_for: date | None
    progress_percent: int | None
    work_started_at: datetime
    effort_notice_at: datetime
    released_at: datetime
    resolved_at: datetime | None
    reopened_at: datetime | None
    closed_at: datetime | None
    feedback_score: int
    time_entries: dict[str, TimeEntry]
    callbacks: tuple[Callback, ...]
    appointments: tuple[Appointment, ...]
    cost_approvals: tuple[CostApproval, ...]
    deliveries: tuple[Delivery, ...]
    escalations: tuple[Escalation, ...]
    escalation_tasks: tuple[EscalationTask, ...]
    remote_sessions: tuple[RemoteSession, ...]
    merged_into: str
    links: tuple[TicketLink, ...]
    moves: tuple[TicketMove, ...]
    customer: str
    contract: str | None
    plan: str | None
    site: str | None
    addons: tuple[str, ...]
    agreement: str
    calendar: str
    group: str | None
    entitled: bool
    entitled_by: Literal["contract", "warranty"] | None
    entitled_why: str

"""What somebody has to do beside answering: calls that were promised, appointments, escalations, and decisions of the
customer that are awaited.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

from ticket_service.domain.ticket.state import Ticket

TaskKind = Literal["callback", "appointment", "escalation", "cost_approval", "acceptance", "escalation_task"]
KINDS: Final[tuple[TaskKind, ...]] = get_args(TaskKind)
AWAITED: Final[frozenset[TaskKind]] = frozenset({"cost_approval", "acceptance"})
"""What waits for a decision of the customer."""
OPEN_APPOINTMENTS: Final = frozenset({"requested", "booked", "cancellation_not_written"})


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One open thing of a ticket. ``at``: a booked appointment's start or the first proposal of another, else since when it
    waits; a task of an escalation until when it is due, where somebody said so.
    ``agent`` is whom it names, of an escalation the owner, else None.
    """

    kind: TaskKind
    ticket: str
    reference: str
    number: int
    at: datetime
    state: str
    agent: str | None
    customer: str
    assignee: str | None
    department: str | None
    site: str | None

    @property
    def cursor(self) -> str:
        """Its place in a list: by ``at``, then by ticket, kind and number. Never longer than 64 characters."""
        seconds = int(self.at.timestamp())
        return f"{seconds:012d}.{self.ticket}.{KINDS.index(self.kind)}.{self.number:05d}"


def is_open_when_closed(ticket: Ticket) -> bool:
    """Whether a ticket that is closed still has something that somebody must do: an escalation, or what it waits for."""
    return ticket.state == "closed" and any(True for _ in _escalated(ticket))


def open_tasks(ticket: Ticket) -> Iterator[Task]:
    """What is open on a ticket; on a closed one nothing but escalations and their tasks."""
    for kind, number, at, state, agent in _escalated(ticket) if ticket.state == "closed" else _open(ticket):
        yield Task(
            kind=kind,
            ticket=ticket.id,
            reference=ticket.reference,
            number=number,
            at=at,
            state=state,
            agent=agent,
            customer=ticket.customer,
            assignee=ticket.assignee,
            department=ticket.department,
            site=ticket.site,
        )


_OpenThing = tuple[TaskKind, int, datetime, str, str | None]


def _escalated(ticket: Ticket) -> Iterator[_OpenThing]:
    for each in ticket.escalations:
        if each.closed_at is None:
            state = f"with {each.to}" if each.owner is None else f"with {each.to}, owned by {each.owner}"
            yield "escalation", each.number, each.raised_at, state, each.owner or each.agent
    for task in ticket.escalation_tasks:
        if task.done_at is None:
            yield (
                "escalation_task",
                task.number,
                task.due_at or task.added_at,
                f"of escalation {task.escalation}",
                task.agent,
            )


def _open(ticket: Ticket) -> Iterator[_OpenThing]:
    yield from _escalated(ticket)
    for callback in ticket.callbacks:
        if callback.completed_at is None:
            yield "callback", callback.number, callback.requested_at, f"{callback.attempts} attempts", None
    for each in ticket.appointments:
        if each.state in OPEN_APPOINTMENTS:
            yield "appointment", each.number, each.start or min(each.proposals), each.state, each.agent
    for approval in ticket.cost_approvals:
        if approval.state == "requested":
            asked_at = approval.requested_at or ticket.last_activity_at
            yield "cost_approval", approval.number, asked_at, "requested", None
    if ticket.deliveries and "awaiting_acceptance" in ticket.waits:
        delivered = ticket.deliveries[-1]
        yield "acceptance", len(ticket.deliveries), delivered.delivered_at, f"on {delivered.system}", None

"""What is unsettled on a ticket: open escalations, held minutes, and costs or charges that nobody has decided on.

Only what the ticket's own events say is known here. Whether a fee was charged or waived is billing's knowledge, so every one
that asks for a decision is named.
"""

from __future__ import annotations

from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.coverage import is_charged_preparation, is_late, match_coverage
from ticket_service.domain.confirmation import Consequence
from ticket_service.domain.ticket.cost_approval import allowance_minutes, billable_minutes
from ticket_service.domain.ticket.state import Appointment, Ticket


def of_closing(ticket: Ticket, agreement: AgreementDocument) -> list[Consequence]:
    """What hangs on closing a ticket for good."""
    found: list[Consequence] = []
    if escalations := [each.number for each in ticket.escalations if each.closed_at is None]:
        found.append(Consequence("open_escalations", f"open: {_numbered('escalation', escalations)}"))
    if approvals := [each.number for each in ticket.cost_approvals if each.state == "requested"]:
        sentence = f"undecided by the customer: {_numbered('cost approval', approvals)}"
        found.append(Consequence("undecided_approvals", sentence))
    if (held := held_minutes(ticket, agreement)) > 0:
        found.append(Consequence("held_minutes", f"{held} minutes are held until the costs are approved"))
    if fees := undecided_fees(ticket, agreement):
        sentence = f"to be charged or waived: the preparation of {_numbered('appointment', fees)}"
        found.append(Consequence("undecided_charges", sentence))
    return found


def held_minutes(ticket: Ticket, agreement: AgreementDocument) -> int:
    """The billable minutes beyond what the customer has agreed to; 0 or less where none are."""
    allowance = allowance_minutes(ticket, agreement)
    return 0 if allowance is None else billable_minutes(ticket, agreement) - allowance


def undecided_fees(ticket: Ticket, agreement: AgreementDocument) -> list[int]:
    """The numbers of appointments whose preparation is charged only by a decision (R7): called off too late, or missed."""
    fee = agreement.billing.cancellation_fee
    if fee is None or fee.decision != "required":
        return []
    return [
        each.number
        for each in ticket.appointments
        if _is_called_off_late(each, agreement, ticket.site) and _is_prepared(ticket, each.number, agreement)
    ]


def _is_called_off_late(appointment: Appointment, agreement: AgreementDocument, site: str | None) -> bool:
    if appointment.state == "missed":
        return True
    terms = agreement.appointments.cancellation if agreement.appointments is not None else None
    start, at = appointment.start, appointment.cancelled_at
    if terms is None or start is None or at is None or appointment.state != "cancelled":
        return False
    counts = appointment.cancelled_in_writing or not terms.written
    return (
        bool(counts)
        and appointment.cancelled_by == "customer"
        and is_late(start, at, terms, agreement.timezone_at(site))
    )


def _is_prepared(ticket: Ticket, number: int, agreement: AgreementDocument) -> bool:
    return any(
        entry.minutes > 0
        and entry.appointment == number
        and is_charged_preparation(agreement, entry.activity, entry.appointment)
        and match_coverage(agreement, entry.activity, ticket, entry.performer).billable
        for entry in ticket.time_entries.values()
    )


def _numbered(thing: str, numbers: list[int]) -> str:
    return f"{thing}{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"

"""The cost gate: how much billable work a customer has agreed to, asking for more, and the customer's decision.

The gate counts raw minutes of a ticket (billing, rule R10): work that the coverage rules make free does not count, nor does
the preparation of an appointment where a late cancellation is what it is charged by (R7).
"""

from __future__ import annotations

from fristwerk_language.events import tickets
from fristwerk_language.events.tickets import CostApprovalRequested, CostApproved, CostRejected
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.coverage import is_charged_preparation, match_coverage
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import CostCommand, DecideCost, RequestCostApproval
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.possible_commands import check_decision_maker
from ticket_service.domain.ticket.state import Ticket, TimeEntry
from ticket_service.domain.validation import Violations, personal


def gate_holds(ticket: Ticket, agreement: AgreementDocument) -> bool:
    """Whether any further billable minute would lie beyond what the customer has agreed to."""
    allowance = allowance_minutes(ticket, agreement)
    return allowance is not None and billable_minutes(ticket, agreement) >= allowance


def allowance_minutes(ticket: Ticket, agreement: AgreementDocument) -> int | None:
    """The raw minutes that may be worked: up to the gate and what was approved beyond it; null is without end."""
    if agreement.cost_approval is None:
        return None
    minutes = agreement.cost_approval.after_minutes
    for approval in ticket.cost_approvals:
        if approval.state == "approved":
            if approval.extra_minutes is None:
                return None
            minutes += approval.extra_minutes
    return minutes


def billable_minutes(ticket: Ticket, agreement: AgreementDocument) -> int:
    """The raw billable minutes logged so far, corrections applied."""
    return sum(each.minutes for each in ticket.time_entries.values() if _is_billable(each, ticket, agreement))


def ask_or_decide(ticket: Ticket, command: CostCommand, context: Context) -> list[DecidedEvent]:
    """The vendor asks for more, or the customer decides."""
    match command:
        case RequestCostApproval():
            return _request(ticket, command, context.agreement)
        case DecideCost():
            return _decide(ticket, command, context)


def _is_billable(entry: TimeEntry, ticket: Ticket, agreement: AgreementDocument) -> bool:
    if is_charged_preparation(agreement, entry.activity, entry.appointment):
        return False
    return match_coverage(agreement, entry.activity, ticket, entry.performer).billable


def _request(ticket: Ticket, command: RequestCostApproval, agreement: AgreementDocument) -> list[DecidedEvent]:
    if agreement.cost_approval is None:
        sentence = f"the agreement {agreement.agreement} has no limit beyond which costs need approval"
        raise NotAcceptable(
            f"Ticket {ticket.reference}: {sentence}.", [("/estimate_minutes", sentence)], "no-cost-approval-terms"
        )
    pending = next((each for each in ticket.cost_approvals if each.state == "requested"), None)
    if pending is not None:
        raise NotInThisState(
            "cost-approval-pending",
            f"The cost approval {pending.number} of ticket {ticket.reference} is not decided yet.",
        )
    violations = Violations()
    violations.require(command.estimate_minutes > 0, "/estimate_minutes", "must be at least one minute")
    violations.texts(text=command.text)
    violations.raise_if_any(f"No cost approval can be requested like this for ticket {ticket.reference}.")
    event = CostApprovalRequested(
        approval=len(ticket.cost_approvals) + 1, estimate_minutes=command.estimate_minutes, beside=bool(ticket.waits)
    )
    return [DecidedEvent(event, personal(text=command.text))]


def _decide(ticket: Ticket, command: DecideCost, context: Context) -> list[DecidedEvent]:
    approval = next((each for each in ticket.cost_approvals if each.number == command.number), None)
    if approval is None:
        raise NotFound(
            "cost-approval-not-found", f"The ticket {ticket.reference} has no cost approval {command.number}."
        )
    if approval.state != "requested":
        raise NotInThisState(
            "cost-approval-already-decided",
            f"The cost approval {approval.number} of ticket {ticket.reference} is {approval.state} already; "
            "a further one can be requested.",
        )
    violations = Violations()
    check_decision_maker(command.on_behalf, context, violations)
    if command.extra_minutes is not None:
        violations.require(command.approved, "/extra_minutes", "a rejection grants no minutes")
        violations.require(command.extra_minutes > 0, "/extra_minutes", "must be at least one minute, or left out")
    if command.open_ended:
        violations.require(command.approved, "/open_ended", "a rejection grants no minutes")
        violations.require(command.extra_minutes is None, "/open_ended", "it has an end where minutes are named")
    violations.raise_if_any(f"The cost approval {approval.number} of ticket {ticket.reference} stays undecided.")
    given = command.on_behalf
    on_behalf = tickets.OnBehalf(channel=given.channel, at=given.at) if given is not None else None
    contact = personal(contact=given.contact) if given is not None else None
    if not command.approved:
        return [DecidedEvent(CostRejected(approval=approval.number, on_behalf=on_behalf), contact)]
    extra_minutes = None if command.open_ended else command.extra_minutes or approval.estimate_minutes
    approved = CostApproved(approval=approval.number, extra_minutes=extra_minutes, on_behalf=on_behalf)
    return [DecidedEvent(approved, contact)]

"""A ticket that was filed for the wrong customer or contract goes to the right one, with all that happened to it."""

from __future__ import annotations

from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.terms.agreement import NORMAL_TYPE
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.commands import Move
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.intake import placement
from ticket_service.domain.ticket.state import DEFAULT_PRIORITY, Ticket
from ticket_service.domain.validation import Violations, personal


def move(ticket: Ticket, command: Move, context: Context) -> list[DecidedEvent]:
    """The terms and the entitlement that the ticket would have if it had been filed there. Raises NotAcceptable.

    A severity or type that the other agreement does not know is none, or ``normal``. The priority follows the new group
    unless a person has set it.
    """
    destination = context.destination
    assert destination is not None, "a move is decided with where it leads"
    opened, agreement = destination.opened, destination.agreement
    violations = Violations()
    violations.texts(reason=command.reason)
    if (opened.customer, opened.contract) == (ticket.customer, ticket.contract):
        violations.add("/customer", "the ticket is there already, under the same contract")
    violations.raise_if_any(f"The ticket {ticket.reference} stays where it is.")
    known = ticket.severity in [each.id for each in agreement.severities]
    moved = TicketMoved(
        reference=ticket.reference,
        from_customer=ticket.customer,
        from_contract=ticket.contract,
        customer=opened.customer,
        sealed_for=destination.sealed_for,
        contract=opened.contract,
        plan=opened.plan,
        site=opened.site,
        addons=opened.addons,
        agreement=opened.agreement,
        agreement_version=opened.agreement_version,
        calendar=opened.calendar,
        calendar_version=opened.calendar_version,
        line_calendars=opened.line_calendars,
        type=ticket.type if agreement.ticket_type(ticket.type) is not None else NORMAL_TYPE,
        severity=ticket.severity if known else None,
        group=opened.group,
        entitled=opened.entitled,
        entitled_by=opened.entitled_by,
        entitled_why=opened.entitled_why,
    )
    by_a_person = ticket.priority_rule is None and ticket.priority != DEFAULT_PRIORITY
    placed = [] if by_a_person else placement(opened.group, agreement)
    return [DecidedEvent(moved, personal(reason=command.reason)), *placed]

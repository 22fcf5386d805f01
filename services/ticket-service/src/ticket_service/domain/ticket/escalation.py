"""Escalations: to whom a matter goes that does not run as it should, and how that ends."""

from __future__ import annotations

from collections.abc import Mapping

from fristwerk_language.events.tickets import EscalationClosed, EscalationRaised
from fristwerk_language.terms.handling import EscalationTerms
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket import roles
from ticket_service.domain.ticket.commands import CloseEscalation, Escalate, EscalationCommand
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations, personal


def escalate_or_close(ticket: Ticket, command: EscalationCommand, context: Context) -> list[DecidedEvent]:
    """An escalation is raised or closed, at any hour and also once the ticket is done."""
    match command:
        case Escalate():
            return _raise(ticket, command, context)
        case CloseEscalation():
            return _close(ticket, command, context.agreement.escalation)


def _raise(ticket: Ticket, command: Escalate, context: Context) -> list[DecidedEvent]:
    terms = context.agreement.escalation
    violations = Violations()
    violations.texts(to=command.to, text=command.text)
    if terms is not None:
        agreed = (role for role in (terms.contact, terms.fallback) if role is not None)
        known = (terms.contact,) if context.actor.role == "customer" else (*agreed, *context.contacts)
        violations.known("/to", "escalation contact", command.to, dict.fromkeys(known))
    violations.raise_if_any(f"The ticket {ticket.reference} cannot be escalated like this.")
    to, agent = addressee(command.to, terms, context.contacts)
    asked_for = command.to if to != command.to else None
    event = EscalationRaised(escalation=len(ticket.escalations) + 1, to=to, agent=agent, asked_for=asked_for)
    return [DecidedEvent(event, personal(text=command.text))]


def addressee(to: str, terms: EscalationTerms | None, contacts: Mapping[str, str]) -> tuple[str, str | None]:
    """The role that is asked, and who holds it for the customer; a role that nobody holds falls to the fallback.

    The roles of staff are held by whoever has them. Raises NotAcceptable where nobody holds the fallback either.
    """
    fallback = terms.fallback if terms is not None else None
    for role in (to, fallback):
        if role is not None and (role in contacts or role in roles.STAFF):
            return role, contacts.get(role)
    sentence = f"nobody holds the role {to!r} for this customer"
    if fallback is not None:
        sentence += f", nor the fallback {fallback!r}"
    raise NotAcceptable(f"The escalation would reach nobody: {sentence}.", [("/to", sentence)], "nobody-holds-role")


def _close(ticket: Ticket, command: CloseEscalation, terms: EscalationTerms | None) -> list[DecidedEvent]:
    escalation = next((each for each in ticket.escalations if each.number == command.number), None)
    if escalation is None:
        raise NotFound("escalation-not-found", f"The ticket {ticket.reference} has no escalation {command.number}.")
    if escalation.closed_at is not None:
        raise NotInThisState(
            "escalation-already-closed",
            f"The escalation {escalation.number} of ticket {ticket.reference} is closed already.",
        )
    given = {"outcome": command.outcome, "contact": command.contact}
    violations = Violations()
    violations.texts(**{name: given[name] for name in (terms.closes_with if terms is not None else [])})
    violations.raise_if_any(f"The escalation {escalation.number} of ticket {ticket.reference} stays open.")
    return [DecidedEvent(EscalationClosed(escalation=escalation.number), personal(**given))]

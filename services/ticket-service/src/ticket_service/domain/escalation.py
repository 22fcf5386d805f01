"""Escalations: to whom a matter goes that does not run as it should, and how that ends."""

from __future__ import annotations

from collections.abc import Mapping

from fristwerk_language.events.tickets import EscalationClosed, EscalationRaised
from fristwerk_language.terms.handling import Escalation as EscalationTerms
from ticket_service.domain.commands import CloseEscalation, Escalate, EscalationCommand
from ticket_service.domain.context import Context
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.fact import Fact
from ticket_service.domain.objections import Objections, personal
from ticket_service.domain.state import Ticket


def escalate_or_close(ticket: Ticket, command: EscalationCommand, context: Context) -> list[Fact]:
    """An escalation is raised, at any hour, or closed."""
    match command:
        case Escalate():
            return _raise(ticket, command, context)
        case CloseEscalation():
            return _close(ticket, command, context.agreement.escalation)


def _raise(ticket: Ticket, command: Escalate, context: Context) -> list[Fact]:
    terms = context.agreement.escalation
    objections = Objections()
    objections.texts(to=command.to, text=command.text)
    if terms is not None:
        agreed = (role for role in (terms.contact, terms.fallback) if role is not None)
        objections.known("/to", "escalation contact", command.to, dict.fromkeys((*agreed, *context.contacts)))
    objections.refuse_if_any(f"The ticket {ticket.reference} cannot be escalated like this.")
    to, agent = addressee(command.to, terms, context.contacts)
    event = EscalationRaised(escalation=len(ticket.escalations) + 1, to=to, agent=agent)
    return [Fact(event, personal(text=command.text))]


def addressee(to: str, terms: EscalationTerms | None, contacts: Mapping[str, str]) -> tuple[str, str | None]:
    """The role that is asked, and who holds it; a customer without the agreed contact goes to the fallback role."""
    if to not in contacts and terms is not None and to == terms.contact and terms.fallback is not None:
        return terms.fallback, contacts.get(terms.fallback)
    return to, contacts.get(to)


def _close(ticket: Ticket, command: CloseEscalation, terms: EscalationTerms | None) -> list[Fact]:
    escalation = next((each for each in ticket.escalations if each.number == command.number), None)
    if escalation is None:
        raise NotFound("escalation-not-found", f"The ticket {ticket.reference} has no escalation {command.number}.")
    if escalation.closed_at is not None:
        raise NotInThisState(
            "escalation-already-closed",
            f"The escalation {escalation.number} of ticket {ticket.reference} is closed already.",
        )
    given = {"outcome": command.outcome, "contact": command.contact}
    objections = Objections()
    objections.texts(**{name: given[name] for name in (terms.closes_with if terms is not None else [])})
    objections.refuse_if_any(f"The escalation {escalation.number} of ticket {ticket.reference} stays open.")
    return [Fact(EscalationClosed(escalation=escalation.number), personal(**given))]

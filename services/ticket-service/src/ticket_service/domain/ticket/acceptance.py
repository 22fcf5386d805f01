"""Delivery, the customer's acceptance or refusal, and the release to production that may depend on it."""

from __future__ import annotations

from fristwerk_language.events import tickets
from fristwerk_language.events.tickets import AcceptanceRefused, Accepted, Delivered, ReleasedToProduction
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket import roles
from ticket_service.domain.ticket.commands import Accept, AcceptanceCommand, Deliver, Release
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations, personal


def deliver_or_accept(ticket: Ticket, command: AcceptanceCommand, context: Context) -> list[DecidedEvent]:
    """The result is delivered, judged by the customer, or put into production."""
    match command:
        case Deliver():
            violations = Violations()
            violations.texts(text=command.text)
            violations.raise_if_any(f"A delivery for ticket {ticket.reference} says what was delivered.")
            delivered = Delivered(system=command.system, beside=ticket.waits not in {(), ("awaiting_acceptance",)})
            return [DecidedEvent(delivered, personal(text=command.text))]
        case Accept():
            return _accept(ticket, command, context)
        case Release():
            if must_be_accepted(context.agreement) and not is_accepted(ticket):
                raise NotInThisState(
                    "acceptance-required",
                    f"The ticket {ticket.reference} is released only after the customer has accepted a delivery.",
                )
            return [DecidedEvent(ReleasedToProduction())]


def must_be_accepted(agreement: AgreementDocument) -> bool:
    """``lifecycle.acceptance: required``."""
    return agreement.lifecycle.acceptance == "required"


def is_accepted(ticket: Ticket) -> bool:
    """Whether the customer has accepted the latest delivery."""
    return bool(ticket.deliveries) and ticket.deliveries[-1].accepted is True


def _accept(ticket: Ticket, command: Accept, context: Context) -> list[DecidedEvent]:
    violations = Violations()
    roles.check_decision_maker(command.on_behalf, context, violations)
    violations.raise_if_any(f"The delivery of ticket {ticket.reference} still awaits the customer's acceptance.")
    given = command.on_behalf
    on_behalf = tickets.OnBehalf(channel=given.channel, at=given.at) if given is not None else None
    said = personal(text=command.text, contact=given.contact if given is not None else None)
    if command.accepted:
        return [DecidedEvent(Accepted(on_behalf=on_behalf), said)]
    return [DecidedEvent(AcceptanceRefused(on_behalf=on_behalf), said)]

"""Delivery, the customer's acceptance or refusal, and the release to production that may depend on it."""

from __future__ import annotations

from fristwerk_language.events import tickets
from fristwerk_language.events.tickets import AcceptanceRefused, Accepted, Delivered, ReleasedToProduction
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.handling import AcceptanceTerms
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.commands import Accept, AcceptanceCommand, Deliver, Release
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.possible_commands import check_decision_maker
from ticket_service.domain.ticket.state import Delivery, Ticket
from ticket_service.domain.validation import Violations, personal


def deliver_or_accept(ticket: Ticket, command: AcceptanceCommand, context: Context) -> list[DecidedEvent]:
    """The result is delivered, judged by the customer, or put into production."""
    match command:
        case Deliver():
            return _deliver(ticket, command, context)
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
    """``lifecycle.acceptance``: ``required``, or for some activities."""
    return agreement.lifecycle.acceptance is not None


def is_accepted(ticket: Ticket) -> bool:
    """Whether the customer has accepted the latest delivery. What was accepted before a reopening covers no new work."""
    delivery = present_delivery(ticket)
    return delivery is not None and delivery.accepted is True


def present_delivery(ticket: Ticket) -> Delivery | None:
    """The latest delivery since the ticket was opened, or reopened."""
    if not ticket.deliveries:
        return None
    latest = ticket.deliveries[-1]
    return None if ticket.reopened_at is not None and latest.delivered_at < ticket.reopened_at else latest


def check_done(ticket: Ticket, agreement: AgreementDocument) -> None:
    """What was delivered is accepted and released before the ticket is resolved; some work is delivered in any case.

    A delivery to the live system is released with it. Raises NotInThisState.
    """
    if not must_be_accepted(agreement):
        return
    delivery = present_delivery(ticket)
    if delivery is None:
        _check_not_owed(ticket, agreement)
        return
    if delivery.accepted is not True:
        raise NotInThisState(
            "acceptance-required",
            f"The ticket {ticket.reference} was delivered; it is resolved only after the customer has accepted.",
        )
    released_at = ticket.released_at
    if delivery.system == "test" and (released_at is None or released_at < delivery.delivered_at):
        raise NotInThisState(
            "release-required",
            f"The ticket {ticket.reference} was accepted on the test system; it is resolved only after the release.",
        )


def _check_not_owed(ticket: Ticket, agreement: AgreementDocument) -> None:
    terms = agreement.lifecycle.acceptance
    activities = terms.required_for if isinstance(terms, AcceptanceTerms) else []
    since = ticket.reopened_at
    for each in ticket.time_entries.values():
        if each.activity in activities and each.minutes > 0 and (since is None or each.start >= since):
            raise NotInThisState(
                "delivery-required",
                f"The ticket {ticket.reference} has work of the activity {each.activity}, which is delivered and accepted "
                "before the ticket is resolved.",
            )


def _deliver(ticket: Ticket, command: Deliver, context: Context) -> list[DecidedEvent]:
    violations = Violations()
    violations.texts(text=command.text)
    agreed = command.agreed
    if agreed is not None:
        violations.agreed("/agreed", agreed, context.occurred_at)
    elif command.system == "live" and must_be_accepted(context.agreement) and not is_accepted(ticket):
        violations.add(
            "/agreed", "is required for the live system without a test system: the contact, channel and instant"
        )
    violations.raise_if_any(f"This delivery for ticket {ticket.reference} cannot be recorded.")
    delivered = Delivered(
        system=command.system,
        beside=ticket.waits not in {(), ("awaiting_acceptance",)},
        agreed=tickets.OnBehalf(channel=agreed.channel, at=agreed.at) if agreed is not None else None,
    )
    return [
        DecidedEvent(delivered, personal(text=command.text, contact=agreed.contact if agreed is not None else None))
    ]


def _accept(ticket: Ticket, command: Accept, context: Context) -> list[DecidedEvent]:
    violations = Violations()
    check_decision_maker(command.on_behalf, context, violations)
    violations.raise_if_any(f"The delivery of ticket {ticket.reference} still awaits the customer's acceptance.")
    given = command.on_behalf
    on_behalf = tickets.OnBehalf(channel=given.channel, at=given.at) if given is not None else None
    said = personal(text=command.text, contact=given.contact if given is not None else None)
    if command.accepted:
        return [DecidedEvent(Accepted(on_behalf=on_behalf), said)]
    return [DecidedEvent(AcceptanceRefused(on_behalf=on_behalf), said)]

"""What customer and vendor say to each other: messages, answers, progress, questions, the ticket's number, feedback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fristwerk_language.events.tickets import (
    CustomerMessageReceived,
    FeedbackReceived,
    InformationReceived,
    InformationRequested,
    ProgressReported,
    Responded,
    TicketNumberCommunicated,
    Transferred,
)
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.appointment import cancelled_in_writing
from ticket_service.domain.ticket.commands import (
    CommunicateNumber,
    ConversationCommand,
    GiveFeedback,
    ReceiveInformation,
    ReceiveMessage,
    ReportProgress,
    RequestInformation,
    Respond,
    TimeSpent,
    source_id,
    source_of,
)
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.dedicated import check_dedicated_channel
from ticket_service.domain.ticket.reopening import reopened_by_customer
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.work import time_spent
from ticket_service.domain.validation import Violations, personal

BY_PHONE: Final = frozenset({"phone", "call", "callback", "voicemail"})
CALLING_BACK: Final = ("phone", "callback")
"""The vendor may always answer by calling, whichever channels it takes requests on."""
SCORES: Final = range(1, 6)
SECOND_LEVEL: Final = "2"


def converse(ticket: Ticket, command: ConversationCommand, context: Context) -> list[DecidedEvent]:
    """Something was said. A blank text says nothing and is refused, as is a channel the agreement does not have.

    What the customer says of a ticket that is resolved reopens it, as long as the agreement allows.
    """
    violations = Violations()
    fact = _said(ticket, command, context, violations)
    spent = _spent(ticket, command, context, violations)
    violations.raise_if_any(f"This cannot be recorded with ticket {ticket.reference}.")
    match command:
        case ReceiveMessage() | ReceiveInformation():
            follows = [*_cancelled_by(ticket, fact, context), *reopened_by_customer(ticket, fact.event, context)]
            return [fact, *follows, *spent]
        case Respond(needs_second_level=True):
            return [fact, *spent, *_second_level(ticket, context.agreement)]
        case _:
            return [fact, *spent]


def _second_level(ticket: Ticket, agreement: AgreementDocument) -> list[DecidedEvent]:
    """The ticket goes to level 2, its department and priority kept (``dedicated_agent.second_level: automatic``)."""
    terms = agreement.dedicated_agent
    violations = Violations()
    if terms is None or terms.second_level is None or terms.addon not in ticket.addons:
        violations.add("/needs_second_level", "nothing is handed over by itself: transfer the ticket with a reason")
    violations.raise_if_any(f"The ticket {ticket.reference} stays at its level.")
    transferred = Transferred(department=ticket.department, level=SECOND_LEVEL)
    return [DecidedEvent(transferred, personal(reason="dedicated_agent.second_level: automatic"))]


def _spent(
    ticket: Ticket, command: ConversationCommand, context: Context, violations: Violations
) -> list[DecidedEvent]:
    """An answer was written until it was sent; a message is read from its arrival on, and has been read by now."""
    match command:
        case Respond(spent=TimeSpent() as spent):
            start = context.occurred_at - timedelta(minutes=spent.minutes)
        case ReceiveMessage(spent=TimeSpent() as spent):
            start = read_from(spent, context.occurred_at, context.now)
        case _:
            return []
    return time_spent(ticket, spent, start, context, violations)


def read_from(spent: TimeSpent, received_at: datetime, now: datetime) -> datetime:
    """When staff began to read a message that took them so long, and that they have read by now."""
    return min(received_at, now - timedelta(minutes=spent.minutes))


def _cancelled_by(ticket: Ticket, said: DecidedEvent, context: Context) -> list[DecidedEvent]:
    """A written message also puts in writing what was called off by word of mouth."""
    message = said.event
    if isinstance(message, CustomerMessageReceived) and message.asks and message.channel not in BY_PHONE:
        return cancelled_in_writing(ticket, context.occurred_at)
    return []


def _feedback(command: GiveFeedback, agreement: AgreementDocument, violations: Violations) -> DecidedEvent:
    """An answer to a survey, by one of the agreement's ``surveys.channels`` where it has surveys."""
    surveys = agreement.surveys
    violations.require(command.score in SCORES, "/score", "is a number from 1 (poor) to 5")
    if command.channel is not None:
        channels = agreement.channels if surveys is None else surveys.channels
        violations.known("/channel", "channel for surveys", command.channel, channels)
    return DecidedEvent(FeedbackReceived(score=command.score, channel=command.channel), personal(text=command.text))


def _said(ticket: Ticket, command: ConversationCommand, context: Context, violations: Violations) -> DecidedEvent:  # noqa: PLR0911 - one a command
    agreement = context.agreement
    answering = list(dict.fromkeys((*agreement.channels, *CALLING_BACK)))
    match command:
        case ReceiveMessage():
            violations.known("/channel", "channel", command.channel, agreement.channels)
            check_dedicated_channel(command.channel, ticket.addons, agreement, violations)
            violations.texts(text=command.text)
            if context.actor.role == "customer":
                violations.require(
                    command.needs_answer, "/needs_answer", "only staff say that a message needs no answer"
                )
            received = CustomerMessageReceived(
                channel=command.channel,
                automatic=command.automatic,
                needs_answer=command.needs_answer,
                source=source_of(command.source),
            )
            return DecidedEvent(received, personal(text=command.text, source_id=source_id(command.source)))
        case Respond():
            violations.known("/channel", "channel", command.channel, answering)
            check_dedicated_channel(command.channel, ticket.addons, agreement, violations)
            violations.texts(text=command.text)
            responded = Responded(channel=command.channel, visible=command.visible, automatic=command.automatic)
            return DecidedEvent(responded, personal(text=command.text))
        case ReportProgress():
            channels = agreement.progress_channels
            reporting = agreement.channels if channels is None else channels
            violations.known("/channel", "channel for progress", command.channel, reporting)
            violations.texts(text=command.text)
            reported = ProgressReported(
                channel=command.channel, planned_for=command.planned_for, percent=command.percent
            )
            return DecidedEvent(reported, personal(text=command.text))
        case RequestInformation():
            violations.texts(question=command.question)
            asked = InformationRequested(beside=ticket.waits not in {(), ("waiting_customer",)})
            return DecidedEvent(asked, personal(question=command.question))
        case ReceiveInformation():
            violations.texts(text=command.text)
            informed = InformationReceived(source=source_of(command.source))
            return DecidedEvent(informed, personal(text=command.text, source_id=source_id(command.source)))
        case CommunicateNumber():
            violations.known("/channel", "channel", command.channel, answering)
            violations.texts(classification=command.classification)
            return DecidedEvent(
                TicketNumberCommunicated(classification=command.classification, channel=command.channel)
            )
        case GiveFeedback():
            return _feedback(command, agreement, violations)

"""What customer and vendor say to each other: messages, answers, progress, questions, the ticket's number, feedback."""

from __future__ import annotations

from typing import Final

from fristwerk_language.events.tickets import (
    CustomerMessageReceived,
    FeedbackReceived,
    InformationReceived,
    InformationRequested,
    ProgressReported,
    Responded,
    TicketNumberCommunicated,
)
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.commands import (
    CommunicateNumber,
    ConversationCommand,
    GiveFeedback,
    ReceiveInformation,
    ReceiveMessage,
    ReportProgress,
    RequestInformation,
    Respond,
)
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations, personal

CALLING_BACK: Final = ("phone", "callback")
"""The vendor may always answer by calling, whichever channels it takes requests on."""
SCORES: Final = range(1, 6)


def converse(ticket: Ticket, command: ConversationCommand, agreement: AgreementDocument) -> list[DecidedEvent]:
    """Something was said. A blank text says nothing and is refused, as is a channel the agreement does not have."""
    violations = Violations()
    fact = _said(command, agreement, violations)
    violations.raise_if_any(f"This cannot be recorded with ticket {ticket.reference}.")
    return [fact]


def _said(command: ConversationCommand, agreement: AgreementDocument, violations: Violations) -> DecidedEvent:  # noqa: PLR0911 - one a command
    answering = list(dict.fromkeys((*agreement.channels, *CALLING_BACK)))
    match command:
        case ReceiveMessage():
            violations.known("/channel", "channel", command.channel, agreement.channels)
            violations.texts(text=command.text)
            return DecidedEvent(CustomerMessageReceived(channel=command.channel), personal(text=command.text))
        case Respond():
            violations.known("/channel", "channel", command.channel, answering)
            violations.texts(text=command.text)
            return DecidedEvent(
                Responded(channel=command.channel, visible=command.visible), personal(text=command.text)
            )
        case ReportProgress():
            channels = agreement.progress_channels
            reporting = agreement.channels if channels is None else channels
            violations.known("/channel", "channel for progress", command.channel, reporting)
            violations.texts(text=command.text)
            return DecidedEvent(ProgressReported(channel=command.channel), personal(text=command.text))
        case RequestInformation():
            violations.texts(question=command.question)
            return DecidedEvent(InformationRequested(), personal(question=command.question))
        case ReceiveInformation():
            violations.texts(text=command.text)
            return DecidedEvent(InformationReceived(), personal(text=command.text))
        case CommunicateNumber():
            violations.known("/channel", "channel", command.channel, answering)
            violations.texts(classification=command.classification)
            return DecidedEvent(
                TicketNumberCommunicated(classification=command.classification, channel=command.channel)
            )
        case GiveFeedback():
            violations.require(command.score in SCORES, "/score", "is a number from 1 (poor) to 5")
            return DecidedEvent(FeedbackReceived(score=command.score), personal(text=command.text))

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
from ticket_service.domain.commands import (
    CommunicateNumber,
    ConversationCommand,
    GiveFeedback,
    ReceiveInformation,
    ReceiveMessage,
    ReportProgress,
    RequestInformation,
    Respond,
)
from ticket_service.domain.fact import Fact
from ticket_service.domain.objections import Objections, personal
from ticket_service.domain.state import Ticket

CALLING_BACK: Final = ("phone", "callback")
"""The vendor may always answer by calling, whichever channels it takes requests on."""
SCORES: Final = range(1, 6)


def converse(ticket: Ticket, command: ConversationCommand, agreement: AgreementDocument) -> list[Fact]:
    """Something was said. A blank text says nothing and is refused, as is a channel the agreement does not have."""
    objections = Objections()
    fact = _said(command, agreement, objections)
    objections.refuse_if_any(f"This cannot be recorded with ticket {ticket.reference}.")
    return [fact]


def _said(command: ConversationCommand, agreement: AgreementDocument, objections: Objections) -> Fact:  # noqa: PLR0911 - one a command
    answering = list(dict.fromkeys((*agreement.channels, *CALLING_BACK)))
    match command:
        case ReceiveMessage():
            objections.known("/channel", "channel", command.channel, agreement.channels)
            objections.texts(text=command.text)
            return Fact(CustomerMessageReceived(channel=command.channel), personal(text=command.text))
        case Respond():
            objections.known("/channel", "channel", command.channel, answering)
            objections.texts(text=command.text)
            return Fact(Responded(channel=command.channel, visible=command.visible), personal(text=command.text))
        case ReportProgress():
            channels = agreement.progress_channels
            reporting = agreement.channels if channels is None else channels
            objections.known("/channel", "channel for progress", command.channel, reporting)
            objections.texts(text=command.text)
            return Fact(ProgressReported(channel=command.channel), personal(text=command.text))
        case RequestInformation():
            objections.texts(question=command.question)
            return Fact(InformationRequested(), personal(question=command.question))
        case ReceiveInformation():
            objections.texts(text=command.text)
            return Fact(InformationReceived(), personal(text=command.text))
        case CommunicateNumber():
            objections.known("/channel", "channel", command.channel, answering)
            objections.texts(classification=command.classification)
            return Fact(TicketNumberCommunicated(classification=command.classification, channel=command.channel))
        case GiveFeedback():
            objections.unless(command.score in SCORES, "/score", "is a number from 1 (poor) to 5")
            return Fact(FeedbackReceived(score=command.score), personal(text=command.text))

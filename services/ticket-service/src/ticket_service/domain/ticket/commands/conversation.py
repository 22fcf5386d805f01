"""What customer and vendor say to each other."""

from __future__ import annotations

from datetime import date

import msgspec

from fristwerk_language.terms.billing import Performer
from ticket_service.domain.ticket.commands.source import MessageSource
from ticket_service.domain.ticket.commands.ticket_command import TicketCommand


class TimeSpent(msgspec.Struct, frozen=True, kw_only=True):
    """``minutes`` that a message took ``performer``, which become the time entry ``entry``."""

    entry: str
    minutes: int
    activity: str
    performer: Performer | None = None


class ReceiveMessage(TicketCommand, frozen=True, kw_only=True):
    """``automatic``: a machine wrote it. ``needs_answer`` false is staff's mark on a word of thanks. ``spent`` is what it
    took staff to read it.
    """

    word = "messages"
    channel: str
    text: str
    automatic: bool = False
    needs_answer: bool = True
    spent: TimeSpent | None = None
    source: MessageSource | None = None


class MarkNoAnswerNeeded(TicketCommand, frozen=True, kw_only=True):
    """The message asks for nothing; ``number`` is the version under which the ticket's history has it."""

    word = "messages/{n}/no-answer-needed"
    number: int
    reason: str | None = None


class Respond(TicketCommand, frozen=True, kw_only=True):
    """``visible`` false is an internal note, ``automatic`` a machine's text. ``spent`` is what it took to write it.

    ``needs_second_level``: the matter goes on to level 2 where the agreement hands over by itself.
    """

    word = "responses"
    channel: str
    text: str
    visible: bool = True
    automatic: bool = False
    spent: TimeSpent | None = None
    needs_second_level: bool = False


class ReportProgress(TicketCommand, frozen=True, kw_only=True):
    """``planned_for`` is the local day on which the work is planned, ``percent`` how much of it is done."""

    word = "progress"
    channel: str
    text: str
    planned_for: date | None = None
    percent: int | None = None


class RequestInformation(TicketCommand, frozen=True, kw_only=True):
    word = "information-requests"
    question: str


class ReceiveInformation(TicketCommand, frozen=True, kw_only=True):
    word = "information"
    text: str
    source: MessageSource | None = None


class CommunicateNumber(TicketCommand, frozen=True, kw_only=True):
    word = "number-communications"
    classification: str
    channel: str


class GiveFeedback(TicketCommand, frozen=True, kw_only=True):
    """``score`` from 1 (poor) to 5. ``channel`` is how the survey reached the customer."""

    word = "feedback"
    score: int
    channel: str | None = None
    text: str | None = None


ConversationCommand = (
    ReceiveMessage
    | Respond
    | ReportProgress
    | RequestInformation
    | ReceiveInformation
    | CommunicateNumber
    | GiveFeedback
)

"""What a command to a ticket brings about: ``decide`` gives facts or a refusal, ``evolve`` applies them.

``decide`` is pure: the same ticket, command and context always give the same facts.
"""

from __future__ import annotations

from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket import commands, possible_commands
from ticket_service.domain.ticket.acceptance import deliver_or_accept
from ticket_service.domain.ticket.appointment import arrange
from ticket_service.domain.ticket.callback import attach_call, call_back
from ticket_service.domain.ticket.classification import classify, hand_over
from ticket_service.domain.ticket.closing import close_or_reopen, migrate
from ticket_service.domain.ticket.commands import Command
from ticket_service.domain.ticket.conversation import converse
from ticket_service.domain.ticket.cost_approval import ask_or_decide
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.dedicated import to_deputy
from ticket_service.domain.ticket.escalation import escalate_or_close
from ticket_service.domain.ticket.moving import move
from ticket_service.domain.ticket.relations import relate
from ticket_service.domain.ticket.remote_session import work_remotely
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.thanks import mark
from ticket_service.domain.ticket.work import work
from ticket_service.domain.validation import CLOCK_TOLERANCE, Violations


def decide(ticket: Ticket, command: Command, context: Context) -> list[DecidedEvent]:
    """The facts that a command brings about. Raises a refusal (``errors``); then nothing happens."""
    _check(ticket, command, context)
    facts = _facts(ticket, command, context)
    return facts + to_deputy(ticket, command, context) if context.stand_ins else facts


def _facts(ticket: Ticket, command: Command, context: Context) -> list[DecidedEvent]:  # noqa: C901, PLR0911, PLR0912 - a family a line
    if isinstance(command, commands.RelationCommand):
        return relate(ticket, command, context.other)
    if isinstance(command, commands.EscalationCommand):
        return escalate_or_close(ticket, command, context)
    if isinstance(command, commands.RemoteSessionCommand):
        return work_remotely(ticket, command, context)
    match command:
        case commands.SetSeverity() | commands.ChangeType() | commands.ChangePriority():
            return classify(ticket, command, context)
        case commands.Assign() | commands.Transfer():
            return hand_over(ticket, command)
        case (
            commands.ReceiveMessage()
            | commands.Respond()
            | commands.ReportProgress()
            | commands.RequestInformation()
            | commands.ReceiveInformation()
            | commands.CommunicateNumber()
            | commands.GiveFeedback()
        ):
            return converse(ticket, command, context)
        case commands.StartWork() | commands.LogTime() | commands.CorrectTime() | commands.SendEffortNotice():
            return work(ticket, command, context)
        case commands.RequestCallback() | commands.AttemptCallback() | commands.CompleteCallback():
            return call_back(ticket, command, context)
        case commands.AttachCall():
            return attach_call(ticket, command, context)
        case (
            commands.RequestAppointment()
            | commands.BookAppointment()
            | commands.CancelAppointment()
            | commands.RecordAppointmentOutcome()
        ):
            return arrange(ticket, command, context)
        case commands.RequestCostApproval() | commands.DecideCost():
            return ask_or_decide(ticket, command, context)
        case commands.Deliver() | commands.Accept() | commands.Release():
            return deliver_or_accept(ticket, command, context)
        case commands.Resolve() | commands.Reopen() | commands.Close():
            return close_or_reopen(ticket, command, context)
        case commands.MarkNoAnswerNeeded():
            return mark(ticket, command, context)
        case commands.MigrateTerms():
            return migrate(ticket, command, context)
        case commands.Move():
            return move(ticket, command, context)


def _check(ticket: Ticket, command: Command, context: Context) -> None:
    """Asked in this order: may this caller, is the instant possible, is the state right; then whether the terms allow it."""
    possible_commands.check_caller(ticket, command, context)
    _check_instant(ticket, context)
    possible_commands.check_state(ticket, command, context)


def _check_instant(ticket: Ticket, context: Context) -> None:
    """A fact is not of the future, not older than its ticket, and a customer's occurs now."""
    if not ticket.received_at <= context.occurred_at <= context.now + CLOCK_TOLERANCE:
        raise _impossible_instant(ticket, context)
    if context.actor.role == "customer" and not context.dating.customers_may_date:
        violations = Violations()
        violations.entered_now("/occurred_at", context.occurred_at, context.now)
        violations.raise_if_any(f"What a customer does to ticket {ticket.reference} happens now.")


def _impossible_instant(ticket: Ticket, context: Context) -> NotAcceptable:
    """A fact is not of the future, and not older than its ticket (contract, section 4)."""
    at = context.occurred_at
    violations = Violations()
    violations.not_later_than("/occurred_at", at, context.now)
    if at < ticket.received_at:
        violations.add("/occurred_at", f"lies before the ticket was received, at {ticket.received_at.isoformat()}")
    return NotAcceptable(
        f"Nothing can have happened to ticket {ticket.reference} at {at.isoformat()}.", violations.errors
    )

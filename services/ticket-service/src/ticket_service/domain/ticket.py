"""What a command to a ticket brings about: ``decide`` gives facts or a refusal, ``evolve`` applies them.

``decide`` is pure: the same ticket, command and context always give the same facts.
"""

from __future__ import annotations

from ticket_service.domain import commands, lifecycle, roles
from ticket_service.domain.acceptance import deliver_or_accept
from ticket_service.domain.appointment import arrange
from ticket_service.domain.callback import attach_call, call_back
from ticket_service.domain.classification import classify, hand_over
from ticket_service.domain.closing import close_or_reopen, migrate
from ticket_service.domain.commands import Command
from ticket_service.domain.context import Context
from ticket_service.domain.conversation import converse
from ticket_service.domain.cost_approval import ask_or_decide
from ticket_service.domain.escalation import escalate_or_close
from ticket_service.domain.evolution import Stamp, evolve
from ticket_service.domain.fact import Fact
from ticket_service.domain.objections import Objections
from ticket_service.domain.state import Ticket
from ticket_service.domain.work import work

__all__ = ["Stamp", "decide", "evolve"]


def decide(ticket: Ticket, command: Command, context: Context) -> list[Fact]:
    """The facts that a command brings about. Raises a refusal (``errors``); then nothing happens.

    Asked in this order: may this caller, is the instant possible, is the state right, do the terms allow it.
    """
    roles.check_caller(ticket, command, context)
    _check_instant(ticket, context)
    lifecycle.check_state(ticket, command, context)
    return _facts(ticket, command, context)


def _check_instant(ticket: Ticket, context: Context) -> None:
    """A fact is not of the future, and not older than its ticket (contract, section 4)."""
    at = context.occurred_at
    objections = Objections()
    objections.not_later_than("/occurred_at", at, context.now)
    if at < ticket.received_at:
        objections.add("/occurred_at", f"lies before the ticket was received, at {ticket.received_at.isoformat()}")
    objections.refuse_if_any(f"Nothing can have happened to ticket {ticket.reference} at {at.isoformat()}.")


def _facts(ticket: Ticket, command: Command, context: Context) -> list[Fact]:  # noqa: PLR0911, C901 - a family a line
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
            return converse(ticket, command, context.agreement)
        case commands.StartWork() | commands.LogTime() | commands.CorrectTime() | commands.SendEffortNotice():
            return work(ticket, command, context)
        case commands.RequestCallback() | commands.AttemptCallback() | commands.CompleteCallback():
            return call_back(ticket, command, context.agreement)
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
        case commands.Escalate() | commands.CloseEscalation():
            return escalate_or_close(ticket, command, context)
        case commands.Resolve() | commands.Reopen() | commands.Close():
            return close_or_reopen(ticket, command, context.agreement)
        case commands.MigrateTerms():
            return migrate(ticket, command, context)

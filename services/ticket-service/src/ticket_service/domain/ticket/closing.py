"""The end of a ticket, and its return: resolving, closing, reopening; and the move to other terms on the way."""

from __future__ import annotations

from fristwerk_language.events.tickets import Closed, Reopened, Resolved, TermsMigrated
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.confirmation import check_accepted
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.acceptance import check_done
from ticket_service.domain.ticket.commands import Close, ClosingCommand, MigrateTerms, Reopen, Resolve
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.reopening import check_in_time
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.unsettled import of_closing
from ticket_service.domain.validation import Violations, personal


def close_or_reopen(ticket: Ticket, command: ClosingCommand, context: Context) -> list[DecidedEvent]:
    """The matter is resolved, closed for good, or taken up again: by staff at any time, by the customer within the time
    that the agreement says.
    """
    agreement = context.agreement
    violations = Violations()
    match command:
        case Resolve():
            check_done(ticket, agreement)
            _check_last_message(ticket, context, violations)
            violations.texts(text=command.text)
            violations.raise_if_any(f"The ticket {ticket.reference} is resolved by saying how.")
            return [DecidedEvent(Resolved(), personal(text=command.text))]
        case Reopen():
            if context.actor.role == "customer":
                check_in_time(ticket, context)
            violations.texts(reason=command.reason)
            violations.raise_if_any(f"The ticket {ticket.reference} is reopened for a reason.")
            return [DecidedEvent(Reopened(), personal(reason=command.reason))]
        case Close():
            _check_classification(ticket, agreement)
            check_accepted(f"Closing the ticket {ticket.reference}", of_closing(ticket, agreement), command.accept)
            return [DecidedEvent(Closed())]


def migrate(ticket: Ticket, command: MigrateTerms, context: Context) -> list[DecidedEvent]:
    """From now on other versions measure the ticket: visible, with a reason, and only to versions that exist."""
    violations = Violations()
    violations.texts(reason=command.reason)
    agreement_version = command.agreement_version or ticket.agreement_version
    calendar_version = command.calendar_version or ticket.calendar_version
    _check_published(
        "agreement", ticket.agreement, command.agreement_version, context.newest_agreement_version, violations
    )
    _check_published("calendar", ticket.calendar, command.calendar_version, context.newest_calendar_version, violations)
    if (agreement_version, calendar_version) == (ticket.agreement_version, ticket.calendar_version):
        violations.add("/agreement_version", "names no version other than the ticket has")
    violations.raise_if_any(f"The terms of ticket {ticket.reference} stay as they are.")
    event = TermsMigrated(
        agreement_version=agreement_version,
        calendar_version=calendar_version,
        line_calendars=dict(context.line_calendars) if context.line_calendars is not None else None,
    )
    return [DecidedEvent(event, personal(reason=command.reason))]


def _check_published(kind: str, name: str, version: int | None, newest: int | None, violations: Violations) -> None:
    if version is not None and not 1 <= version <= (newest or 0):
        violations.add(f"/{kind}_version", f"there is no version {version} of the {kind} {name}")


def _check_last_message(ticket: Ticket, context: Context, violations: Violations) -> None:
    """What the customer wrote later is not answered by a resolution before it."""
    written_at = ticket.last_customer_message_at
    if written_at is not None and context.occurred_at < written_at:
        violations.add("/occurred_at", f"lies before the customer's last message, of {written_at.isoformat()}")


def _check_classification(ticket: Ticket, agreement: AgreementDocument) -> None:
    """``closing.requires: classification_communicated``."""
    if "classification_communicated" in agreement.closing.requires and ticket.classification is None:
        raise NotInThisState(
            "classification-not-communicated",
            f"The ticket {ticket.reference} is closed only after its number and classification were communicated.",
        )

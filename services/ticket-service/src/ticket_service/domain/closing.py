"""The end of a ticket, and its return: resolving, closing, reopening; and the move to other terms on the way."""

from __future__ import annotations

from fristwerk_language.events.tickets import Closed, Reopened, Resolved, TermsMigrated
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.acceptance import is_accepted, must_be_accepted
from ticket_service.domain.commands import Close, ClosingCommand, MigrateTerms, Reopen, Resolve
from ticket_service.domain.context import Context
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.fact import Fact
from ticket_service.domain.objections import Objections, personal
from ticket_service.domain.state import Ticket


def close_or_reopen(ticket: Ticket, command: ClosingCommand, agreement: AgreementDocument) -> list[Fact]:
    """The matter is resolved, closed for good, or taken up again."""
    objections = Objections()
    match command:
        case Resolve():
            _check_acceptance(ticket, agreement)
            objections.texts(text=command.text)
            objections.refuse_if_any(f"The ticket {ticket.reference} is resolved by saying how.")
            return [Fact(Resolved(), personal(text=command.text))]
        case Reopen():
            objections.texts(reason=command.reason)
            objections.refuse_if_any(f"The ticket {ticket.reference} is reopened for a reason.")
            return [Fact(Reopened(), personal(reason=command.reason))]
        case Close():
            _check_classification(ticket, agreement)
            return [Fact(Closed())]


def migrate(ticket: Ticket, command: MigrateTerms, context: Context) -> list[Fact]:
    """From now on other versions measure the ticket: visible, with a reason, and only to versions that exist."""
    objections = Objections()
    objections.texts(reason=command.reason)
    agreement_version = command.agreement_version or ticket.agreement_version
    calendar_version = command.calendar_version or ticket.calendar_version
    _check_published(
        "agreement", ticket.agreement, command.agreement_version, context.newest_agreement_version, objections
    )
    _check_published("calendar", ticket.calendar, command.calendar_version, context.newest_calendar_version, objections)
    if (agreement_version, calendar_version) == (ticket.agreement_version, ticket.calendar_version):
        objections.add("/agreement_version", "names no version other than the ticket has")
    objections.refuse_if_any(f"The terms of ticket {ticket.reference} stay as they are.")
    event = TermsMigrated(agreement_version=agreement_version, calendar_version=calendar_version, reason=command.reason)
    return [Fact(event)]


def _check_published(kind: str, name: str, version: int | None, newest: int | None, objections: Objections) -> None:
    if version is not None and not 1 <= version <= (newest or 0):
        objections.add(f"/{kind}_version", f"there is no version {version} of the {kind} {name}")


def _check_acceptance(ticket: Ticket, agreement: AgreementDocument) -> None:
    """``lifecycle.acceptance: required``: what was delivered is accepted before the ticket is resolved."""
    if must_be_accepted(agreement) and ticket.deliveries and not is_accepted(ticket):
        raise NotInThisState(
            "acceptance-required",
            f"The ticket {ticket.reference} was delivered; it is resolved only after the customer has accepted.",
        )


def _check_classification(ticket: Ticket, agreement: AgreementDocument) -> None:
    """``closing.requires: classification_communicated``."""
    if "classification_communicated" in agreement.closing.requires and ticket.classification is None:
        raise NotInThisState(
            "classification-not-communicated",
            f"The ticket {ticket.reference} is closed only after its number and classification were communicated.",
        )

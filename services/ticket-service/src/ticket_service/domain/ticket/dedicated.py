"""The agent that a customer has for itself: what comes with the add-on of ``dedicated_agent``, and with nothing less."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from fristwerk_language.events.tickets import Assigned
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.commands import AttachCall, Command, ReceiveInformation, ReceiveMessage
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations

DEDICATED_AGENT: Final = "dedicated_agent"
"""The role of a customer's contact who serves it as dedicated agent."""


def dedicated_agent(addons: Collection[str], agreement: AgreementDocument, contacts: Mapping[str, str]) -> str | None:
    """Who serves a ticket with these add-ons; None where the agreement sells it and it was not bought, or nobody is named.

    Where the agreement sells no such thing, the role is a word like any other: who holds it has the customer's tickets.
    """
    terms = agreement.dedicated_agent
    return contacts.get(DEDICATED_AGENT) if terms is None or terms.addon in addons else None


def to_deputy(ticket: Ticket, command: Command, context: Context) -> list[DecidedEvent]:
    """What a customer writes or calls about while its dedicated agent is absent goes to whoever stands in."""
    if not asks_the_agent(command):
        return []
    own = dedicated_agent(ticket.addons, context.agreement, context.contacts)
    deputy = context.stand_ins.get(own) if own is not None and own == ticket.assignee else None
    return [] if deputy is None else [DecidedEvent(Assigned(agent=deputy, deputy_for=own))]


def asks_the_agent(command: Command) -> bool:
    """Whether a person at the customer turns to whoever has the ticket."""
    match command:
        case ReceiveMessage(automatic=automatic) | AttachCall(automatic=automatic):
            return not automatic
        case _:
            return isinstance(command, ReceiveInformation)


def check_dedicated_channel(
    channel: str, addons: Collection[str], agreement: AgreementDocument, violations: Violations
) -> None:
    """A channel of the dedicated agent belongs to the customers who have one."""
    terms = agreement.dedicated_agent
    if terms is not None and channel in terms.channels and terms.addon not in addons:
        violations.add("/channel", f"the channel {channel!r} belongs to customers with the addon {terms.addon!r}")


def has_dedicated_agent(contract: Contract, agreement: AgreementDocument, today: date) -> bool:
    """Whether the contract has the add-on, now or from a later day on."""
    terms = agreement.dedicated_agent
    if terms is None or (contract.until_on is not None and contract.until_on < today):
        return False
    return any(
        each.addon == terms.addon and (each.until_on is None or each.until_on >= today) for each in contract.addons
    )

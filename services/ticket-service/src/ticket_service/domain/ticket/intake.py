"""A request becomes a ticket: under which contract, entitled or not, acknowledged and assigned, all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from fristwerk_language.events.customers import DeviceRegistered
from fristwerk_language.events.tickets import (
    AcknowledgementSent,
    Assigned,
    PriorityDerived,
    SeveritySuggested,
    TicketCreated,
)
from fristwerk_language.terms import AgreementDocument, TicketType
from ticket_service.domain.contract.state import Contract, addons_in_force, in_force
from ticket_service.domain.customer.state import Customer, check_not_forgotten
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.classification import brought_in, check_severity, check_type, severity_set
from ticket_service.domain.ticket.commands import CreateTicket, SetSeverity, source_id, source_of
from ticket_service.domain.ticket.decision_context import Context, local_day
from ticket_service.domain.ticket.dedicated import check_dedicated_channel, dedicated_agent
from ticket_service.domain.ticket.entitlement import (
    device_in_question,
    devices_in_question,
    entitlement_at,
    group_of,
)
from ticket_service.domain.ticket.possible_commands import check_intake
from ticket_service.domain.ticket.state import QUEUE
from ticket_service.domain.validation import Violations, is_email_address, is_given, personal

BY_PHONE: Final = frozenset({"phone", "call", "voicemail"})
NOT_PERSONAL: Final = frozenset({"product", "serial_number", "performer"})
"""The intake fields that say nothing about a person; every other field is sealed."""
OUTSIDE_FIELDS: Final = frozenset({"subject", "description"})
"""Required fields of a type that stand beside ``fields`` in the command."""
PERFORMERS: Final = ("employee", "partner")


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """The version in force at receipt: of the agreement, and of each calendar that it names."""

    agreement: int
    calendars: Mapping[str, int]


def serving_contract(
    command: CreateTicket, offered: Sequence[tuple[Contract, AgreementDocument]]
) -> tuple[Contract, AgreementDocument] | None:
    """The contract under which a ticket is served, out of all of the customer's, each with its agreement.

    Only contracts in force on their site's local day of receipt serve. Where the command names none of several, the one that has
    held longest does. Raises NotAcceptable if the named one does not serve.
    """
    serving = sorted(
        (
            (contract, agreement)
            for contract, agreement in offered
            if in_force(contract, local_day(command.received_at, agreement, contract.site))
        ),
        key=lambda each: (each[0].from_on, each[0].id),
    )
    if command.contract is None:
        return serving[0] if serving else None
    named = next((each for each in serving if each[0].id == command.contract), None)
    if named is None:
        sentence = f"the customer has no contract {command.contract} in force when the ticket was received"
        raise NotAcceptable(f"The ticket cannot be created: {sentence}.", [("/contract", sentence)])
    return named


def open_ticket(
    command: CreateTicket, customer: Customer, contract: Contract | None, versions: Versions, context: Context
) -> list[DecidedEvent]:
    """The facts of a new ticket. ``contract`` is the serving one, ``context.agreement`` its agreement.

    Raises a refusal; what is wrong with the command is named all at once.
    """
    check_intake(command, context)
    check_not_forgotten(customer)
    _check_input(command, context)
    created = opened_for(command, customer, contract, versions, context)
    _check_channel(created, context)
    sealed = {name: text for name, text in command.fields.items() if name not in created.fields}
    said = {"subject": command.subject, "description": command.description, "fields": sealed}
    facts = [DecidedEvent(created, personal(**said, source_id=source_id(command.source)))]
    if command.severity is not None:
        setting = SetSeverity(severity=command.severity, reason=command.severity_reason)
        facts.append(
            severity_set(command.reference, setting, command.circumstances, context.agreement, "/severity_reason")
        )
        facts += brought_in(command.severity, (), context)
    if command.suggested_severity is not None:
        facts.append(DecidedEvent(SeveritySuggested(severity=command.suggested_severity)))
    return (
        facts
        + placement(created.group, context.agreement)
        + _acknowledgement(created, context)
        + _assignment(created, context)
    )


def opened_for(
    command: CreateTicket, customer: Customer, contract: Contract | None, versions: Versions, context: Context
) -> TicketCreated:
    """The ticket as it is opened: under which terms, entitled or not, in which group. Nothing of the command is checked."""
    agreement = context.agreement
    received_at = command.received_at
    serial = command.fields.get("serial_number", "").strip() or None
    devices = devices_in_question(customer, serial)
    device = device_in_question(received_at, devices, agreement)
    entitlement = entitlement_at(received_at, contract, devices, agreement)
    dated_back = entitlement.entitled and not _entitled_on_entry(contract, devices, context)
    site = (contract.site if contract is not None else None) or (device.site if device is not None else None)
    day = local_day(received_at, agreement, site)
    calendar = agreement.calendar_for(command.channel, site)
    return TicketCreated(
        reference=command.reference,
        customer=customer.id,
        contract=contract.id if contract is not None else None,
        plan=contract.plan if contract is not None else None,
        site=site,
        addons=addons_in_force(contract, day) if contract is not None else [],
        agreement=agreement.agreement,
        agreement_version=versions.agreement,
        calendar=calendar,
        calendar_version=versions.calendars[calendar],
        type=command.type,
        channel=command.channel,
        received_at=command.received_at,
        entitled=entitlement.entitled,
        entitled_by=entitlement.by,
        entitled_why=_dated_back(entitlement.why, command, context) if dated_back else entitlement.why,
        entitled_by_dating=dated_back,
        source=source_of(command.source),
        group=group_of(contract, agreement),
        severity=command.severity,
        fields=_open_fields(command, customer),
        follows=command.follows,
        prices="when_done",
        line_calendars={name: versions.calendars[name] for name in agreement.line_calendars},
        category=command.category,
        circumstances=command.circumstances,
        empty=not (is_given(command.subject) or is_given(command.description)),
    )


def _entitled_on_entry(contract: Contract | None, devices: tuple[DeviceRegistered, ...], context: Context) -> bool:
    """Whether the ticket would be entitled if it had been received when it was entered."""
    if contract is not None:
        today = local_day(context.now, context.agreement, contract.site)
        contract = contract if in_force(contract, today) else None
    return entitlement_at(context.now, contract, devices, context.agreement).entitled


def _dated_back(why: str, command: CreateTicket, context: Context) -> str:
    """The reason of an entitlement that rests on a receipt which somebody dated back, past the end of what entitles."""
    day = local_day(context.now, context.agreement, None)
    return f"{why}; the receipt by {command.channel} is dated back, on {day} when it was entered that held no longer"


def _open_fields(command: CreateTicket, customer: Customer) -> dict[str, str]:
    """The fields that are data; a company's name is, a private person's is not."""
    open_names = NOT_PERSONAL | {"company"} if customer.kind == "company" else NOT_PERSONAL
    return {name: text for name, text in command.fields.items() if name in open_names}


def placement(group_id: str | None, agreement: AgreementDocument) -> list[DecidedEvent]:
    """The group's priority, as a fact with the rule that gave it."""
    group = agreement.group(group_id)
    if group is None:
        return []
    return [DecidedEvent(PriorityDerived(priority=group.priority, rule=f"group:{group.id}"))]


def _acknowledgement(created: TicketCreated, context: Context) -> list[DecidedEvent]:
    """A confirmation of what was written; a caller has been spoken to."""
    terms = context.agreement.intake.acknowledgement
    if terms is None or created.channel in BY_PHONE:
        return []
    return [DecidedEvent(AcknowledgementSent(cost_notice=terms.cost_notice))]


def _assignment(created: TicketCreated, context: Context) -> list[DecidedEvent]:
    """To the dedicated agent that comes with the add-on, or who stands in; else, where the agreement says so, to the queue."""
    agreement = context.agreement
    agent = dedicated_agent(created.addons, agreement, context.contacts)
    if agreement.intake.assign is None and (agreement.dedicated_agent is None or agent is None):
        return []
    deputy = context.stand_ins.get(agent or QUEUE)
    return [DecidedEvent(Assigned(agent=deputy or agent or QUEUE, deputy_for=None if deputy is None else agent))]


def _check_channel(created: TicketCreated, context: Context) -> None:
    violations = Violations()
    check_dedicated_channel(created.channel, created.addons, context.agreement, violations)
    violations.raise_if_any(f"The ticket of customer {created.customer} cannot be created as it stands.")


def _check_input(command: CreateTicket, context: Context) -> None:
    agreement = context.agreement
    violations = Violations()
    violations.not_later_than("/occurred_at", context.occurred_at, context.now)
    violations.not_later_than("/received_at", command.received_at, context.occurred_at)
    if context.actor.role == "customer" and not context.dating.customers_may_date:
        violations.entered_now("/occurred_at", context.occurred_at, context.now)
        violations.entered_now("/received_at", command.received_at, context.now)
    if context.earliest_receipt is not None and command.received_at < context.earliest_receipt:
        violations.add(
            "/received_at",
            f"lies before {context.earliest_receipt.isoformat()}, long before the provider's first contract",
        )
    violations.known("/channel", "channel", command.channel, agreement.channels)
    if command.severity is not None:
        check_severity("/severity", command.severity, agreement, violations)
    if command.suggested_severity is not None:
        check_severity("/suggested_severity", command.suggested_severity, agreement, violations)
    check_type(command.type, agreement, violations)
    _check_words(command, agreement, violations)
    _check_required(command, agreement.ticket_type(command.type), violations)
    for name in {*NOT_PERSONAL, "company"} & command.fields.keys():
        violations.one_line(f"/fields/{name}", command.fields[name])
    email = command.fields.get("email")
    if email is not None and is_given(email):
        violations.require(is_email_address(email), "/fields/email", "is not an e-mail address")
    performer = command.fields.get("performer")
    if is_given(performer):
        violations.require(performer in PERFORMERS, "/fields/performer", f"is one of {', '.join(PERFORMERS)}")
    violations.raise_if_any(f"The ticket of customer {command.customer} cannot be created as it stands.")


def _check_words(command: CreateTicket, agreement: AgreementDocument, violations: Violations) -> None:
    """The category is one of the agreement's, and circumstances are those that its criteria ask for."""
    if command.category is not None:
        if agreement.categories is None:
            violations.add("/category", f"the agreement {agreement.agreement} has no categories")
        else:
            violations.known("/category", "category", command.category, agreement.categories)
    asked = agreement.circumstances
    for name in command.circumstances:
        if name not in asked:
            named = ", ".join(asked) or "none"
            violations.add(f"/circumstances/{name}", f"no severity has such a criterion; there are {named}")


def _check_required(command: CreateTicket, ticket_type: TicketType | None, violations: Violations) -> None:
    """Each required field must say something, wherever the command carries it."""
    for name in ticket_type.required if ticket_type is not None else []:
        text = command.fields.get(name)
        pointer = f"/fields/{name}"
        if name in OUTSIDE_FIELDS:
            text, pointer = getattr(command, name), f"/{name}"
        violations.require(is_given(text), pointer, f"is required for the ticket type {command.type}")

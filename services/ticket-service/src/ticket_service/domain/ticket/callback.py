"""Promised calls: asking for one, trying, and completing it; and the inbound calls that lead to one."""

from __future__ import annotations

from collections.abc import Iterator

from fristwerk_language.events.tickets import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackRequested,
    CallTransferAttempted,
    TimeLogged,
)
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.service_level import ServiceLevel
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotConfirmed, NotFound, NotInThisState
from ticket_service.domain.ticket.call_facts import check_queue, left_words, received, waited
from ticket_service.domain.ticket.commands import (
    AttachCall,
    AttemptCallback,
    CallbackCommand,
    CompleteCallback,
    RequestCallback,
)
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.reopening import reopened_by_promise
from ticket_service.domain.ticket.state import Callback, Ticket
from ticket_service.domain.ticket.work import check_activity
from ticket_service.domain.validation import Violations, is_given, personal


def call_back(ticket: Ticket, command: CallbackCommand, context: Context) -> list[DecidedEvent]:
    """A callback is asked for, tried or completed.

    Where the agreement promises a role (``completed_by``), a call that another role made to the end is an attempt that
    reached the customer: the callback stays open to the role that was promised.
    """
    violations = Violations()
    match command:
        case RequestCallback():
            if "purpose" in context.agreement.callback.requires:
                violations.texts(purpose=command.purpose)
            violations.raise_if_any(f"A callback for ticket {ticket.reference} says what it is for.")
            event = CallbackRequested(callback=len(ticket.callbacks) + 1, purpose="requested")
            return [DecidedEvent(event, personal(purpose=command.purpose)), *reopened_by_promise(ticket, context)]
        case AttemptCallback():
            callback = _open_callback(ticket, command.number)
            return [DecidedEvent(CallbackAttempted(callback=callback.number, reached=command.reached))]
        case CompleteCallback():
            callback = _open_callback(ticket, command.number)
            violations.texts(text=command.text)
            violations.raise_if_any(f"The callback {callback.number} of ticket {ticket.reference} stays open.")
            said = personal(text=command.text)
            if promised_role(ticket, callback, context.agreement) not in {None, context.actor.role}:
                return [DecidedEvent(CallbackAttempted(callback=callback.number, reached=True), said)]
            return [DecidedEvent(CallbackCompleted(callback=callback.number), said)]


def promised_role(ticket: Ticket, callback: Callback, agreement: AgreementDocument) -> str | None:
    """The role that the agreement's first line for callbacks of such a ticket promises; None where any may call."""
    if callback.purpose == "voicemail":
        return None
    lines = (each for each in agreement.service_levels if each.metric == "callback" and _fits(each, ticket))
    return next((each.completed_by for each in lines), None)


def _fits(line: ServiceLevel, ticket: Ticket) -> bool:
    named = ("severity", "type", "group", "channel", "site", "plan")
    fits = all(getattr(line, name) in {None, getattr(ticket, name)} for name in named)
    return fits and (line.addon is None or line.addon in ticket.addons)


def attach_call(ticket: Ticket, command: AttachCall, context: Context) -> list[DecidedEvent]:
    """An inbound call about the ticket, with all that followed from it.

    A failed transfer to the role of ``calls.transfer_to`` promises a callback, and so does a voicemail where the agreement
    has ``voicemail.creates: callback``. The call's minutes become a time entry of the caller's agent. Of what a machine
    called nothing follows.
    """
    violations = Violations()
    violations.require(
        not (command.automatic and command.transfer), "/transfer", "a call that a machine made is not put through"
    )
    violations.texts(**{"from": command.from_number})
    violations.not_later_than("/started_at", command.started_at, context.occurred_at)
    violations.require(command.minutes is None or command.minutes >= 0, "/minutes", "may not be negative")
    check_activity(command.activity, context.agreement, violations)
    check_queue(command, context.now, violations)
    _check_waited(ticket, command, context.agreement, violations)
    if command.minutes:
        violations.span(
            command.started_at, command.minutes, context.now, context.agreement.time_entries.longest_minutes
        )
        violations.not_long_before("/started_at", command.started_at, ticket.received_at)
        violations.not_before_contract("/started_at", command.started_at, context.contract_began)
    violations.raise_if_any(f"This call cannot be recorded with ticket {ticket.reference}.")
    _check_caller(ticket, command)
    facts = [received(command)]
    if command.transfer is not None:
        transfer = command.transfer
        facts.append(DecidedEvent(CallTransferAttempted(call=command.call, to=transfer.to, result=transfer.result)))
    facts += left_words(command)
    if command.automatic:
        return facts
    promised = [
        DecidedEvent(CallbackRequested(callback=number, purpose=purpose))  # type: ignore[arg-type]
        for number, purpose in enumerate(_promises(command, context.agreement), len(ticket.callbacks) + 1)
    ]
    reopened = reopened_by_promise(ticket, context) if promised or is_given(command.voicemail) else []
    return [*facts, *promised, *reopened, *_time_of(command, context)]


def _check_caller(ticket: Ticket, command: AttachCall) -> None:
    """Whoever types a reference wrongly puts one customer's call to another's ticket: that is asked back once."""
    if command.confirmed or not command.callers or ticket.customer in command.callers:
        return
    sentence = f"the caller's number is that of another customer than the one of ticket {ticket.reference}"
    raise NotConfirmed(
        "number-of-another-customer",
        f"The call was not recorded: {sentence}. Confirm it with 'confirmed': true, or name the right ticket.",
        [("confirmed", sentence)],
    )


def _check_waited(ticket: Ticket, command: AttachCall, agreement: AgreementDocument, violations: Violations) -> None:
    """A group's callers are offered the voicemail after so many minutes in the queue; a call that does not say is taken."""
    group = agreement.group(ticket.group)
    if group is None or group.voicemail_after_minutes is None or command.voicemail is None:
        return
    if (seconds := waited(command)) is not None and seconds < 60 * group.voicemail_after_minutes:
        minutes = group.voicemail_after_minutes
        violations.add("/waited_seconds", f"the group {group.id} is offered the voicemail after {minutes} minutes")


def _promises(command: AttachCall, agreement: AgreementDocument) -> Iterator[str]:
    transfer = command.transfer
    if transfer is not None and transfer.result == "failed" and transfer.to == agreement.calls.transfer_to:
        yield "failed_transfer"
    if is_given(command.voicemail) and agreement.voicemail is not None:
        yield "voicemail"


def _time_of(command: AttachCall, context: Context) -> list[DecidedEvent]:
    if not command.minutes:
        return []
    logged = TimeLogged(
        entry=command.entry,
        start=command.started_at,
        minutes=command.minutes,
        activity=command.activity,
        agent=context.actor.id,
        source="call",
        performer=command.performer,
    )
    return [DecidedEvent(logged)]


def _open_callback(ticket: Ticket, number: int) -> Callback:
    callback = next((each for each in ticket.callbacks if each.number == number), None)
    if callback is None:
        raise NotFound("callback-not-found", f"The ticket {ticket.reference} has no callback {number}.")
    if callback.completed_at is not None:
        raise NotInThisState(
            "callback-already-completed", f"The callback {number} of ticket {ticket.reference} is completed already."
        )
    return callback

"""Inbound calls.

A call about a ticket belongs to it, a voicemail without a ticket becomes one, and any other call is
kept if an agreement says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_language.events.tickets import CallReceived
from fristwerk_language.terms.agreement import CALL
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.command_executor import CommandExecutor, PlannedChange
from ticket_service.application.customers import Customers
from ticket_service.application.intake import Intake, Request
from ticket_service.application.state_cache import KeyedLocks, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.application.turns import in_turn, next_turn
from ticket_service.domain.contract.state import Contract, in_force
from ticket_service.domain.customer.commands import Contact, Register
from ticket_service.domain.customer.evolve import registered
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.ticket.commands import AttachCall, CallTransfer
from ticket_service.domain.ticket.decision_context import local_day
from ticket_service.domain.ticket.lifecycle import TicketMergedError
from ticket_service.domain.validation import Violations

VOICEMAIL: Final = "voicemail"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What the telephone system reports of one inbound call."""

    from_number: str
    started_at: datetime
    ticket: str | None = None
    to: str | None = None
    minutes: int | None = None
    activity: str = CALL
    performer: Performer | None = None
    transfer: CallTransfer | None = None
    voicemail: str | None = None
    automatic: bool = False
    waited_seconds: int | None = None


class Calls:
    """Records calls."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        terms: Terms,
        customers: Customers,
        contracts: StateCache[Contract],
        tickets: Tickets,
        intake: Intake,
    ) -> None:
        self._log = log
        self._contracts = contracts
        self._executor = executor
        self._terms = terms
        self._customers = customers
        self._tickets = tickets
        self._intake = intake
        self._taking = KeyedLocks()

    async def receive(self, meta: CommandMetadata, call: Call) -> CommandResult:
        """Record a call on a ticket (by id), open a ticket from a voicemail, or only keep the call."""
        if call.ticket is not None:
            return await self._attach(meta, call.ticket, self._attached(meta, call))
        violations = Violations()
        violations.not_later_than("/started_at", call.started_at, meta.now)
        if call.minutes:
            violations.not_later_than("/minutes", call.started_at + timedelta(minutes=call.minutes), meta.now)
        if call.voicemail is None and call.transfer is not None:
            violations.add("/ticket", "a transfer follows the logged matter: name its ticket")
        violations.raise_if_any("The call cannot be recorded like this.")
        if call.voicemail is None or call.automatic:
            return await self._keep(meta, call)
        # Two calls from one number that nobody knows are one new customer: of this process the
        # second waits here.
        matter = self._customers.callers_like(meta.principal.provider, call.from_number)
        async with self._taking.of(matter or ""):
            return await in_turn(partial(self._open_ticket, meta, call, call.voicemail, matter))

    async def _attach(self, meta: CommandMetadata, ticket: str, attached: AttachCall) -> CommandResult:
        """Record the call on its ticket, or on the ticket that this one was merged into."""
        try:
            return await self._tickets.execute(meta, ticket, attached)
        except TicketMergedError as merged:
            return await self._attach(msgspec.structs.replace(meta, if_match=None), merged.into, attached)

    async def _open_ticket(self, meta: CommandMetadata, call: Call, text: str, matter: str | None) -> CommandResult:
        """Received when the message was left.

        A caller nobody knows is registered as a prospect in the same transaction.

        Whoever registers at another process claims the same turn of the ``matter``; a caller
        without a number is nobody's.
        """
        claims = () if matter is None else ((await next_turn(self._log, matter)).claim,)
        customer = await self._known_caller(meta.principal.provider, call)
        before: list[PlannedChange] = []
        if customer is None:
            number = call.from_number
            contact = Contact(phone=number) if normalised_phone(number) else None
            before = [self._customers.registration(meta, Register(name=number, kind="prospect", contact=contact))]
            registration = before[0].facts[0].event
            assert isinstance(registration, CustomerRegistered), "a registration is one event"
            customer = registered(registration)
        else:
            claims = ()
        request = Request(
            received_at=call.started_at,
            channel=VOICEMAIL,
            subject="Voicemail",
            description=text,
            fields={"phone": call.from_number},
        )
        ground = await self._intake.ground(meta, customer, request)
        if VOICEMAIL not in ground.context.agreement.channels:
            sentence = f"the agreement {ground.context.agreement.agreement} has no channel {VOICEMAIL!r}"
            raise NotAcceptable(f"The message becomes no ticket: {sentence}.", [("/voicemail", sentence)])
        following = [self._attached(meta, call)]
        return await self._intake.conclude(meta, ground, before=before, following=following, claims=claims)

    async def _keep(self, meta: CommandMetadata, call: Call) -> CommandResult:
        """``calls.log_all`` of any of the provider's agreements: nobody knows yet under which one
        the caller is served.

        The number is sealed for the customer who has it, so that it is forgotten with the person;
        else for the call alone.
        """
        provider = meta.principal.provider
        agreements = await (await self._terms.of(provider)).agreements_at(call.started_at)
        by_number = await self._dedicated_to(provider, call)
        if by_number is None and not any(each.calls.log_all for each in agreements):
            sentence = "no agreement keeps calls without a ticket (calls.log_all)"
            raise NotAcceptable(f"The call is not kept: {sentence}.", [("/ticket", sentence)], code="call-not-kept")
        caller = by_number or await self._known_caller(provider, call)
        call_id = self._executor.new_id(meta.now)
        stream = streams.CALL.stream(call_id)
        event = CallReceived(
            call=call_id,
            started_at=call.started_at,
            minutes=call.minutes,
            to=call.to,
            automatic=call.automatic,
            waited_seconds=call.waited_seconds,
        )
        change = PlannedChange(
            stream=stream,
            after_version=0,
            subject=stream if caller is None else caller.subject,
            facts=[DecidedEvent(event, {"from": call.from_number})],
            occurred_at=meta.occurred_at if meta.occurred_at_given else min(call.started_at, meta.occurred_at),
        )
        events = await self._executor.prepare(meta, [change])
        kept = {"id": call_id, "started_at": call.started_at, "minutes": call.minutes, "to": call.to}
        kept["customer"] = None if caller is None else caller.id
        return await self._executor.store(meta, events, {"call": kept}, version=1)

    async def _known_caller(self, provider: str, call: Call) -> Customer | None:
        """The customer whose own number was called, else the one who has the caller's number; of
        several, the one registered first.
        """
        if (dedicated := await self._dedicated_to(provider, call)) is not None:
            return dedicated
        known = await self._customers.with_phone(provider, call.from_number)
        return (await self._customers.customer(provider, known[0])).state if known else None

    async def _dedicated_to(self, provider: str, call: Call) -> Customer | None:
        """The customer whose contract, in force when the call began, has the number that was called
        for its own.
        """
        number = normalised_phone(call.to or "")
        found = await self._log.labelled(names.own_number(provider, number)) if number else []
        for contract in await self._contracts.at(found):
            state = contract.state
            agreement = await self._terms.agreement_version(provider, state.agreement, state.agreement_version)
            if in_force(state, local_day(call.started_at, agreement, state.site)):
                return (await self._customers.customer(provider, state.customer)).state
        return None

    def _attached(self, meta: CommandMetadata, call: Call) -> AttachCall:
        return AttachCall(
            call=self._executor.new_id(meta.now),
            entry=self._executor.new_id(meta.now),
            from_number=call.from_number,
            to=call.to,
            started_at=call.started_at,
            minutes=call.minutes,
            activity=call.activity,
            performer=call.performer,
            transfer=call.transfer,
            voicemail=call.voicemail,
            automatic=call.automatic,
            waited_seconds=call.waited_seconds,
        )

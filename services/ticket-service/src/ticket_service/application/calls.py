"""Inbound calls.

A call about a ticket belongs to it, a voicemail without a ticket becomes one, and any other call is
kept if an agreement says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_language.terms.agreement import CALL
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.event_log import NO_NAMES, EventLog, NameChange
from ticket_service.application import names
from ticket_service.application.agents import Agents
from ticket_service.application.command_executor import CommandExecutor, PlannedChange
from ticket_service.application.customers import Customers
from ticket_service.application.intake import Intake, Request
from ticket_service.application.phone_forms import written_forms
from ticket_service.application.state_cache import KeyedLocks, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.application.turns import in_turn, next_turn
from ticket_service.domain.call.state import LoggedCall
from ticket_service.domain.contract.state import Contract, in_force
from ticket_service.domain.customer.commands import Contact, Register
from ticket_service.domain.customer.evolve import registered
from ticket_service.domain.customer.state import Customer, customer_of
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.ticket.call_facts import check_queue, left_words, received
from ticket_service.domain.ticket.commands import AttachCall, CallTransfer, MessageSource
from ticket_service.domain.ticket.decision_context import local_day
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.domain.ticket.possible_commands import TicketMergedError
from ticket_service.domain.validation import Violations
from ticket_service.personal_data import subject_of

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
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    abandoned: bool = False
    source: MessageSource | None = None
    confirmed: bool = False


class Calls:
    """Records calls."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        terms: Terms,
        customers: Customers,
        contracts: StateCache[Contract],
        known: StateCache[LoggedCall],
        tickets: Tickets,
        intake: Intake,
        agents: Agents,
    ) -> None:
        self._agents = agents
        self._log = log
        self._known = known
        self._contracts = contracts
        self._executor = executor
        self._terms = terms
        self._customers = customers
        self._tickets = tickets
        self._intake = intake
        self._taking = KeyedLocks()

    async def receive(self, meta: CommandMetadata, call: Call) -> CommandResult:
        """Record a call on a ticket (by id), open a ticket from a voicemail, or only keep the call."""
        dedicated = await self._dedicated_to(meta.principal.provider, call)
        told = self._told(meta, call, dedicated)
        if call.ticket is not None:
            callers = await self._customers.with_phone(meta.principal.provider, call.from_number)
            return await self.attach(meta, call.ticket, msgspec.structs.replace(told, callers=tuple(callers)))
        violations = Violations()
        violations.not_later_than("/started_at", call.started_at, meta.now)
        if call.minutes:
            violations.not_later_than("/minutes", call.started_at + timedelta(minutes=call.minutes), meta.now)
        check_queue(told, meta.now, violations)
        if call.voicemail is None and call.transfer is not None:
            violations.add("/ticket", "a transfer follows the logged matter: name its ticket")
        violations.raise_if_any("The call cannot be recorded like this.")
        if call.voicemail is None or call.automatic:
            return await self._keep(meta, told, dedicated)
        # Two calls from one number that nobody knows are one new customer: of this process the
        # second waits here.
        matter = await self._customers.callers_like(meta.principal.provider, call.from_number)
        async with self._taking.of(matter or ""):
            return await in_turn(partial(self._open_ticket, meta, told, call.voicemail, dedicated, matter))

    async def attach(self, meta: CommandMetadata, ticket: str, told: AttachCall) -> CommandResult:
        """Record the call on its ticket, or on the ticket that this one was merged into."""
        try:
            return await self._tickets.execute(meta, ticket, told)
        except TicketMergedError as merged:
            return await self.attach(msgspec.structs.replace(meta, if_match=None), merged.into, told)

    async def _open_ticket(
        self, meta: CommandMetadata, told: AttachCall, text: str, dedicated: Customer | None, matter: str | None
    ) -> CommandResult:
        """Received when the message was left.

        A caller nobody knows is registered as a prospect in the same transaction.

        Whoever registers at another process claims the same turn of the ``matter``; a caller
        without a number is nobody's.
        """
        provider = meta.principal.provider
        claims = () if matter is None else ((await next_turn(self._log, matter)).claim,)
        customer = dedicated or await self.known_caller(provider, told.from_number)
        before: list[PlannedChange] = []
        if customer is None:
            customer, before = self.newcomer(meta, told.from_number)
        else:
            claims = ()
        request = Request(
            received_at=told.started_at,
            channel=VOICEMAIL,
            subject="Voicemail",
            description=text,
            fields={"phone": told.from_number},
        )
        ground = await self._intake.ground(meta, customer, request)
        if VOICEMAIL not in ground.context.agreement.channels:
            if await self._keeps_all(provider, told.started_at):
                return await self._keep(meta, told, dedicated)
            sentence = f"the agreement {ground.context.agreement.agreement} has no channel {VOICEMAIL!r}"
            raise NotAcceptable(f"The message becomes no ticket: {sentence}.", [("/voicemail", sentence)])
        claims = (*claims, *names.claims_of_source(provider, told.source))
        return await self._intake.conclude(meta, ground, before=before, following=[told], claims=claims)

    def newcomer(self, meta: CommandMetadata, number: str) -> tuple[Customer, list[PlannedChange]]:
        """A caller nobody knows as a prospect named by the number, and what registers them."""
        contact = Contact(phone=number) if normalised_phone(number) else None
        change = self._customers.registration(meta, Register(name=number, kind="prospect", contact=contact))
        registration = change.facts[0].event
        assert isinstance(registration, CustomerRegistered), "a registration is one event"
        return registered(registration), [change]

    async def _keeps_all(self, provider: str, at: datetime) -> bool:
        """``calls.log_all`` of any of the provider's agreements: nobody knows yet under which one
        the caller is served.
        """
        agreements = await (await self._terms.of(provider)).agreements_at(at)
        return any(each.calls.log_all for each in agreements)

    async def _keep(self, meta: CommandMetadata, told: AttachCall, dedicated: Customer | None) -> CommandResult:
        """The number is sealed for the customer who has it, so that it is forgotten with the
        person; else for the call alone.
        """
        provider = meta.principal.provider
        if dedicated is None and not await self._keeps_all(provider, told.started_at):
            sentence = "no agreement keeps calls without a ticket (calls.log_all)"
            raise NotAcceptable(f"The call is not kept: {sentence}.", [("/ticket", sentence)], code="call-not-kept")
        caller = dedicated or await self.known_caller(provider, told.from_number)
        stream = streams.CALL.stream(told.call)
        claims = names.claims_of_source(provider, told.source)
        change = PlannedChange(
            stream=stream,
            after_version=0,
            subject=stream if caller is None else caller.subject,
            facts=[received(told, await self._for_agent(provider, caller, told)), *left_words(told)],
            occurred_at=meta.occurred_at if meta.occurred_at_given else min(told.started_at, meta.occurred_at),
            names=NameChange(claims=claims) if claims else NO_NAMES,
        )
        events = await self._executor.prepare(meta, [change])
        loaded = self._known.after(None, (each.recorded for each in events))
        result = await self._executor.store(meta, events, {"call": kept_call(loaded.state)}, version=loaded.version)
        self._known.keep(stream, loaded)
        return result

    async def _for_agent(self, provider: str, caller: Customer | None, told: AttachCall) -> str | None:
        """Who is asked for: the caller's dedicated agent, or who stood in when the call began."""
        own = None if caller is None else caller.contacts.get(DEDICATED_AGENT)
        return None if own is None else await self._agents.stand_in(provider, own, told.started_at) or own

    async def kept(self, stream: str) -> dict[str, Any]:
        """What the command answered that kept the call of that stream."""
        loaded = await self._known.newest(stream)
        assert loaded is not None, "a claim is held by a stream that there is"
        return kept_call(loaded.state)

    async def known_caller(self, provider: str, number: str) -> Customer | None:
        """The customer who has the caller's number; of several, the one registered first."""
        known = await self._customers.with_phone(provider, number)
        return (await self._customers.customer(provider, known[0])).state if known else None

    async def _dedicated_to(self, provider: str, call: Call) -> Customer | None:
        """The customer whose contract, in force when the call began, has the number that was called
        for its own.
        """
        forms = written_forms(call.to, await self._terms.country(provider)) if call.to else ()
        found = [each for number in forms for each in await self._log.labelled(names.own_number(provider, number))]
        for contract in await self._contracts.at(found):
            state = contract.state
            agreement = await self._terms.agreement_version(provider, state.agreement, state.agreement_version)
            if in_force(state, local_day(call.started_at, agreement, state.site)):
                return (await self._customers.customer(provider, state.customer)).state
        return None

    def _told(self, meta: CommandMetadata, call: Call, dedicated: Customer | None) -> AttachCall:
        """The call as a command; ``activity`` and ``performer`` count where it becomes a ticket's."""
        given = {name: getattr(call, name) for name in AttachCall.__struct_fields__ if name in Call.__struct_fields__}
        new_id = self._executor.new_id
        return AttachCall(call=new_id(meta.now), entry=new_id(meta.now), dedicated=dedicated is not None, **given)


def kept_call(call: LoggedCall) -> dict[str, Any]:
    """A call without a ticket as the command answers it that kept it."""
    shown = {name: getattr(call, name) for name in ("id", "started_at", "minutes", "to", "dedicated", "for_agent")}
    return shown | {"customer": caller_of(call)}


def caller_of(call: LoggedCall) -> str | None:
    """The customer for whom the number is sealed; None for a caller nobody knew."""
    subject = None if call.said is None else subject_of(call.said.text)
    return None if subject is None or streams.CALL.includes(subject) else customer_of(subject)

"""Commands to tickets: load the state, let the domain decide, append; and a ticket as it is, was, and came to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from fristwerk_language.events import UnknownEvent, decode, streams
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata, CommandResult, check_version
from fristwerk_platform.event_log import NO_NAMES, EventLog, NameChange
from ticket_service.application import names
from ticket_service.application.agents import Agents
from ticket_service.application.bookings import Bookings
from ticket_service.application.command_executor import CommandExecutor, Decision, PlannedChange
from ticket_service.application.state_cache import KeyedLocks, Loaded, StateCache
from ticket_service.application.subjects import subjects_of
from ticket_service.application.terms import Terms
from ticket_service.application.turns import in_turn
from ticket_service.application.views import SHOWN, shown
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.errors import NotFound
from ticket_service.domain.ticket.commands import (
    AttachCall,
    BookAppointment,
    Command,
    LogTime,
    MarkNoAnswerNeeded,
    MigrateTerms,
    ReceiveInformation,
    ReceiveMessage,
)
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Caller, Context, DatingRules, local_day
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.lifecycle import DONE
from ticket_service.domain.ticket.placement import PRESENT, Cause, derive_present, serving_now
from ticket_service.domain.ticket.possible_commands import check_role
from ticket_service.domain.ticket.state import Ticket

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


class Tickets:
    """One way for every command to a ticket that exists; how one begins is in ``intake``."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        terms: Terms,
        customers: StateCache[Customer],
        known: StateCache[Ticket],
        contracts: StateCache[Contract],
        dating: DatingRules,
        agents: Agents,
    ) -> None:
        self._log = log
        self._executor = executor
        self._terms = terms
        self._customers = customers
        self._known = known
        self._booking = KeyedLocks()
        self._bookings = Bookings(log, known, terms, agents)
        self._agents = agents
        self._contracts = contracts
        self._dating = dating

    async def execute(self, meta: CommandMetadata, name: str, command: Command) -> CommandResult:
        """One command to one ticket, by its id or reference. Without ``If-Match`` it is decided again after a conflict.

        A fact that is not dated occurs now, a call when it began; neither before the ticket's receipt.
        """
        ticket = await self.identify(meta.principal, name)
        if isinstance(command, BookAppointment):
            # Bookings are looked at one after the other: those of this process wait here, between processes the log refuses.
            async with self._booking.of(meta.principal.provider):
                return await in_turn(partial(self._execute, meta, ticket, command))
        return await self._execute(meta, ticket, command)

    async def _execute(self, meta: CommandMetadata, ticket: str, command: Command) -> CommandResult:
        decide = partial(self.decision, meta, ticket, command)
        return await self._executor.execute(meta, self._known, streams.TICKET.stream(ticket), decide)

    async def decision(
        self, meta: CommandMetadata, name: str, command: Command, loaded: Loaded[Ticket] | None
    ) -> Decision[Ticket]:
        """What a command comes to on a state. Raises NotFound, VersionMismatchError or a refusal of the domain."""
        found = visible(meta.principal, name, loaded)
        if meta.if_match is not None:
            check_version(meta, found.version)
        ticket, actor = found.state, caller(meta.principal)
        occurred_at = _occurred_at(meta, ticket, command)
        customer = await self._customer(ticket)
        context = Context(
            now=meta.now,
            occurred_at=occurred_at,
            actor=actor,
            agreement=await self._terms.agreement_version(found.provider, ticket.agreement, ticket.agreement_version),
            contacts=customer.contacts,
            dating=self._dating,
        )
        if ticket.assignee is not None and ticket.assignee == customer.contacts.get(DEDICATED_AGENT):
            stand_ins = await self._agents.asked(found.provider, ticket.assignee, command, occurred_at)
            context = msgspec.structs.replace(context, stand_ins=stand_ins)
        claims = _claimed_by(found.provider, command)
        if ticket.contract is not None and _worked_since(ticket, command) < ticket.received_at:
            context = await self._with_contract(context, ticket.contract)
        elif isinstance(command, BookAppointment):
            context, claims = await self._bookings.surroundings(context, found.provider, ticket, command)
        elif isinstance(command, MigrateTerms):
            context = await self._with_newest_versions(context, found.provider, ticket, command)
        elif isinstance(command, MarkNoAnswerNeeded):
            pages = self._log.stream_pages(streams.TICKET.stream(ticket.id))
            history = [decode(each.line) async for lines in pages for each in lines]
            context = msgspec.structs.replace(context, history=history)
        facts = decide(ticket, command, context)
        return Decision(
            facts=facts,
            body=SHOWN.get(meta.principal.role, shown),
            subject=customer.subject,
            occurred_at=occurred_at,
            names=NameChange(claims=claims) if claims else NO_NAMES,
        )

    async def identify(self, principal: Principal, name: str) -> str:
        """The id behind an id or a reference. Raises NotFound, in the same words where the caller may not see the ticket."""
        if _ID.fullmatch(name.lower()):
            return name.lower()
        stream = await self._log.claimant(names.reference_claim(principal.provider, name.upper()))
        if stream is None:
            raise _not_found(name)
        return visible(principal, name, await self._known.kept(stream)).state.id

    async def newest(self, principal: Principal, ticket: str) -> Loaded[Ticket]:
        """The ticket as the log tells it now. Raises NotFound, also for another provider's or customer's."""
        return visible(principal, ticket, await self._known.newest(streams.TICKET.stream(ticket)))

    async def check_may(self, principal: Principal, ticket: str, command: type[Command] | None) -> None:
        """Raises NotFound where the ticket is not there for who asks, NotAllowed for a role that may not give the command."""
        found = await self.newest(principal, ticket)
        named = found.state.agreement, found.state.agreement_version
        if command is not None:
            check_role(principal.role, command, await self._terms.agreement_version(found.provider, *named))

    async def as_of(
        self, principal: Principal, ticket: str, at: datetime | None, known_at: datetime | None
    ) -> Loaded[Ticket]:
        """The ticket by what had occurred at one instant and had been recorded at another. Raises NotFound."""
        loaded = await self.newest(principal, ticket)
        state: Ticket | None = None
        async for lines in self._log.stream_pages(streams.TICKET.stream(ticket)):
            for each in (decode(line.line) for line in lines):
                envelope = each.envelope
                is_known = not ((at and envelope.occurred_at > at) or (known_at and envelope.recorded_at > known_at))
                if is_known and not isinstance(each.event, UnknownEvent):
                    state = evolve(state, each)
        if state is None or (principal.role == "customer" and state.customer != principal.belongs_to):
            raise NotFound("ticket-not-found", f"There was no ticket {ticket} then.")
        return msgspec.structs.replace(loaded, version=state.version, state=state)

    async def personal(self, loaded: Loaded[Ticket]) -> dict[str, Any]:
        """Subject, description and personal fields of the request; empty once the person was forgotten."""
        return await self._executor.personal(loaded, *await subjects_of(loaded.state, self._customers))

    async def placed_by(self, meta: CommandMetadata, contract: Contract, cause: Cause) -> Sequence[PlannedChange]:
        """A contract that was signed or ended moves the customer's open tickets: each one's derived priority becomes that of
        the group in which it is served now, timers untouched. ``contract`` is as it stands after the command.
        """
        found = await self._log.labelled(names.of_customer(contract.customer))
        signed = await self._contracts.at(each for each in found if streams.CONTRACT.includes(each[0]))
        held = [contract, *(each.state for each in signed if each.state.id != contract.id)]
        changes = []
        for loaded in await self._known.at(await self._log.labelled(names.open_tickets_of(contract.customer))):
            ticket, stream = loaded.state, streams.TICKET.stream(loaded.state.id)
            if ticket.state in DONE or ticket.agreement != contract.agreement:
                continue
            agreement = await self._terms.agreement_version(loaded.provider, ticket.agreement, ticket.agreement_version)
            days = [(each, local_day(meta.now, agreement, each.site)) for each in held]
            serving = serving_now(ticket.contract, days)
            facts = derive_present(ticket, serving, agreement, cause)
            if facts:
                dated = max(meta.occurred_at, ticket.received_at)
                change = PlannedChange(
                    stream=stream, after_version=loaded.version, subject="", facts=facts, occurred_at=dated
                )
                changes.append(change)
        return changes

    async def place_anew(self, meta: CommandMetadata, ticket: str, contract: Contract | None) -> CommandResult:
        """A ticket that a contract serves now, or none any more, has the priority of its present group."""

        async def decide(loaded: Loaded[Ticket] | None) -> Decision[Ticket]:
            found = visible(meta.principal, ticket, loaded)
            state = found.state
            agreement = await self._terms.agreement_version(found.provider, state.agreement, state.agreement_version)
            facts = derive_present(state, contract, agreement, PRESENT)
            return Decision(facts=facts, body=shown, subject="", occurred_at=meta.occurred_at)

        return await self._executor.execute(meta, self._known, streams.TICKET.stream(ticket), decide)

    async def _customer(self, ticket: Ticket) -> Customer:
        loaded = await self._customers.newest(streams.CUSTOMER.stream(ticket.customer))
        assert loaded is not None, "a ticket is opened for a customer that is registered"
        return loaded.state

    async def _with_newest_versions(
        self, context: Context, provider: str, ticket: Ticket, command: MigrateTerms
    ) -> Context:
        """What a migration to other terms is decided on as well."""
        newest = len((await self._terms.agreement(provider, ticket.agreement)).versions)
        line_calendars = None
        if command.agreement_version is not None and 1 <= command.agreement_version <= newest:
            wanted = await self._terms.agreement_version(provider, ticket.agreement, command.agreement_version)
            line_calendars = {
                name: (await self._terms.calendar(provider, name)).in_force_at(context.now)
                for name in wanted.line_calendars
            }
        return msgspec.structs.replace(
            context,
            newest_agreement_version=newest,
            newest_calendar_version=len((await self._terms.calendar(provider, ticket.calendar)).versions),
            line_calendars=line_calendars,
        )

    async def _with_contract(self, context: Context, contract: str) -> Context:
        """What work from before its ticket is decided on as well: the first midnight of the ticket's contract."""
        loaded = await self._contracts.kept(streams.CONTRACT.stream(contract))
        assert loaded is not None, "the ticket was opened under it"
        timezone = context.agreement.timezone_at(loaded.state.site)
        began = datetime.combine(loaded.state.from_on, time.min, ZoneInfo(timezone))
        return msgspec.structs.replace(context, contract_began=began)


def _worked_since(ticket: Ticket, command: Command) -> datetime:
    """When the work began that a command tells of; the ticket's receipt if it tells of none."""
    match command:
        case LogTime(start=start) | AttachCall(started_at=start):
            return start
        case _:
            return ticket.received_at


def _claimed_by(provider: str, command: Command) -> tuple[str, ...]:
    """A message is claimed with the event that records it."""
    if not isinstance(command, ReceiveMessage | ReceiveInformation | AttachCall) or command.source is None:
        return ()
    return (names.source_claim(provider, command.source.digest),)


def _occurred_at(meta: CommandMetadata, ticket: Ticket, command: Command) -> datetime:
    """When the facts of a command happened. A call entered later says when; one of the future is refused by its decision."""
    if meta.occurred_at_given:
        return meta.occurred_at
    own = command.started_at if isinstance(command, AttachCall) else meta.occurred_at
    return max(min(own, meta.occurred_at), ticket.received_at)


def visible(principal: Principal, name: str, loaded: Loaded[Ticket] | None) -> Loaded[Ticket]:
    """The ticket if the caller may see it: staff the provider's, a customer the own company's. Raises NotFound by ``name``."""
    foreign = loaded is None or loaded.provider != principal.provider
    if loaded is None or foreign or (principal.role == "customer" and loaded.state.customer != principal.belongs_to):
        raise _not_found(name)
    return loaded


def caller(principal: Principal) -> Caller:
    """Who gives a command, as the domain knows it."""
    return Caller(id=principal.sub, role=principal.role, customer=principal.belongs_to)


def _not_found(name: str) -> NotFound:
    return NotFound("ticket-not-found", f"There is no ticket {name}.")

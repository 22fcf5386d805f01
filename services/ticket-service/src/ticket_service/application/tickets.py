"""Commands to tickets: load the state, let the domain decide, append; and the newest state for reading."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from shared.auth import Principal
from shared.event_log import Answer, EventLog, VersionConflictError
from shared.events import UnknownEvent, recorded
from shared.events.tickets import PriorityDerived
from shared.http import CommandMeta, check_version, command_answer
from ticket_service.application.customers import Customers, changed_meanwhile
from ticket_service.application.recording import Change, Recording
from ticket_service.application.streams import Loaded, Streams
from ticket_service.application.terms import Terms
from ticket_service.domain.commands import Command, CreateTicket, MigrateTerms
from ticket_service.domain.context import Caller, Context, local_day
from ticket_service.domain.contract import Contract, in_force
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.fact import Fact
from ticket_service.domain.folding import evolve_ticket
from ticket_service.domain.intake import Versions, open_ticket, serving_contract
from ticket_service.domain.state import Ticket
from ticket_service.domain.ticket import decide
from ticket_service.read_model import ReadModel

ATTEMPTS: Final = 8
"""How often a command is decided anew when somebody else was first."""
REFERENCE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: people read references to each other over the telephone."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def ticket_stream(ticket: str) -> str:
    """The stream of a ticket."""
    return f"ticket-{ticket}"


def new_reference(provider: str) -> str:
    """A short, human reference that cannot be guessed: eight random letters behind three letters of the provider."""
    prefix = re.sub(r"[^A-Z]", "", provider.upper())[:3] or "FRI"
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(8))
    return f"{prefix}-{letters[:4]}-{letters[4:]}"


class Tickets:
    """One way for every command; a lock per ticket keeps the requests of one process from racing each other."""

    def __init__(
        self,
        log: EventLog,
        recording: Recording,
        terms: Terms,
        customers: Customers,
        read_model: ReadModel,
        known: Streams[Ticket],
    ) -> None:
        self._log = log
        self._recording = recording
        self._terms = terms
        self._customers = customers
        self._read_model = read_model
        self._known = known
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, meta: CommandMeta, command: CreateTicket, following: Sequence[Command] = ()) -> Answer:
        """Intake in one transaction: ticket, entitlement and why, priority, acknowledgement, assignment.

        ``following`` commands belong to the same intake (a voicemail that became a ticket). The read model must be current.
        """
        ticket = self._recording.new_id()
        facts, context = await self._opened(meta, command)
        stream = ticket_stream(ticket)
        lines = await self._recording.lines(meta, [self._change(meta, stream, 0, command.customer, facts)])
        loaded = self._known.after(None, lines)
        for each in following:
            more = decide(loaded.state, each, context)
            added = await self._recording.lines(
                meta, [self._change(meta, stream, loaded.version, command.customer, more)]
            )
            loaded = self._known.after(loaded, added)
            lines += added
        answer = command_answer({"ticket": loaded.state}, lines, version=loaded.version)
        answer = await self._recording.store(meta, lines, answer)
        self._known.stored(stream, loaded)
        return answer

    async def execute(self, meta: CommandMeta, ticket: str, command: Command) -> Answer:
        """One command to one ticket. Without ``If-Match`` it is decided again on the newest state when others were first."""
        stream = ticket_stream(ticket)
        lock = self._locks.setdefault(ticket, asyncio.Lock())
        async with lock:
            for _ in range(ATTEMPTS):
                loaded = await self._visible(meta.principal, ticket)
                check_version(meta, loaded.version)
                facts = decide(loaded.state, command, await self._context(meta, loaded.state, command))
                change = self._change(meta, stream, loaded.version, loaded.state.customer, facts)
                lines = await self._recording.lines(meta, [change])
                after = self._known.after(loaded, lines) if lines else loaded
                answer = command_answer({"ticket": after.state}, lines, version=after.version)
                if not lines:
                    return answer
                try:
                    answer = await self._recording.store(meta, lines, answer)
                except VersionConflictError:
                    self._known.forget(stream)
                    continue
                self._known.stored(stream, after)
                return answer
        raise changed_meanwhile(f"ticket {ticket}")

    @staticmethod
    def is_id(name: str) -> bool:
        """Whether the name is an id and not a reference."""
        return _ID.fullmatch(name) is not None

    async def identify(self, principal: Principal, name: str) -> str:
        """The id behind an id or a reference. Raises NotFound."""
        if self.is_id(name):
            return name
        found = await self._read_model.ticket_by_reference(principal.provider, name.upper())
        if found is None:
            raise NotFound("ticket-not-found", f"There is no ticket {name}.")
        return found

    async def newest(self, principal: Principal, ticket: str) -> Loaded[Ticket]:
        """The ticket as the log tells it now. Raises NotFound, also for another provider's or customer's."""
        return self._may_see(principal, ticket, await self._known.newest(ticket_stream(ticket)))

    async def as_of(
        self, principal: Principal, ticket: str, at: datetime | None, known_at: datetime | None
    ) -> Loaded[Ticket]:
        """The ticket by what had occurred at one instant and had been recorded at another. Raises NotFound."""
        await self.newest(principal, ticket)
        loaded: Loaded[Ticket] | None = None
        for line in await self._log.read_stream(ticket_stream(ticket)):
            each = recorded(line.line)
            envelope = each.envelope
            if (at and envelope.occurred_at > at) or (known_at and envelope.recorded_at > known_at):
                continue
            if isinstance(each.event, UnknownEvent):
                continue
            state = evolve_ticket(loaded.state if loaded else None, each.event, envelope)
            if state is not None:
                loaded = Loaded(envelope.provider, envelope.version, state)
        if loaded is None:
            raise NotFound("ticket-not-found", f"There was no ticket {ticket} then.")
        return loaded

    async def history(self, principal: Principal, ticket: str) -> list[dict[str, Any]]:
        """The ticket's events with their personal parts opened. Raises NotFound."""
        await self.newest(principal, ticket)
        lines = await self._log.read_stream(ticket_stream(ticket))
        return await self._recording.opened(line.line for line in lines)

    async def personal(self, ticket: str) -> Mapping[str, Any]:
        """Subject, description and personal fields of the request; empty once the person was forgotten."""
        lines = await self._log.read_stream(ticket_stream(ticket))
        return await self._recording.personal_of(lines[0].line) or {}

    async def reprioritised(self, meta: CommandMeta, contract: Contract) -> list[Change]:
        """A contract signed later raises the customer's open tickets: a derived priority each, timers untouched."""
        agreement = await self._terms.agreement_version(
            meta.principal.provider, contract.agreement, contract.agreement_version
        )
        group = agreement.group(contract.group)
        if group is None or not in_force(contract, local_day(meta.occurred_at, agreement)):
            return []
        changes = []
        for ticket in await self._read_model.open_tickets(meta.principal.provider, contract.customer):
            if ticket.contract is not None or ticket.agreement != contract.agreement:
                continue
            fact = Fact(PriorityDerived(priority=group.priority, rule=f"contract-signed:{group.id}"))
            changes.append(self._change(meta, ticket_stream(ticket.id), ticket.version, contract.customer, [fact]))
        return changes

    async def _visible(self, principal: Principal, ticket: str) -> Loaded[Ticket]:
        return self._may_see(principal, ticket, await self._known.kept(ticket_stream(ticket)))

    @staticmethod
    def _may_see(principal: Principal, ticket: str, loaded: Loaded[Ticket] | None) -> Loaded[Ticket]:
        foreign = loaded is None or loaded.provider != principal.provider
        if loaded is None or foreign or (principal.role == "customer" and loaded.state.customer != principal.customer):
            raise NotFound("ticket-not-found", f"There is no ticket {ticket}.")
        return loaded

    async def _context(self, meta: CommandMeta, ticket: Ticket, command: Command) -> Context:
        provider = meta.principal.provider
        agreement = await self._terms.agreement_version(provider, ticket.agreement, ticket.agreement_version)
        context = Context(
            now=meta.now,
            occurred_at=meta.occurred_at,
            actor=_caller(meta.principal),
            agreement=agreement,
            contacts=(await self._customers.customer(provider, ticket.customer)).state.contacts,
        )
        if not isinstance(command, MigrateTerms):
            return context
        return msgspec.structs.replace(
            context,
            newest_agreement_version=len((await self._terms.agreement(provider, ticket.agreement)).versions),
            newest_calendar_version=len((await self._terms.calendar(provider, ticket.calendar)).versions),
        )

    async def _opened(self, meta: CommandMeta, command: CreateTicket) -> tuple[list[Fact], Context]:
        """Look up what intake must know, and let it decide: the customer, its contracts, the agreement, the calendars."""
        provider = meta.principal.provider
        customer = (await self._customers.customer(provider, command.customer)).state
        offered = [
            (each, await self._terms.agreement_version(provider, each.agreement, each.agreement_version))
            for each in await self._read_model.contracts_of(command.customer)
        ]
        serving = serving_contract(command, offered)
        contract = serving[0] if serving else None
        name = contract.agreement if contract else await self._default_agreement(provider)
        agreement, version = await self._terms.newest_agreement(provider, name)
        calendars = {
            each: len((await self._terms.calendar(provider, each)).versions) for _, each in agreement.calendar_names()
        }
        context = Context(
            now=meta.now,
            occurred_at=meta.occurred_at,
            actor=_caller(meta.principal),
            agreement=agreement,
            contacts=customer.contacts,
        )
        versions = Versions(agreement=version, calendars=calendars)
        return open_ticket(command, customer, contract, versions, context), context

    async def _default_agreement(self, provider: str) -> str:
        agreements = await self._read_model.agreements(provider)
        defaults = [row.name for row in agreements if row.is_default] or [row.name for row in agreements]
        if len(defaults) != 1:
            raise NotAcceptable(
                "the customer has no contract in force, and the provider has no agreement for that: "
                "publish one, or mark one of them 'default: true'",
                code="no-default-agreement",
            )
        return defaults[0]

    @staticmethod
    def _change(meta: CommandMeta, stream: str, version: int, subject: str, facts: Sequence[Fact]) -> Change:
        return Change(stream=stream, after_version=version, subject=subject, facts=facts, occurred_at=meta.occurred_at)


def _caller(principal: Principal) -> Caller:
    return Caller(id=principal.sub, role=principal.role, customer=principal.customer)

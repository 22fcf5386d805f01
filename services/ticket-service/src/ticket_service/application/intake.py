"""Opening a ticket: look up everything that decides about it, and store all that follows in one
transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.commands import CommandMetadata, CommandResult, ContentionError
from fristwerk_platform.event_log import ClaimedError, EventLog, NameChange
from ticket_service.application import names
from ticket_service.application.agents import Agents
from ticket_service.application.command_executor import ATTEMPTS, CommandExecutor, PlannedChange, renamed
from ticket_service.application.customers import no_customer
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.provider_terms import ProviderTerms
from ticket_service.application.states import States
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import caller
from ticket_service.application.views import SHOWN, shown
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.commands import AttachCall, Command, CreateTicket, MessageSource
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Context, DatingRules
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.domain.ticket.intake import Versions, open_ticket, serving_contract
from ticket_service.domain.validation import Violations
from ticket_service.entropy import random_bytes

REFERENCE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: people read references to each other over the telephone."""


Beside = Callable[[str, str], tuple[Sequence[PlannedChange], Sequence[DecidedEvent]]]
"""By a new ticket's id and reference: what is stored in other streams with it, and which facts of
its own follow.
"""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it reached the vendor.

    ``received_at`` is when, ``fields`` what the ticket's type asks for, ``follows`` the ticket that
    was done before.
    """

    received_at: datetime
    channel: str
    type: str = "normal"
    subject: str = ""
    description: str = ""
    fields: dict[str, str] = {}
    severity: str | None = None
    suggested_severity: str | None = None
    contract: str | None = None
    follows: str | None = None
    source: MessageSource | None = None
    category: str | None = None
    circumstances: dict[str, bool] = {}
    severity_reason: str | None = None


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What a new ticket rests on: its customer, the contract that serves it, if any, and the terms
    in force when it was received.
    """

    command: CreateTicket
    customer: Customer
    contract: Contract | None
    versions: Versions
    context: Context


class Intake:
    """Opens tickets."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        newest_reads: NewestReads,
        terms: Terms,
        states: States,
        dating: DatingRules,
        agents: Agents,
    ) -> None:
        self._agents = agents
        self._log = log
        self._executor = executor
        self._newest_reads = newest_reads
        self._terms = terms
        self._customers = states.customers
        self._contracts = states.contracts
        self._known = states.tickets
        self._dating = dating

    async def open(
        self,
        meta: CommandMetadata,
        customer: str,
        request: Request,
        *,
        following: Sequence[Command] = (),
        claims: tuple[str, ...] = (),
    ) -> CommandResult:
        """A ticket of a customer: entitlement and why, derived priority, acknowledgement,
        assignment. What is ``following`` belongs to the same intake; ``claims`` are claimed with
        it.
        """
        violations = Violations()
        violations.not_later_than("/received_at", request.received_at, meta.now)
        violations.raise_if_any(f"The ticket of customer {customer} cannot be created as it stands.")
        principal = meta.principal
        foreign = principal.role == "customer" and customer != principal.belongs_to
        asking, contracts, terms = await self._look_up(principal.provider, customer)
        if foreign or asking is None:
            raise no_customer(customer)
        ground = await self._ground(meta, asking, contracts, terms, request)
        return await self.conclude(meta, ground, following=following, claims=claims)

    async def ground(self, meta: CommandMetadata, customer: Customer, request: Request) -> Ground:
        """Look up what decides about a request of a customer, who may be registered together with
        it.

        Raises NotAcceptable where no agreement serves the customer.
        """
        _, contracts, terms = await self._look_up(meta.principal.provider, customer.id)
        return await self._ground(meta, customer, contracts, terms, request)

    async def _look_up(self, provider: str, customer: str) -> tuple[Customer | None, list[Contract], ProviderTerms]:
        """The customer, its contracts and what the provider has published, in every append so far.

        These are two labels, which the log looks for in one query.
        """
        wanted = (names.of_customer(customer), names.terms_of(provider))
        found, published = await self._log.labelled_each(wanted)
        terms = self._terms.among(provider, published)
        own = await self._customers.at(each for each in found if streams.CUSTOMER.includes(each[0]))
        contracts = await self._contracts.at(each for each in found if streams.CONTRACT.includes(each[0]))
        asking = next((each.state for each in own if each.provider == provider), None)
        return asking, [each.state for each in contracts], terms

    async def _ground(
        self,
        meta: CommandMetadata,
        customer: Customer,
        contracts: Sequence[Contract],
        terms: ProviderTerms,
        request: Request,
    ) -> Ground:
        """What a new ticket rests on. Raises NotAcceptable where no agreement serves the customer."""
        provider, received_at = meta.principal.provider, request.received_at
        offered = [(each, await terms.agreement_version(each.agreement, each.agreement_version)) for each in contracts]
        reference = _new_reference(provider)
        command = CreateTicket(reference=reference, customer=customer.id, **msgspec.structs.asdict(request))
        serving = serving_contract(command, offered)
        contract = serving[0] if serving else None
        name = contract.agreement if contract else await terms.default_agreement()
        agreement, version = await terms.agreement_at(name, received_at)
        calendars = {each: await terms.calendar_at(each, received_at) for _, each in agreement.calendar_names}
        occurred_at = meta.occurred_at if meta.occurred_at_given else request.received_at
        context = Context(
            now=meta.now,
            occurred_at=occurred_at,
            actor=caller(meta.principal),
            agreement=agreement,
            contacts=customer.contacts,
            dating=self._dating,
            stand_ins=await self._agents.stand_ins(provider, customer.contacts.get(DEDICATED_AGENT), occurred_at),
            earliest_receipt=await self._earliest_receipt(meta, request),
        )
        versions = Versions(agreement=version, calendars=calendars)
        return Ground(command=command, customer=customer, contract=contract, versions=versions, context=context)

    async def _earliest_receipt(self, meta: CommandMetadata, request: Request) -> datetime | None:
        """The earliest instant at which a request can have been received.

        It is looked up only for requests received long ago, which are rare.
        """
        margin = self._dating.receipt_before_contracts
        if request.received_at >= meta.now - margin:
            return None
        first_day = await self._newest_reads.first_contract_day(meta.principal.provider)
        if first_day is None:
            return meta.now - margin
        return min(datetime.combine(first_day, time.min, UTC), meta.now) - margin

    async def conclude(
        self,
        meta: CommandMetadata,
        ground: Ground,
        *,
        before: Sequence[PlannedChange] = (),
        following: Sequence[Command] = (),
        claims: tuple[str, ...] = (),
        beside: Beside | None = None,
    ) -> CommandResult:
        """Store the ticket.

        ``before`` registers a customer nobody knew, ``following`` belong to the same intake.

        The ticket claims its reference in the same transaction, and gets another one where that was
        taken.
        """
        for _ in range(ATTEMPTS):
            try:
                return await self._conclude(meta, ground, before, following, claims, beside)
            except ClaimedError as error:
                claimed = ground.command.reference
                if error.claim != names.reference_claim(meta.principal.provider, claimed):
                    raise
                command = msgspec.structs.replace(ground.command, reference=_new_reference(meta.principal.provider))
                ground = msgspec.structs.replace(ground, command=command)
        raise ContentionError

    async def _conclude(
        self,
        meta: CommandMetadata,
        ground: Ground,
        before: Sequence[PlannedChange],
        following: Sequence[Command],
        claims: tuple[str, ...],
        beside: Beside | None,
    ) -> CommandResult:
        """Raises ClaimedError where another ticket has the reference, the message or what else is
        claimed.
        """
        facts = open_ticket(ground.command, ground.customer, ground.contract, ground.versions, ground.context)
        ticket = self._executor.new_id(meta.now)
        stream = streams.TICKET.stream(ticket)
        if beside is not None:
            others, own = beside(ticket, ground.command.reference)
            before, facts = [*before, *others], [*facts, *own]
        events = await self._executor.prepare(meta, [self._change(ground, stream, 0, facts)])
        loaded = self._known.after(None, (each.recorded for each in events))
        for each in following:
            then = _ground_of(ground, each)
            more = decide(loaded.state, each, then.context)
            added = await self._executor.prepare(meta, [self._change(then, stream, loaded.version, more)])
            loaded = self._known.after(loaded, (each.recorded for each in added))
            events += added
        claim = NameChange(claims=(*_claims(meta.principal.provider, ground.command), *claims))
        events = renamed(events, claim | self._known.renamed(None, loaded))
        events = [*await self._executor.prepare(meta, before), *events]
        result = await self._executor.store(
            meta, events, SHOWN.get(meta.principal.role, shown)(loaded.state), version=loaded.version
        )
        self._known.keep(stream, loaded)
        return result

    @staticmethod
    def _change(ground: Ground, stream: str, version: int, facts: Sequence[DecidedEvent]) -> PlannedChange:
        return PlannedChange(
            stream=stream,
            after_version=version,
            subject=ground.customer.subject,
            facts=facts,
            occurred_at=ground.context.occurred_at,
        )


def _ground_of(ground: Ground, command: Command) -> Ground:
    """What one of the commands of an intake rests on: of several calls a later one occurred when it began."""
    if not isinstance(command, AttachCall) or command.started_at <= ground.context.occurred_at:
        return ground
    context = msgspec.structs.replace(ground.context, occurred_at=command.started_at)
    return msgspec.structs.replace(ground, context=context)


def _claims(provider: str, command: CreateTicket) -> Iterator[str]:
    yield names.reference_claim(provider, command.reference)
    if command.source is not None:
        yield names.source_claim(provider, command.source.digest)


def _new_reference(provider: str) -> str:
    """A short, human reference that cannot be guessed: eight random letters behind three letters of
    the provider.
    """
    prefix = re.sub(r"[^A-Z]", "", provider.upper())[:3] or "FRI"
    letters = "".join(REFERENCE_LETTERS[each % len(REFERENCE_LETTERS)] for each in random_bytes(8))
    return f"{prefix}-{letters[:4]}-{letters[4:]}"

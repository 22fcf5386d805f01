"""How a ticket begins: everything that intake must know is looked up, and all that follows is one transaction."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.commands import CommandMetadata, CommandResult
from ticket_service.application.command_executor import CommandExecutor, PlannedChange
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import SHOWN, caller, shown
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound
from ticket_service.domain.ticket.commands import Command, CreateTicket
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Context, DatingRules
from ticket_service.domain.ticket.intake import Versions, open_ticket, serving_contract
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations
from ticket_service.queries.read_model import ReadModel

REFERENCE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: people read references to each other over the telephone."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What reached the vendor. ``received_at`` is when, ``fields`` what the ticket's type asks for, ``follows`` the ticket
    that was done before.
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


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """On what a new ticket stands: its customer, the serving contract if any, and the terms in force at its receipt."""

    command: CreateTicket
    customer: Customer
    contract: Contract | None
    versions: Versions
    context: Context


class Intake:
    """Opens tickets."""

    def __init__(
        self,
        executor: CommandExecutor,
        current: ConsistentReads,
        terms: Terms,
        customers: Customers,
        known: StateCache[Ticket],
        dating: DatingRules,
    ) -> None:
        self._executor = executor
        self._current = current
        self._terms = terms
        self._customers = customers
        self._known = known
        self._dating = dating

    async def open(
        self, meta: CommandMetadata, customer: str, request: Request, following: Sequence[Command] = ()
    ) -> CommandResult:
        """A ticket of a customer: entitlement and why, derived priority, acknowledgement, assignment. What is ``following``
        belongs to the same intake.
        """
        violations = Violations()
        violations.not_later_than("/received_at", request.received_at, meta.now)
        violations.raise_if_any(f"The ticket of customer {customer} cannot be created as it stands.")
        principal = meta.principal
        if principal.role == "customer" and customer != principal.customer:
            raise NotFound("customer-not-found", f"There is no customer {customer}.")
        loaded = await self._customers.customer(principal.provider, customer)
        ground = await self.ground(meta, loaded.state, request, await self._current())
        return await self.conclude(meta, ground, following=following)

    async def ground(
        self, meta: CommandMetadata, customer: Customer, request: Request, read_model: ReadModel
    ) -> Ground:
        """Look up what decides about a request. Raises NotAcceptable where no agreement serves the customer."""
        provider = meta.principal.provider
        reference, is_free = "", False
        while not is_free:
            reference = _new_reference(provider)
            contracts, is_free = await read_model.for_intake(provider, customer.id, reference)
        offered = [
            (each, await self._terms.agreement_version(provider, each.agreement, each.agreement_version))
            for each in contracts
        ]
        command = CreateTicket(reference=reference, customer=customer.id, **msgspec.structs.asdict(request))
        serving = serving_contract(command, offered)
        contract = serving[0] if serving else None
        name = contract.agreement if contract else await self._terms.default_agreement(provider, read_model)
        received_at = request.received_at
        agreement, version = await self._terms.agreement_at(provider, name, received_at)
        calendars = {
            each: (await self._terms.calendar(provider, each)).in_force_at(received_at)
            for _, each in agreement.calendar_names()
        }
        context = Context(
            now=meta.now,
            occurred_at=meta.occurred_at if meta.occurred_at_given else request.received_at,
            actor=caller(meta.principal),
            agreement=agreement,
            contacts=customer.contacts,
            dating=self._dating,
            earliest_receipt=await self._earliest_receipt(meta, request, read_model),
        )
        versions = Versions(agreement=version, calendars=calendars)
        return Ground(command=command, customer=customer, contract=contract, versions=versions, context=context)

    async def _earliest_receipt(
        self, meta: CommandMetadata, request: Request, read_model: ReadModel
    ) -> datetime | None:
        """Before which nothing was received. Only looked up for what was received long ago: that is rare."""
        margin = self._dating.receipt_before_contracts
        if request.received_at >= meta.now - margin:
            return None
        first_day = await read_model.first_contract_day(meta.principal.provider)
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
    ) -> CommandResult:
        """Store the ticket. ``before`` registers a customer nobody knew, ``following`` belong to the same intake."""
        facts = open_ticket(ground.command, ground.customer, ground.contract, ground.versions, ground.context)
        stream = streams.TICKET.stream(self._executor.new_id(meta.now))
        events = await self._executor.prepare(meta, [self._change(ground, stream, 0, facts)])
        loaded = self._known.after(None, (each.recorded for each in events))
        for each in following:
            more = decide(loaded.state, each, ground.context)
            added = await self._executor.prepare(meta, [self._change(ground, stream, loaded.version, more)])
            loaded = self._known.after(loaded, (each.recorded for each in added))
            events += added
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


def _new_reference(provider: str) -> str:
    """A short, human reference that cannot be guessed: eight random letters behind three letters of the provider."""
    prefix = re.sub(r"[^A-Z]", "", provider.upper())[:3] or "FRI"
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(8))
    return f"{prefix}-{letters[:4]}-{letters[4:]}"

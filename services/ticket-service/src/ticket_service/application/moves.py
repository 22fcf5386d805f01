"""Moving a ticket to another customer or contract: looked up as for a new ticket that was received
when this one was.
"""

from __future__ import annotations

from functools import partial

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.commands import CommandMetadata, CommandResult, check_version
from ticket_service.application.command_executor import CommandExecutor, Decision
from ticket_service.application.intake import Intake, Request
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets, caller, visible
from ticket_service.application.views import shown
from ticket_service.domain.customer.state import Customer, check_not_forgotten
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.commands import Move
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Context, DatingRules, Destination
from ticket_service.domain.ticket.intake import opened_for
from ticket_service.domain.ticket.state import Ticket


class Moves:
    """Moves tickets."""

    def __init__(
        self,
        executor: CommandExecutor,
        terms: Terms,
        customers: StateCache[Customer],
        known: StateCache[Ticket],
        tickets: Tickets,
        intake: Intake,
        dating: DatingRules,
    ) -> None:
        self._executor = executor
        self._terms = terms
        self._customers = customers
        self._known = known
        self._tickets = tickets
        self._intake = intake
        self._dating = dating

    async def execute(self, meta: CommandMetadata, name: str, command: Move) -> CommandResult:
        """Move the ticket of that id or reference. Raises NotFound and the domain's refusals."""
        ticket = await self._tickets.identify(meta.principal, name)
        await self._tickets.check_may(meta.principal, ticket, type(command))  # before what else the body names
        stream = streams.TICKET.stream(ticket)
        return await self._executor.execute(meta, self._known, stream, partial(self._decision, meta, ticket, command))

    async def _decision(
        self, meta: CommandMetadata, name: str, command: Move, loaded: Loaded[Ticket] | None
    ) -> Decision[Ticket]:
        found = visible(meta.principal, name, loaded)
        if meta.if_match is not None:
            check_version(meta, found.version)
        ticket = found.state
        customer = await self._customer(meta, command.customer)
        context = Context(
            now=meta.now,
            occurred_at=meta.occurred_at if meta.occurred_at_given else max(meta.occurred_at, ticket.received_at),
            actor=caller(meta.principal),
            agreement=await self._terms.agreement_version(found.provider, ticket.agreement, ticket.agreement_version),
            dating=self._dating,
            destination=await self._destination(meta, ticket, command, customer),
        )
        facts = decide(ticket, command, context)
        return Decision(facts=facts, body=shown, subject=customer.subject, occurred_at=context.occurred_at)

    async def _destination(
        self, meta: CommandMetadata, ticket: Ticket, command: Move, customer: Customer
    ) -> Destination:
        """The ticket as it would have been opened there, on the day of its receipt."""
        request = Request(
            received_at=ticket.received_at,
            channel=ticket.channel,
            type=ticket.type,
            fields=ticket.fields,
            severity=ticket.severity,
            contract=command.contract,
        )
        ground = await self._intake.ground(meta, customer, request)
        at_receipt = msgspec.structs.replace(ground.context, now=ticket.received_at)
        opened = opened_for(ground.command, customer, ground.contract, ground.versions, at_receipt)
        return Destination(opened=opened, agreement=ground.context.agreement, sealed_for=customer.subject)

    async def _customer(self, meta: CommandMetadata, name: str) -> Customer:
        loaded = await self._customers.newest(streams.CUSTOMER.stream(name))
        if loaded is None or loaded.provider != meta.principal.provider:
            sentence = f"there is no customer {name}"
            raise NotAcceptable(f"The ticket stays where it is: {sentence}.", [("/customer", sentence)])
        check_not_forgotten(loaded.state)
        return loaded.state

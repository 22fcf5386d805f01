"""Commands about two tickets: both streams continue in one transaction, or neither does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata, CommandResult, ContentionError, check_version
from fristwerk_platform.event_log import VersionConflictError
from ticket_service.application.command_executor import ATTEMPTS, CommandExecutor, Decision, PlannedChange
from ticket_service.application.intake import Intake, Request
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets, caller, visible
from ticket_service.application.views import shown
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.ticket.commands import RelatingCommand, RelationCommand, Split
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Context, DatingRules
from ticket_service.domain.ticket.relations import counterpart
from ticket_service.domain.ticket.state import Ticket

_NO_TICKET: Final = "there is no ticket {}"


class Relations:
    """Merges, links and splits tickets."""

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

    async def execute(self, meta: CommandMetadata, name: str, command: RelationCommand) -> CommandResult:
        """One command to the ticket of that id or reference.

        Raises NotFound and the domain's refusals.

        The result is the ticket as it is then; of a split, the new one.
        """
        ticket = await self._tickets.identify(meta.principal, name)
        await self._tickets.check_may(meta.principal, ticket, type(command))  # before what else the body names
        if isinstance(command, Split):
            return await self._split(meta, ticket, command)
        pointer, named = command.other
        other = (await self._named(meta.principal, named, pointer)).state.id
        decide = partial(self._related, meta, ticket, other, command)
        return await self._executor.execute(meta, self._known, streams.TICKET.stream(ticket), decide)

    async def followed(self, principal: Principal, customer: str, name: str) -> str:
        """The id of an earlier ticket of the customer that a new one follows. Raises NotAcceptable."""
        earlier = (await self._named(principal, name, "/follows")).state
        if earlier.customer != customer:
            sentence = f"the ticket {earlier.reference} is another customer's"
            raise NotAcceptable("The ticket cannot be created as it stands.", [("/follows", sentence)])
        return earlier.id

    async def _related(
        self, meta: CommandMetadata, name: str, other: str, command: RelatingCommand, loaded: Loaded[Ticket] | None
    ) -> Decision[Ticket]:
        found = visible(meta.principal, name, loaded)
        if meta.if_match is not None:
            check_version(meta, found.version)
        second = await self._tickets.newest(meta.principal, other)
        context = await self._context(meta, found, second.state)
        facts = decide(found.state, command, context)
        also = PlannedChange(
            stream=streams.TICKET.stream(other),
            after_version=second.version,
            subject="",
            facts=counterpart(found.state, command),
            occurred_at=max(context.occurred_at, second.state.received_at),
        )
        return Decision(
            facts=facts,
            body=shown,
            subject=await self._subject(found.state),
            occurred_at=context.occurred_at,
            also=[also],
        )

    async def _split(self, meta: CommandMetadata, name: str, command: Split) -> CommandResult:
        """A new ticket, received when the one that it was part of was, and what that one loses."""
        meta = msgspec.structs.replace(meta, occurred_at_given=True)
        for _ in range(ATTEMPTS):
            found = await self._tickets.newest(meta.principal, name)
            if meta.if_match is not None:
                check_version(meta, found.version)
            context = await self._context(meta, found, None)
            decide(found.state, command, context)  # refused before the new ticket is
            request = await self._request(found, command)
            loaded = await self._customers.newest(streams.CUSTOMER.stream(found.state.customer))
            assert loaded is not None, "a ticket is opened for a customer that is registered"
            ground = await self._intake.ground(meta, loaded.state, request)
            beside = partial(self._beside, found, command, context, loaded.state.subject)
            try:
                return await self._intake.conclude(meta, ground, beside=beside)
            except VersionConflictError:
                continue
        raise ContentionError

    def _beside(
        self, found: Loaded[Ticket], command: Split, context: Context, subject: str, ticket: str, reference: str
    ) -> tuple[Sequence[PlannedChange], Sequence[DecidedEvent]]:
        """What a split adds to the old ticket, and to the new one that has this id and reference."""
        named = msgspec.structs.replace(command, new_ticket=ticket, new_reference=reference)
        change = PlannedChange(
            stream=streams.TICKET.stream(found.state.id),
            after_version=found.version,
            subject=subject,
            facts=decide(found.state, named, context),
            occurred_at=context.occurred_at,
        )
        return [change], counterpart(found.state, named)

    async def _request(self, found: Loaded[Ticket], command: Split) -> Request:
        """What the new ticket is opened from: whatever the split does not say is as on the old one."""
        ticket, said = found.state, await self._tickets.personal(found)
        return Request(
            received_at=ticket.received_at,
            channel=ticket.channel,
            type=command.type or ticket.type,
            subject=command.subject,
            description=command.description,
            fields=ticket.fields | said.get("fields", {}),
            severity=command.severity,
            contract=ticket.contract,
        )

    async def _context(self, meta: CommandMetadata, found: Loaded[Ticket], other: Ticket | None) -> Context:
        ticket = found.state
        dated = meta.occurred_at if meta.occurred_at_given else max(meta.occurred_at, ticket.received_at)
        return Context(
            now=meta.now,
            occurred_at=dated,
            actor=caller(meta.principal),
            agreement=await self._terms.agreement_version(found.provider, ticket.agreement, ticket.agreement_version),
            dating=self._dating,
            other=other,
        )

    async def _subject(self, ticket: Ticket) -> str:
        loaded = await self._customers.newest(streams.CUSTOMER.stream(ticket.customer))
        assert loaded is not None, "a ticket is opened for a customer that is registered"
        return loaded.state.subject

    async def _named(self, principal: Principal, name: str, pointer: str) -> Loaded[Ticket]:
        """A ticket that a body names, by id or reference. Raises NotAcceptable."""
        try:
            return await self._tickets.newest(principal, await self._tickets.identify(principal, name))
        except NotFound:
            sentence = _NO_TICKET.format(name)
            raise NotAcceptable(f"The other ticket is not known: {sentence}.", [(pointer, sentence)]) from None

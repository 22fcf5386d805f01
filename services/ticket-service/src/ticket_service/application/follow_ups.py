"""What becomes of a customer's message on a ticket that cannot be reopened any more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.intake import Intake, Request
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.state_cache import KeyedLocks
from ticket_service.application.tickets import Tickets
from ticket_service.application.turns import Turn, in_turn, next_turn
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.commands import LogTime, ReceiveInformation, ReceiveMessage
from ticket_service.domain.ticket.conversation import read_from
from ticket_service.domain.ticket.possible_commands import TicketMergedError
from ticket_service.domain.ticket.reopening import CLOSED, TOO_LATE

DONE_FOR_GOOD: Final = frozenset({CLOSED, TOO_LATE})


Message = ReceiveMessage | ReceiveInformation


class FollowUps:
    """Takes messages: what the customer writes is never lost for being late, it opens a new ticket
    that follows the old.
    """

    def __init__(self, log: EventLog, tickets: Tickets, intake: Intake, newest_reads: NewestReads) -> None:
        self._log = log
        self._tickets = tickets
        self._intake = intake
        self._newest_reads = newest_reads
        self._following = KeyedLocks()

    async def receive(self, meta: CommandMetadata, ticket: str, command: Message) -> CommandResult:
        """The message on its ticket, given by its id, or on the one that this was merged into; on
        the ticket that a late message has opened, or on a new one.
        """
        try:
            return await self._tickets.execute(meta, ticket, command)
        except TicketMergedError as merged:
            return await self.receive(msgspec.structs.replace(meta, if_match=None), merged.into, command)
        except NotInThisState as refusal:
            if refusal.code not in DONE_FOR_GOOD:
                raise
        # Two late messages at a time are one matter: the second finds the ticket that the first has
        # opened. Of this process it waits here, of another one the log refuses it and it looks
        # again.
        async with self._following.of(ticket):
            following = await in_turn(partial(self._followed, meta, ticket, command))
        if isinstance(following, CommandResult):
            return following
        return await self.receive(msgspec.structs.replace(meta, if_match=None), following, command)

    async def _followed(self, meta: CommandMetadata, ticket: str, command: Message) -> CommandResult | str:
        """The ticket that a late message goes to, or the result of opening one."""
        turn = await next_turn(self._log, names.follow_ups_of(ticket))
        following = await self._following_ticket(meta, ticket, turn)
        return following or await self._follow_up(meta, ticket, command, turn)

    async def _following_ticket(self, meta: CommandMetadata, ticket: str, turn: Turn) -> str | None:
        """The ticket that a late message on this one has opened by then, the newest if several
        have.

        Those that were opened before turns were taken are found among the customer's tickets.
        """
        for claim in turn.before():
            stream = await self._log.claimant(claim)
            assert stream is not None, "a turn that was taken stays taken"
            opened = await self._tickets.newest(meta.principal, streams.TICKET.subject(stream))
            if opened.state.received_at <= meta.occurred_at:
                return opened.state.id
        loaded = await self._tickets.newest(meta.principal, ticket)
        known = await self._newest_reads.tickets_of(loaded.provider, customer=loaded.state.customer)
        found = [each.id for each in known if each.follows == ticket and each.received_at <= meta.occurred_at]
        return found[-1] if found else None

    async def _follow_up(self, meta: CommandMetadata, ticket: str, command: Message, turn: Turn) -> CommandResult:
        """A new ticket about the same thing, received with the message and served by what now holds
        for the customer.
        """
        loaded = await self._tickets.newest(meta.principal, ticket)
        earlier = loaded.state
        said = await self._tickets.personal(loaded)
        request = Request(
            received_at=meta.occurred_at,
            channel=command.channel if isinstance(command, ReceiveMessage) else earlier.channel,
            subject=said.get("subject") or earlier.reference,
            description=command.text,
            fields=earlier.fields,
            follows=earlier.id,
            source=command.source,
        )
        following = list(_time_spent(meta, command))
        return await self._intake.open(meta, earlier.customer, request, following=following, claims=(turn.claim,))


def _time_spent(meta: CommandMetadata, command: Message) -> Iterator[LogTime]:
    """What it took to read the message is work on the new ticket."""
    if isinstance(command, ReceiveMessage) and command.spent is not None:
        spent, agent = command.spent, meta.principal.sub
        start = read_from(spent, meta.occurred_at, meta.now)
        yield LogTime(
            entry=spent.entry,
            start=start,
            minutes=spent.minutes,
            activity=spent.activity,
            agent=agent,
            performer=spent.performer,
        )

"""What becomes of a customer's message on a ticket that cannot be reopened any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fristwerk_platform.commands import CommandMetadata, CommandResult
from ticket_service.application.intake import Intake, Request
from ticket_service.application.tickets import Tickets
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.commands import LogTime, ReceiveInformation, ReceiveMessage
from ticket_service.domain.ticket.conversation import read_from
from ticket_service.domain.ticket.reopening import CLOSED, TOO_LATE

DONE_FOR_GOOD: Final = frozenset({CLOSED, TOO_LATE})


Message = ReceiveMessage | ReceiveInformation


class FollowUps:
    """Takes messages: what the customer writes is never lost for being late, it opens a new ticket that follows the old."""

    def __init__(self, tickets: Tickets, intake: Intake) -> None:
        self._tickets = tickets
        self._intake = intake

    async def receive(self, meta: CommandMetadata, ticket: str, command: Message) -> CommandResult:
        """The message on its ticket, given by its id, or the new ticket that it opens."""
        try:
            return await self._tickets.execute(meta, ticket, command)
        except NotInThisState as refusal:
            if refusal.code not in DONE_FOR_GOOD:
                raise
        return await self._follow_up(meta, ticket, command)

    async def _follow_up(self, meta: CommandMetadata, ticket: str, command: Message) -> CommandResult:
        """A new ticket about the same thing, received with the message and served by what now holds for the customer."""
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
        )
        return await self._intake.open(meta, earlier.customer, request, list(_time_spent(meta, command)))


def _time_spent(meta: CommandMetadata, command: Message) -> Iterator[LogTime]:
    """What it took to read the message is work on the new ticket."""
    if isinstance(command, ReceiveMessage) and command.spent is not None:
        spent, agent = command.spent, meta.principal.sub
        start = read_from(spent, meta.occurred_at, meta.now)
        yield LogTime(entry=spent.entry, start=start, minutes=spent.minutes, activity=spent.activity, agent=agent)

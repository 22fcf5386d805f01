"""With which words a customer was asked to approve costs, for those who may read them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from fristwerk_language.events import TYPE_NAMES, streams
from fristwerk_language.events.tickets import CostApprovalRequested
from fristwerk_platform.auth import Principal
from fristwerk_platform.event_log import EventLog
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.state_cache import StateCache
from ticket_service.application.subjects import subjects_of
from ticket_service.application.views import event_seen_by
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket

_ASKED: Final = f'"type":"{TYPE_NAMES[CostApprovalRequested]}"'.encode()


class CostTexts:
    """Reads them from the streams of tickets: there they are sealed, and states hold no words."""

    def __init__(
        self, log: EventLog, executor: CommandExecutor, tickets: StateCache[Ticket], customers: StateCache[Customer]
    ) -> None:
        self._log = log
        self._executor = executor
        self._tickets = tickets
        self._customers = customers

    async def of(self, principal: Principal, ticket: Ticket) -> dict[int, str]:
        """The texts by the numbers of the ticket's cost requests; those are left out that were forgotten, or asked another
        customer whose the ticket was then.
        """
        if not ticket.cost_approvals:
            return {}
        subjects = await subjects_of(ticket, self._customers)
        known = {each.number for each in ticket.cost_approvals}
        texts: dict[int, str] = {}
        async for page in self._log.stream_pages(streams.TICKET.stream(ticket.id)):
            asked = [line.line for line in page if _ASKED in line.line]
            for event in await self._executor.opened(asked, subjects):
                seen = event_seen_by(principal, event, ticket.moved_here)
                if seen is not None and seen["personal"] and seen["data"]["approval"] in known:
                    texts[seen["data"]["approval"]] = seen["personal"]["text"]
        return texts

    async def of_all(self, principal: Principal, tickets: Iterable[str]) -> dict[str, dict[int, str]]:
        """Those of several tickets by their ids."""
        found = await self._tickets.newest_of(streams.TICKET.stream(each) for each in tickets)
        states = [each.state for each in found.values()]
        texts = await asyncio.gather(*(self.of(principal, each) for each in states))
        return {each.id: its for each, its in zip(states, texts, strict=True)}

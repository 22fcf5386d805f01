"""The worklist: open tickets in the agreement's order, and taking the first one without ever giving it to two."""

from __future__ import annotations

import asyncio
from datetime import datetime
from http import HTTPStatus

import msgspec

from shared.event_log import Answer
from shared.http import CommandMeta
from shared.problems import Problem
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.domain.commands import Assign
from ticket_service.domain.context import local_day
from ticket_service.domain.contract import Contract, in_force
from ticket_service.domain.entitlement import group_of
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.state import Ticket
from ticket_service.domain.worklist import is_free, sort_key
from ticket_service.read_model import ReadModel


class Worklist:
    """One worklist a provider."""

    def __init__(self, terms: Terms, tickets: Tickets, read_model: ReadModel) -> None:
        self._terms = terms
        self._tickets = tickets
        self._read_model = read_model
        self._taking = asyncio.Lock()

    async def ordered(self, provider: str, now: datetime) -> list[Ticket]:
        """Every open ticket, the most urgent first. The read model must be current."""
        serving = await self._present_contracts(provider, now)
        keyed = []
        for ticket in await self._read_model.open_tickets(provider):
            agreement = await self._terms.agreement_version(provider, ticket.agreement, ticket.agreement_version)
            group = group_of(serving.get(ticket.customer), agreement)
            keyed.append((sort_key(ticket, group, agreement), ticket))
        return [ticket for _, ticket in sorted(keyed, key=lambda each: each[0])]

    async def take_next(self, meta: CommandMeta) -> Answer:
        """Assign the first free ticket to the caller, decided on exactly the version seen: no two callers get the same."""
        async with self._taking:
            for ticket in await self.ordered(meta.principal.provider, meta.now):
                newest = await self._tickets.newest(meta.principal, ticket.id)
                if not is_free(newest.state):
                    continue
                seen = msgspec.structs.replace(meta, if_match=newest.version)
                try:
                    return await self._tickets.execute(seen, ticket.id, Assign(agent=meta.principal.sub))
                except Problem as problem:
                    if problem.status != HTTPStatus.PRECONDITION_FAILED:
                        raise
        raise NotInThisState("worklist-empty", "There is no workable ticket that nobody has.")

    async def _present_contracts(self, provider: str, now: datetime) -> dict[str, Contract]:
        """Each customer's contract in force today, the one that has held longest first."""
        serving: dict[str, Contract] = {}
        near = await self._read_model.contracts_in_force_around(provider, now.date())
        for contract in sorted(near, key=lambda each: (each.from_on, each.id)):
            agreement = await self._terms.agreement_version(provider, contract.agreement, contract.agreement_version)
            if in_force(contract, local_day(now, agreement)):
                serving.setdefault(contract.customer, contract)
        return serving

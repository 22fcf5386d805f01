"""Who may be a customer's dedicated agent: whom it has bought, and who serves no other."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.events import streams
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.decision_context import local_day
from ticket_service.domain.ticket.dedicated import has_dedicated_agent


class DedicatedAgents:
    """Two checks before an agent becomes a customer's own."""

    def __init__(self, log: EventLog, terms: Terms, contracts: StateCache[Contract]) -> None:
        self._log = log
        self._terms = terms
        self._contracts = contracts

    async def check(self, provider: str, customer: str, agent: str, now: datetime) -> None:
        """Raises NotInThisState for a customer who has not bought one where the provider sells them, and for an agent who
        serves another customer where one is promised to one customer alone.
        """
        agreements = await (await self._terms.of(provider)).agreements_at(now)
        selling = [each for each in agreements if each.dedicated_agent is not None]
        if not selling:
            return
        await self._check_bought(provider, customer, now)
        served = await self._log.labelled(names.dedicated_to(provider, agent))
        if all(stream == streams.CUSTOMER.stream(customer) for stream, _ in served):
            return
        for agreement in selling:
            if agreement.dedicated_agent is not None and agreement.dedicated_agent.exclusive:
                raise NotInThisState(
                    "agent-already-dedicated",
                    f"The agent {agent} serves another customer; the agreement {agreement.agreement} promises a dedicated "
                    "agent to one customer alone.",
                )

    async def _check_bought(self, provider: str, customer: str, now: datetime) -> None:
        found = await self._log.labelled(names.of_customer(customer))
        for each in await self._contracts.at(each for each in found if streams.CONTRACT.includes(each[0])):
            state = each.state
            agreement = await self._terms.agreement_version(provider, state.agreement, state.agreement_version)
            if has_dedicated_agent(state, agreement, local_day(now, agreement, state.site)):
                return
        raise NotInThisState(
            "no-dedicated-agent-bought",
            f"The customer {customer} has no contract with the add-on of a dedicated agent, and has none without it.",
        )

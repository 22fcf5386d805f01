"""The directory of a provider's people: entries, absences, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from fristwerk_language.events.streams import agent_stream
from fristwerk_language.events.terms import CalendarPublished
from fristwerk_platform.commands import CommandMetadata, CommandResult, check_version
from fristwerk_platform.event_log import NO_NAMES, EventLog, NameChange
from ticket_service.application import names
from ticket_service.application.command_executor import CommandExecutor, Decision
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.turns import in_turn, next_turn
from ticket_service.domain.agent import decide as domain
from ticket_service.domain.agent.commands import EndAbsence, EnterAbsence, RegisterAgent
from ticket_service.domain.agent.state import Absence, Agent, stand_in
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import Command
from ticket_service.domain.ticket.dedicated import asks_the_agent

PART: Final = 100
"""So many entries are looked at at once."""


class Agents:
    """Commands to entries, and what others have to know of them."""

    def __init__(self, log: EventLog, executor: CommandExecutor, terms: Terms, known: StateCache[Agent]) -> None:
        self._log = log
        self._executor = executor
        self._terms = terms
        self._known = known

    async def register(self, meta: CommandMetadata, command: RegisterAgent) -> CommandResult:
        """A new entry, or the newer one of an agent; 200 and no event where nothing is new.

        Raises NotAcceptable for a calendar that is not published.
        """
        provider = meta.principal.provider
        if command.calendar is not None:
            await self._check_calendar(provider, command.calendar)

        def decide(loaded: Loaded[Agent] | None) -> list[DecidedEvent]:
            return domain.register(None if loaded is None else loaded.state, command)

        return await self._change(meta, command.agent, decide)

    async def enter_absence(self, meta: CommandMetadata, agent: str, command: EnterAbsence) -> CommandResult:
        """The agent is away. Raises NotFound, NotInThisState, and NotAcceptable for a deputy without an entry.

        Whoever books the agent meanwhile looks again: with each absence its agent's turn is taken.
        """
        provider = meta.principal.provider
        await self.entry(provider, agent)
        if command.deputy is not None and await self._found(provider, command.deputy) is None:
            sentence = f"there is no agent {command.deputy}"
            raise NotAcceptable(f"The absence of {agent} is not entered: {sentence}.", [("/deputy", sentence)])

        async def enter() -> CommandResult:
            turn = await next_turn(self._log, names.absences_of(provider, agent))
            return await self._change(
                meta,
                agent,
                lambda loaded: domain.enter_absence(_there(agent, loaded), command),
                NameChange(claims=(turn.claim,)),
            )

        return await in_turn(enter)

    async def end_absence(self, meta: CommandMetadata, agent: str, command: EndAbsence) -> CommandResult:
        """The agent is back earlier. Raises NotFound, NotInThisState."""
        now = meta.occurred_at
        return await self._change(meta, agent, lambda loaded: domain.end_absence(_there(agent, loaded), command, now))

    async def entry(self, provider: str, agent: str) -> Loaded[Agent]:
        """The newest entry of an agent. Raises NotFound, for another provider's as well."""
        loaded = await self._found(provider, agent)
        if loaded is None:
            raise _no_agent(agent)
        return loaded

    async def page(
        self, provider: str, wanted: Callable[[Agent], bool], *, after: str, limit: int
    ) -> Sequence[Loaded[Agent]]:
        """The wanted entries of a provider behind an agent's, in the order of the agents' ids; others are read only as far as
        the page reaches.
        """
        found: list[Loaded[Agent]] = []
        last = agent_stream(provider, after) if after else ""
        while len(found) < limit:
            part = await self._log.labelled_page(names.agents_of(provider), last, PART)
            found += [each for each in await self._known.at(part) if wanted(each.state)]
            if len(part) < PART:
                break
            last, _ = part[-1]
        return found[:limit]

    async def asked(self, provider: str, agent: str, command: Command, instant: datetime) -> dict[str, str]:
        """Who stands in for the dedicated agent who has a ticket, where a command to it turns to that one."""
        return await self.stand_ins(provider, agent, instant) if asks_the_agent(command) else {}

    async def stand_ins(self, provider: str, agent: str | None, instant: datetime) -> dict[str, str]:
        """Who stands in for an agent then, by the agent; nothing where the agent is there, or nobody does."""
        deputy = None if agent is None else await self.stand_in(provider, agent, instant)
        return {} if agent is None or deputy is None else {agent: deputy}

    async def stand_in(self, provider: str, agent: str, instant: datetime) -> str | None:
        """Who stands in for an agent then; None where the agent is there, or nobody does."""
        known: dict[str, Agent] = {}
        name: str | None = agent
        while name is not None and name not in known:
            loaded = await self._found(provider, name)
            if loaded is None:
                break
            known[name] = loaded.state
            absence = loaded.state.absence_at(instant)
            name = None if absence is None else absence.deputy
        return stand_in(agent, known, instant)

    async def absences(self, provider: str, agent: str) -> Sequence[Absence]:
        """When an agent is away; never, where there is no entry."""
        loaded = await self._found(provider, agent)
        return () if loaded is None else loaded.state.absences

    async def calendar(self, provider: str, agent: str, at: datetime) -> CalendarPublished | None:
        """The agent's own working calendar as it is in force then; None where the ones of tickets count."""
        loaded = await self._found(provider, agent)
        if loaded is None or loaded.state.calendar is None:
            return None
        published = await self._terms.calendar(provider, loaded.state.calendar)
        return published.version(published.in_force_at(at))

    async def _found(self, provider: str, agent: str) -> Loaded[Agent] | None:
        loaded = await self._known.newest(agent_stream(provider, agent))
        return loaded if loaded is not None and loaded.provider == provider else None

    async def _check_calendar(self, provider: str, calendar: str) -> None:
        try:
            await self._terms.calendar(provider, calendar)
        except NotFound as error:
            raise NotAcceptable(error.detail, [("/calendar", "names no published calendar")]) from error

    async def _change(
        self,
        meta: CommandMetadata,
        agent: str,
        decide: Callable[[Loaded[Agent] | None], Sequence[DecidedEvent]],
        named: NameChange = NO_NAMES,
    ) -> CommandResult:
        provider = meta.principal.provider

        async def decision(loaded: Loaded[Agent] | None) -> Decision[Agent]:
            if loaded is not None and loaded.provider != provider:
                raise NotInThisState(
                    "name-not-available", f"The name {agent!r} is not available; choose one without a dot."
                )
            check_version(meta, loaded.version if loaded else 0)
            return Decision(facts=decide(loaded), body=_shown, subject="", occurred_at=meta.occurred_at, names=named)

        return await self._executor.execute(meta, self._known, agent_stream(provider, agent), decision)


def _there(agent: str, loaded: Loaded[Agent] | None) -> Agent:
    if loaded is None:
        raise _no_agent(agent)
    return loaded.state


def _no_agent(agent: str) -> NotFound:
    return NotFound("agent-not-found", f"There is no agent {agent}.")


def _shown(state: Agent) -> dict[str, Any]:
    return {"agent": state}

"""What becomes of an entry of the directory. Decisions return facts or raise a refusal; what changes nothing is no fact."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.events.agents import AbsenceEnded, AbsenceEntered, AgentRegistered
from ticket_service.domain.agent.commands import EndAbsence, EnterAbsence, RegisterAgent
from ticket_service.domain.agent.state import Agent
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.validation import Violations, is_language


def register(known: Agent | None, command: RegisterAgent) -> list[DecidedEvent]:
    """A new entry, or the newer one of an agent. Raises NotAcceptable."""
    violations = Violations()
    for place, language in enumerate(command.languages):
        violations.require(is_language(language), f"/languages/{place}", "is not a language such as 'de' or 'de-CH'")
    violations.raise_if_any(f"The agent {command.agent} is not registered like this.")
    if known is not None and _says_the_same(known, command):
        return []
    event = AgentRegistered(
        agent=command.agent,
        role=command.role,
        groups=command.groups,
        department=command.department,
        site=command.site,
        languages=command.languages,
        calendar=command.calendar,
    )
    return [DecidedEvent(event)]


def enter_absence(agent: Agent, command: EnterAbsence) -> list[DecidedEvent]:
    """The agent is away. Raises NotAcceptable, and NotInThisState where it is away already in that time."""
    violations = Violations()
    violations.require(command.until_at > command.from_at, "/until", "does not lie after the beginning of the absence")
    violations.require(command.deputy != agent.agent, "/deputy", "nobody stands in for themselves")
    violations.raise_if_any(f"The absence of {agent.agent} is not entered like this.")
    for each in agent.absences:
        if each.overlaps(command.from_at, command.until_at):
            raise NotInThisState(
                "already-absent",
                f"{agent.agent} is away from {each.from_at.isoformat()} to {each.until_at.isoformat()} "
                f"(absence {each.number}); end that one first.",
            )
    number = len(agent.absences) + 1
    event = AbsenceEntered(
        agent=agent.agent, absence=number, from_at=command.from_at, until_at=command.until_at, deputy=command.deputy
    )
    return [DecidedEvent(event)]


def end_absence(agent: Agent, command: EndAbsence, now: datetime) -> list[DecidedEvent]:
    """The agent is back earlier than was entered. Raises NotFound, and NotInThisState for an absence that is over by then."""
    absence = next((each for each in agent.absences if each.number == command.absence), None)
    if absence is None:
        raise NotFound("absence-not-found", f"There is no absence {command.absence} of {agent.agent}.")
    at = max(command.at or now, absence.from_at)
    if at >= absence.until_at:
        raise NotInThisState(
            "absence-over", f"The absence {absence.number} of {agent.agent} ends at {absence.until_at.isoformat()}."
        )
    return [DecidedEvent(AbsenceEnded(agent=agent.agent, absence=absence.number, at=at))]


def _says_the_same(known: Agent, command: RegisterAgent) -> bool:
    same = ("role", "department", "site", "calendar")
    lists = known.groups == tuple(command.groups) and known.languages == tuple(command.languages)
    return lists and all(getattr(known, each) == getattr(command, each) for each in same)

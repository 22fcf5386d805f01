"""How each event changes an entry of the directory; those of other families change nothing."""

from __future__ import annotations

from msgspec.structs import replace

from fristwerk_language.events import AgentEvent, Recorded
from fristwerk_language.events.agents import AbsenceEnded, AbsenceEntered, AgentRegistered
from ticket_service.domain.agent.state import Absence, Agent


def evolve(agent: Agent | None, recorded: Recorded) -> Agent | None:
    """The entry after an event of its stream, which begins with a registration."""
    event = recorded.event
    if not isinstance(event, AgentEvent):
        return agent
    if isinstance(event, AgentRegistered):
        return _registered(event, () if agent is None else agent.absences)
    assert agent is not None, "an agent's first event registers it"
    match event:
        case AbsenceEntered():
            entered = Absence(number=event.absence, from_at=event.from_at, until_at=event.until_at, deputy=event.deputy)
            return replace(agent, absences=(*agent.absences, entered))
        case AbsenceEnded():
            return replace(agent, absences=tuple(_ended(each, event) for each in agent.absences))


def _registered(event: AgentRegistered, absences: tuple[Absence, ...]) -> Agent:
    return Agent(
        agent=event.agent,
        role=event.role,
        groups=tuple(event.groups),
        department=event.department,
        site=event.site,
        languages=tuple(event.languages),
        calendar=event.calendar,
        absences=absences,
    )


def _ended(absence: Absence, event: AbsenceEnded) -> Absence:
    return replace(absence, until_at=event.at) if absence.number == event.absence else absence

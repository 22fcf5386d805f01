"""What if: other terms over tickets of the past, without touching anything.

Few tickets are done at once. Many are done in the background in stretches, each stored with how far
it came, so that a restart goes on and several processes share the work without doing any of it
twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.terms import AgreementDocument, TermsError, agreement_document, canonical, zone
from fristwerk_platform.read_models import DatabaseUnavailableError
from sla_service.application.calendar_client import CalendarClient
from sla_service.application.simulation_bounds import check_bounds
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.errors import NotAcceptable
from sla_service.domain.reports.comparison import add_up, compared
from sla_service.domain.reports.period import Period, bound_of, bound_text
from sla_service.domain.reports.scenario import Scenario
from sla_service.domain.timers.published_terms import PublishedTerms, UnknownTermsError, versioned
from sla_service.domain.timers.service_levels import ServiceLevels, service_levels
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import TimerSet
from sla_service.projections.terms_cache import TermsCache
from sla_service.queries.one_ticket import StoredTicket
from sla_service.queries.read_model import ReadModel, TicketFilter
from sla_service.stores.simulations import (
    SimulatedTicket,
    SimulationProgress,
    SimulationSpec,
    SimulationStore,
    StoredSimulation,
)

AT_ONCE: Final = 200
"""How many tickets are simulated while the client waits; more run in the background."""
STRETCH: Final = 50
RETRY_SECONDS: Final = 5.0
_log = structlog.get_logger()

TermsReference = str | dict[str, Any]
"""``name@version``, ``name`` (the version in force when each ticket was received), or a document."""


class SimulationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to try on the tickets received in a period; ``replaces`` names the agreement whose
    tickets are meant.
    """

    period: Period
    agreement: TermsReference | None = None
    replaces: str | None = None
    calendar: TermsReference | None = None
    calendars: Mapping[str, TermsReference] = {}


class Simulations:
    """Asks the questions; ``run`` does the long ones in the background."""

    def __init__(
        self,
        read_model: ReadModel,
        terms_cache: TermsCache,
        store: SimulationStore,
        calendar_client: CalendarClient,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._read_model = read_model
        self._terms_cache = terms_cache
        self._store = store
        self._calendar_client = calendar_client
        self.now = now
        self._new_id = new_id
        self._wanted = asyncio.Event()
        self._compiled: tuple[str, Scenario] | None = None

    async def asked(self, provider: str, asked: SimulationRequest) -> tuple[StoredSimulation, list[SimulatedTicket]]:
        """The simulation, not stored yet: done with what was found, or still running if its tickets
        are many.

        Raises NotAcceptable for terms that are not known or refused or too many, RetryLaterError where a
        calendar cannot be expanded.
        """
        question = await self._question(provider, asked)
        progress = SimulationProgress(total=await self._read_model.count_received(_wanted(provider, question)))
        simulation = StoredSimulation(
            id=self._new_id(),
            provider=provider,
            created_at=self.now(),
            finished_at=None,
            question=question,
            progress=progress,
        )
        found: list[SimulatedTicket] = []
        while progress.total <= AT_ONCE and progress.state == "running":
            progress, more = await self._stretch(msgspec.structs.replace(simulation, progress=progress))
            found += more
        finished_at = None if progress.state == "running" else self.now()
        return msgspec.structs.replace(simulation, progress=progress, finished_at=finished_at), found

    def wake(self) -> None:
        """There is a simulation to run."""
        self._wanted.set()

    async def run(self) -> None:
        """Run what is unfinished until cancelled, the oldest first."""
        while True:
            self._wanted.clear()
            try:
                await self._store.forget_old(self.now())
                while unfinished := await self._store.unfinished():
                    await self._go_on(unfinished[0])
            except Exception as error:  # noqa: BLE001 - whatever the database says, the next simulation is asked of it again
                _log.warning("simulations_wait", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await self._wanted.wait()

    async def _go_on(self, simulation: StoredSimulation) -> None:
        try:
            progress, found = await self._stretch(simulation)
        except (SQLAlchemyError, DatabaseUnavailableError):
            raise
        except Exception as error:  # noqa: BLE001 - one that cannot be done must not keep the next from being done
            _log.error("simulation_failed", simulation=simulation.id, exc_info=error)
            progress, found = msgspec.structs.replace(simulation.progress, state="failed"), []
        finished_at = None if progress.state == "running" else self.now()
        await self._store.advance(simulation, progress, found, finished_at)

    async def _stretch(self, simulation: StoredSimulation) -> tuple[SimulationProgress, list[SimulatedTicket]]:
        """The next tickets, and how far they bring the simulation."""
        question, progress = simulation.question, simulation.progress
        wanted = _wanted(simulation.provider, question)
        tickets = await self._read_model.next_tickets(wanted, progress.last, STRETCH)
        if not tickets:
            return msgspec.structs.replace(progress, state="done", total=progress.done), []
        terms = await self._terms_cache.of(simulation.provider)
        histories = await self._read_model.histories([each.ticket for each in tickets])
        scenario, period = self._scenario(simulation, terms), _period(question)
        found = []
        for ticket in tickets:
            timeline = read_timeline(histories[ticket.ticket])
            agreement = terms.agreement(ticket.agreement, timeline.contexts[0].agreement_version)
            if period.holds(ticket.received_at, zone(agreement.document.timezone)):
                found.append(_simulated(ticket, scenario.timers(timeline, terms), question.now))
        return _advanced(progress, tickets, found), found

    def _scenario(self, simulation: StoredSimulation, terms: PublishedTerms) -> Scenario:
        """The terms to try, compiled once for all stretches of a simulation."""
        if self._compiled is None or self._compiled[0] != simulation.id:
            self._compiled = (simulation.id, _scenario(simulation.question, terms))
        return self._compiled[1]

    async def _question(self, provider: str, asked: SimulationRequest) -> SimulationSpec:
        check_bounds(asked.calendars, asked.calendar)
        terms = await self._terms_cache.of(provider)
        agreement = None if asked.agreement is None else _agreement(terms, asked.agreement)
        calendars = {
            name: await self._calendar(provider, terms, each, f"/calendars/{name}")
            for name, each in asked.calendars.items()
        }
        calendar = None
        if asked.calendar is not None:
            calendar = await self._calendar(provider, terms, asked.calendar, "/calendar")
        question = SimulationSpec(
            since=bound_text(asked.period.since),
            until=bound_text(asked.period.until),
            now=self.now().replace(microsecond=0),
            replaces=asked.replaces,
            agreement=agreement,
            calendars=calendars,
            calendar=calendar,
        )
        levels = _scenario(question, terms).levels
        if levels is None:
            return question
        if isinstance(levels, str):
            return msgspec.structs.replace(question, replaces=asked.replaces or levels)
        if calendar is None:
            _check_calendars(levels.document, calendars, terms)
        return msgspec.structs.replace(question, replaces=asked.replaces or levels.document.agreement)

    async def _calendar(
        self, provider: str, terms: PublishedTerms, given: TermsReference, pointer: str
    ) -> str | CalendarPublished:
        if isinstance(given, dict):
            return await self._calendar_client.calendar(provider, given, pointer)
        try:
            return (
                terms.calendar(*versioned(given)).label if "@" in given else _named(terms.knows_calendar(given), given)
            )
        except (UnknownTermsError, ValueError):
            raise _unknown("calendar", given, pointer) from None


def _agreement(terms: PublishedTerms, given: TermsReference) -> str | dict[str, Any]:
    """The label, or the canonical document, of the agreement to try."""
    if isinstance(given, dict):
        try:
            return canonical(agreement_document(given))
        except TermsError as error:
            errors = [("/agreement" + pointer, detail) for pointer, detail in error.errors]
            raise NotAcceptable("terms-refused", f"The agreement was refused: {error}."[:2_000], errors) from error
    try:
        if "@" not in given:
            return _named(terms.knows_agreement(given), given)
        name, version = versioned(given)
        terms.agreement(name, version)
    except (UnknownTermsError, ValueError):
        raise _unknown("agreement", given, "/agreement") from None
    return f"{name}@{version}"


def _named(known: bool, name: str) -> str:  # noqa: FBT001 - an answer that is turned into a refusal
    if not known:
        raise ValueError(name)
    return name


def _scenario(question: SimulationSpec, terms: PublishedTerms) -> Scenario:
    levels: str | ServiceLevels | None = None
    match question.agreement:
        case str() as label:
            levels = terms.agreement(*versioned(label)) if "@" in label else label
        case dict() as document:
            levels = service_levels(agreement_document(document))
        case None:
            pass
    return Scenario(
        levels=levels,
        calendars={name: _compiled(each, terms) for name, each in question.calendars.items()},
        calendar=None if question.calendar is None else _compiled(question.calendar, terms),
    )


def _compiled(calendar: str | CalendarPublished, terms: PublishedTerms) -> str | Calendar:
    if isinstance(calendar, str):
        return terms.calendar(*versioned(calendar)) if "@" in calendar else calendar
    return Calendar.published(calendar)


def _check_calendars(document: AgreementDocument, given: Collection[str], terms: PublishedTerms) -> None:
    """An agreement that is tried names calendars that are given or published."""
    for pointer, name in document.calendar_names:
        if name not in given and not terms.knows_calendar(name):
            raise _unknown("calendar", name, f"/agreement{pointer}")


def _unknown(kind: str, name: str, pointer: str) -> NotAcceptable:
    sentence = f"there is no {kind} {name!r}"
    return NotAcceptable(f"{kind}-not-found", f"The simulation cannot be run: {sentence}.", [(pointer, sentence)])


def _wanted(provider: str, question: SimulationSpec) -> TicketFilter:
    since, until = _period(question).bounds
    return TicketFilter(provider=provider, since=since, until=until, agreement=question.replaces)


def _period(question: SimulationSpec) -> Period:
    return Period(since=bound_of(question.since), until=bound_of(question.until))


def _simulated(ticket: StoredTicket, now: TimerSet, at: datetime) -> SimulatedTicket:
    then = TimerSet(ticket=ticket.ticket, entitled=ticket.entitled, reason=ticket.reason, timers=ticket.timers)
    pairs = compared(then, now, at)
    return SimulatedTicket(
        ticket=ticket.ticket,
        reference=ticket.reference,
        received_at=ticket.received_at,
        differs=any(each.differs for each in pairs),
        timers=pairs,
    )


def _advanced(
    progress: SimulationProgress, tickets: Sequence[StoredTicket], found: Sequence[SimulatedTicket]
) -> SimulationProgress:
    pairs = [pair for each in found for pair in each.timers]
    done = progress.done + len(tickets)
    return SimulationProgress(
        state="running" if len(tickets) == STRETCH else "done",
        total=max(progress.total, done) if len(tickets) == STRETCH else done,
        done=done,
        last=(tickets[-1].received_at, tickets[-1].ticket),
        tickets=progress.tickets + len(found),
        differ=progress.differ + sum(each.differs for each in found),
        then=add_up(progress.then, ((pair.metric, pair.then) for pair in pairs)),
        now=add_up(progress.now, ((pair.metric, pair.now) for pair in pairs)),
    )

"""What the commands do that read the service's own database: replay, try parked tickets again, explain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from fristwerk_platform.gc_tuning import tune_garbage_collection
from fristwerk_platform.read_models import Database, open_live_read_model
from fristwerk_platform.settings import Settings, SettingsError
from sla_service.cli import PrintLine
from sla_service.domain.explanation.explanation import explain
from sla_service.domain.explanation.labels import METRICS, Language
from sla_service.domain.explanation.messages import sentences
from sla_service.domain.timers.published_terms import versioned
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import AbsentTimer
from sla_service.notices.outbox import Outbox
from sla_service.projections import tables
from sla_service.projections.projector import Projector
from sla_service.projections.terms_cache import TermsCache
from sla_service.queries.one_ticket import StoredTicket
from sla_service.queries.read_model import ReadModel
from sla_service.replay import replay
from sla_service.replay.processes import usable_cores
from sla_service.replay.source import ticket_contradiction, ticket_feed

Found = TypeVar("Found")
SHOWN: Final = 10
_NO_TIMER: Final = {"de": "{metric}: keine Frist, {reason}.", "en": "{metric}: no timer, {reason}."}
_REASONS: Final = {
    "de": {
        "not_configured": "die Vereinbarung sagt dazu nichts",
        "severity_not_set": "solange das Ticket keinen Schweregrad hat",
        "not_entitled": "kein Anspruch",
        "service_not_covered": "die Leistung ist nicht vereinbart",
        "calendar_range": "der Kalender reicht nicht so weit",
    },
    "en": {
        "not_configured": "the agreement says nothing about it",
        "severity_not_set": "as long as the ticket has no severity",
        "not_entitled": "not entitled",
        "service_not_covered": "the service is not covered",
        "calendar_range": "the calendar does not reach so far",
    },
}


def run_replay(
    settings: Settings,
    now: Callable[[], datetime],
    show: PrintLine,
    *,
    from_log: bool,
    processes: int | None = None,
) -> int:
    """Recompute everything and compare; the last two lines are the digests.

    0 only if they are equal and the log is the one that was hashed.

    ``processes`` is how many work on a long log at most, by default one for each core.
    """
    tune_garbage_collection()

    async def compare(database: Database) -> int:
        open_feed = partial(ticket_feed, settings, now) if from_log else None
        contradiction = await ticket_contradiction(settings, now) if from_log else None
        if contradiction is not None:
            show(contradiction)
        found = await replay(database, open_feed, show, processes=processes or usable_cores())
        for ticket in found.differing[:SHOWN]:
            show(f"ticket {ticket} differs")
        if len(found.differing) > SHOWN:
            show(f"and {len(found.differing) - SHOWN:,} more")
        show(f"{'log' if from_log else 'histories':<11} {found.replayed}")
        show(f"read model  {found.read_model}")
        return 0 if found.is_equal and contradiction is None else 1

    return _with_database(settings, compare)


def run_retry(settings: Settings, now: Callable[[], datetime], new_id: Callable[[], str], show: PrintLine) -> int:
    """Try every parked ticket again, beside the running service. 0 only if none is parked any more."""

    async def retry(database: Database) -> int:
        tried, left = await Projector(Outbox(now, new_id)).retry_parked(database)
        show(f"{tried} tried again, {left} still parked")
        return 1 if left else 0

    return _with_database(settings, retry)


def run_explain(
    settings: Settings, ticket: str, provider: str | None, lang: Language, now: datetime, show: PrintLine
) -> int:
    """Why each deadline of a ticket is what it is, in sentences. Raises SettingsError for a ticket that is not there."""

    async def tell(database: Database) -> int:
        model = ReadModel(database)
        found = [each for each in await model.tickets_of_any_provider(ticket) if provider in (None, each.provider)]
        if not found:
            raise SettingsError(f"There is no ticket {ticket}.")
        if len(found) > 1:
            names = ", ".join(each.provider for each in found)
            raise SettingsError(f"Several providers have a ticket {ticket}: say --provider, one of {names}.")
        for line in await _explanation(model, TermsCache(database), found[0], lang, now):
            show(line)
        return 0

    return _with_database(settings, tell)


async def _explanation(
    model: ReadModel, terms_cache: TermsCache, ticket: StoredTicket, lang: Language, now: datetime
) -> list[str]:
    terms = await terms_cache.of(ticket.provider)
    timeline = read_timeline(await model.history(ticket.ticket))
    lines = [f"{ticket.reference} ({ticket.ticket}): {ticket.reason}"]
    for timer in ticket.timers:
        zone = terms.calendar(*versioned(timer.calendar)).hours.zone
        lines += ["", *sentences(explain(timer, timeline, terms, now), lang, zone)]
    return [*lines, *([""] if ticket.absent else []), *(_absent(each, lang) for each in ticket.absent)]


def _absent(absent: AbsentTimer, lang: Language) -> str:
    return _NO_TIMER[lang].format(metric=METRICS[lang][absent.metric], reason=_REASONS[lang][absent.reason])


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[Found]]) -> Found:
    """Work on the service's own database. Raises SettingsError where there is none."""

    async def run() -> Found:
        database = open_live_read_model(settings, "sla", tables.metadata)
        try:
            if not await database.find():
                where = settings.var if settings.database_url is None else "PostgreSQL"
                raise SettingsError(f"There is no database of the sla-service in {where}: it has not run there yet.")
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())

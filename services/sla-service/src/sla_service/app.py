"""The composition root of the SLA service: the only place that wires."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

import httpx
from fastapi import FastAPI

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_language.roles import READERS, TOKEN_ROLES
from fristwerk_platform.auditing import AccessRecording
from fristwerk_platform.auth import Principal, Tokens, open_tokens
from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.http import Routes, Stopping, create_api
from fristwerk_platform.http.door import ServiceIdentity, guard
from fristwerk_platform.http.feed_routes import feed_router
from fristwerk_platform.http.health import LeftOut, health_router
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.read_models import Database, open_live_read_model
from fristwerk_platform.read_models.blue_green import LiveReadModel
from fristwerk_platform.read_models.migrations import newest_revision
from fristwerk_platform.service import service_lifespan, step
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import (
    BatchDelay,
    Feed,
    HttpFeed,
    Membership,
    PartitionedSubscription,
    Subscription,
)
from fristwerk_platform.transparency.followed_heads import FollowedHeads
from sla_service.api import answers, refusals
from sla_service.api.deadlines import deadlines_router
from sla_service.api.reports import reports_router
from sla_service.api.simulations import simulations_router
from sla_service.api.timers import timers_router
from sla_service.application.calendar_client import CalendarClient
from sla_service.application.next_deadlines import NextDeadlines
from sla_service.application.reports import Reports
from sla_service.application.simulation import Simulations
from sla_service.application.timers import Timers
from sla_service.clock import new_id, now
from sla_service.notices.feed import NoticeFeed
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.notices.watched_share import WatchedShare
from sla_service.projections import tables
from sla_service.projections.projector import SOURCE, Projector, concerns_all_tickets
from sla_service.projections.terms_cache import TermsCache
from sla_service.queries.metrics import TimerMetrics
from sla_service.queries.read_model import ReadModel
from sla_service.stores.idempotency import IdempotencyTable
from sla_service.stores.simulations import SimulationStore

BATCH_DELAY_SECONDS: Final = BatchDelay(shortest=0.01, longest=0.05)
"""So long events gather after a batch: one that comes alone is applied at once, and many share a transaction."""
IDENTITY: Final = ServiceIdentity("sla-service", {"sla": newest_revision(tables.metadata)})
DESCRIPTION = "What is due, and why: deadlines derived from every ticket's history, each of which explains itself."


def create_app(settings: Settings, stopping: Stopping, ticket_service: httpx.AsyncClient | None = None) -> FastAPI:
    """The SLA service on SQLite files in ``settings.var`` or on PostgreSQL; ``ticket_service`` is where its feed comes from."""
    settings.var.mkdir(parents=True, exist_ok=True)
    tokens = open_tokens(settings, TOKEN_ROLES)
    database = open_live_read_model(settings, "sla", tables.metadata)
    metrics, tasks = Metrics(), BackgroundTasks()
    timer_metrics = TimerMetrics(database, metrics, now)
    outbox = Outbox(now, new_id, timer_metrics.count_notices)
    client = ticket_service or httpx.AsyncClient(base_url=settings.ticket_url)
    reader = Principal(sub="sla-service", role="service", provider="*")
    feed = HttpFeed(client, lambda: tokens.issue(reader, now=now()), streaming=ticket_service is None)
    follow = _sharing if settings.follow_in_partitions else _alone
    projector, follower, watch = follow(feed, database, outbox)
    model = ReadModel(database)
    terms_cache, kept, store = TermsCache(database), IdempotencyTable(database), SimulationStore(database)
    calendar_client = CalendarClient(client, lambda principal: tokens.issue(principal, now=now()))
    changes = NextDeadlines(database, outbox.signal, lambda: database.version, stopping.wait)
    simulations = Simulations(model, terms_cache, store, calendar_client, now, new_id)
    heads, recording = _ticket_heads(client, tokens), AccessRecording(settings, "sla", now)
    app = create_api(
        title="Fristwerk sla-service",
        description=DESCRIPTION,
        version=version("fristwerk-sla-service"),
        token_printed_by=TOKEN_ROLES.printed_by,
        # FastAPI looks through them in this order: what is asked for most stands first.
        routers=[
            timers_router(Timers(model, terms_cache, now)),
            feed_router(NoticeFeed(database, outbox.signal), stopping, READERS, answers.LINES, heads.newest),
            _health_routes(model, watch, follower, metrics, timer_metrics, database, tasks),
            deadlines_router(Timers(model, terms_cache, now), kept, changes),
            reports_router(Reports(model, terms_cache, now)),
            simulations_router(simulations, store, kept),
            recording.routes,
        ],
        lifespan=service_lifespan(
            closing=[feed.aclose, heads.close, database.close, client.aclose, recording.close],
            steps=[
                *map(step, (database.create, recording.create)),
                tasks.forever("read model version", database.keep_fresh),
                tasks.until_done("parked tickets", lambda: projector.retry_at_start(database)),
                tasks.until_done("projection", lambda: follower.run(now)),  # it returns where the source went backwards
                tasks.forever("watch", watch.run),
                tasks.forever("simulations", simulations.run),
            ],
        ),
        required=answers.REQUIRED,
    )
    refusals.install(app)
    guard(app, settings, IDENTITY, tokens=tokens, now=now, meter=metrics, accesses=recording.accesses)
    return app


def _ticket_heads(client: httpx.AsyncClient, tokens: Tokens) -> FollowedHeads:
    """The newest heads of the log that deadlines are derived from, each asked for with a token of its provider."""

    def token(provider: str) -> str:
        reader = Principal(sub="sla-service", role="service", provider=provider, scopes=frozenset({"audit"}))
        return tokens.issue(reader, now=now())

    return FollowedHeads(client, token, "tickets")


def _alone(feed: Feed, database: Database, outbox: Outbox) -> tuple[Projector, Subscription[Recorded], Watch]:
    """Keeps the read model up to date with the ticket service's log, and has notices given."""
    projector = Projector(outbox)
    follower = Subscription(
        source=SOURCE,
        feed=feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        apply=projector.apply,
        on_applied=outbox.signal.notify,
        delay=BATCH_DELAY_SECONDS,
    )
    return projector, follower, Watch(database, outbox, now, follower.lag)


def _sharing(feed: Feed, database: Database, outbox: Outbox) -> tuple[Projector, Subscription[Recorded], Watch]:
    """The same for the partitions that this process has, beside other processes."""
    member = new_id()

    def applies(stream: str) -> bool:
        return follower.applies(stream)

    projector = Projector(outbox, applies)
    follower = PartitionedSubscription(
        source=SOURCE,
        feed=feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        membership=Membership(tables.partitions, member, concerns_all_tickets),
        apply=projector.apply,
        on_applied=outbox.signal.notify,
        delay=BATCH_DELAY_SECONDS,
    )

    def share() -> WatchedShare:
        return WatchedShare(member, follower.caught_up())

    return projector, follower, Watch(database, outbox, now, follower.lag, share)


def _health_routes(
    model: ReadModel,
    watch: Watch,
    follower: Subscription[Recorded],
    metrics: Metrics,
    timer_metrics: TimerMetrics,
    database: LiveReadModel,
    tasks: BackgroundTasks,
) -> Routes:
    return health_router(
        checks={
            "watch": watch.health,
            "tickets": model.health,
            "read model": database.check,
            "tasks": tasks.check,
        },
        followers=lambda: [follower],
        metrics=metrics,
        now=now,
        left_out=LeftOut(
            figure="parked_tickets",
            meaning="Tickets left out because they cannot be derived",
            count=model.count_parked,
        ),
        measure=timer_metrics.measure,
    )

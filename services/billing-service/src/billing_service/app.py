"""The composition root of the billing service: the only place that wires, and the only one that reads the clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version

import httpx
from fastapi import FastAPI

from billing_service import read_model
from billing_service.api import refusals
from billing_service.api.accounts import accounts_router
from billing_service.api.charges import charges_router
from billing_service.application.decisions import Decisions
from billing_service.application.service import Application
from billing_service.application.statements import Statements
from billing_service.projector import Projector
from billing_service.read_model import ReadModel
from shared.auth import Principal, Tokens, load_or_make_keys
from shared.database import open_database
from shared.event_log import EventLog, open_log
from shared.events import new_event_id
from shared.feed import Follower, HttpFeed, LogFeed, feed_router
from shared.health import Dependency, Metrics, health_router
from shared.http import Entrance, Stopping, create_api
from shared.settings import Settings

DESCRIPTION = "What it costs, and why: charges, previews and decisions, each traceable to its events and clauses."


def now() -> datetime:
    """The service's clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """A time-ordered id (UUIDv7)."""
    return new_event_id(now(), os.urandom(10))


def create_app(settings: Settings, stopping: Stopping, ticket_service: httpx.AsyncClient | None = None) -> FastAPI:
    """The billing service on SQLite files in ``settings.var`` or on PostgreSQL; ``ticket_service`` is where its feed comes from."""
    settings.var.mkdir(parents=True, exist_ok=True)
    keys = load_or_make_keys(settings.keys)
    tokens = Tokens(keys, issuer=settings.issuer, audience=settings.audience)
    log = open_log(settings, "billing-log")
    database = open_database(settings, "billing", read_model.metadata)
    client = ticket_service or httpx.AsyncClient(base_url=settings.ticket_url)
    reader = Principal(sub="billing-service", role="service", provider="*")
    projector = Projector()
    upstream = Follower(
        source="ticket-service",
        feed=HttpFeed(client, lambda: tokens.issue(reader, now=now())),
        database=database,
        following=read_model.following,
        apply=projector.apply,
    )
    feed = LogFeed(log)
    own = Follower(
        source="own log", feed=feed, database=database, following=read_model.following, apply=projector.apply_own
    )
    application = _application(log, ReadModel(database), own)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.create()
        await log.forget_keys(now())
        following = [asyncio.create_task(each.run(now)) for each in (upstream, own)]
        yield
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await client.aclose()
        await log.close()
        await database.close()

    async def log_is_there() -> Dependency:
        await log.last_position()
        return Dependency(ok=True)

    app = create_api(
        title="Fristwerk billing-service",
        description=DESCRIPTION,
        version=version("fristwerk-billing-service"),
        routers=[
            health_router(checks={"log": log_is_there}, followers=lambda: [upstream, own], metrics=Metrics(), now=now),
            accounts_router(application),
            charges_router(application),
            feed_router(feed, stopping),
        ],
        lifespan=lifespan,
    )
    refusals.install(app)
    app.add_middleware(Entrance, tokens=tokens, now=now)
    return app


def _application(log: EventLog, model: ReadModel, own: Follower) -> Application:
    statements = Statements(model, now)
    return Application(
        now=now,
        log=log,
        read_model=model,
        own=own,
        statements=statements,
        decisions=Decisions(log, statements, model, new_id),
    )

"""The composition root of the ticket service: the only place that wires, and the only one that reads the clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version

from fastapi import FastAPI

from shared.auth import Tokens, load_or_make_keys
from shared.database import IRREPLACEABLE, open_database
from shared.event_log import EventLog, open_log
from shared.events import new_event_id
from shared.feed import Follower, LogFeed, feed_router
from shared.health import Dependency, Metrics, health_router
from shared.http import Entrance, Stopping, create_api
from shared.settings import Settings
from ticket_service import personal_data, read_model
from ticket_service.api import refusals
from ticket_service.api.calls import calls_router
from ticket_service.api.contracts import contracts_router
from ticket_service.api.customers import customers_router
from ticket_service.api.terms import terms_router
from ticket_service.api.ticket_commands import ticket_commands_router
from ticket_service.api.tickets import tickets_router
from ticket_service.application.calls import Calls
from ticket_service.application.customers import Customers
from ticket_service.application.recording import Recording
from ticket_service.application.service import Application
from ticket_service.application.streams import Streams
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.application.worklist import Worklist
from ticket_service.domain.folding import (
    evolve_agreement,
    evolve_calendar,
    evolve_contract,
    evolve_customer,
    evolve_ticket,
)
from ticket_service.personal_data import PersonalData
from ticket_service.projector import Projector
from ticket_service.read_model import ReadModel

DESCRIPTION = "What may happen to a ticket, and what did: terms, customers, tickets, and the log of every fact."


def now() -> datetime:
    """The service's clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """A time-ordered id (UUIDv7)."""
    return new_event_id(now(), os.urandom(10))


def create_app(settings: Settings, stopping: Stopping) -> FastAPI:
    """The ticket service on SQLite files in ``settings.var`` or on PostgreSQL."""
    settings.var.mkdir(parents=True, exist_ok=True)
    keys = load_or_make_keys(settings.keys)
    log = open_log(settings, "tickets-log")
    database = open_database(settings, "tickets", read_model.metadata)
    subject_keys = open_database(settings, "personal-keys", personal_data.metadata, IRREPLACEABLE)
    personal = PersonalData(subject_keys, keys.sealing_bytes())
    feed = LogFeed(log)
    follower = Follower(
        source="own log",
        feed=feed,
        database=database,
        following=read_model.following,
        apply=Projector(personal).apply,
    )
    application = _application(log, personal, ReadModel(database), follower)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.create()
        await subject_keys.create()
        await log.forget_keys(now())
        following = asyncio.create_task(follower.run(now))
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await log.close()
        await database.close()
        await subject_keys.close()

    async def log_is_there() -> Dependency:
        await log.last_position()
        return Dependency(ok=True)

    app = create_api(
        title="Fristwerk ticket-service",
        description=DESCRIPTION,
        version=version("fristwerk-ticket-service"),
        routers=[
            health_router(checks={"log": log_is_there}, followers=lambda: [follower], metrics=Metrics(), now=now),
            terms_router(application),
            customers_router(application),
            contracts_router(application),
            calls_router(application),
            tickets_router(application),
            ticket_commands_router(application),
            feed_router(feed, stopping),
        ],
        lifespan=lifespan,
    )
    refusals.install(app)
    app.add_middleware(Entrance, tokens=Tokens(keys, issuer=settings.issuer, audience=settings.audience), now=now)
    return app


def _application(log: EventLog, personal: PersonalData, model: ReadModel, follower: Follower) -> Application:
    recording = Recording(log, personal, new_id)
    terms = Terms(recording, Streams(log, evolve_calendar), Streams(log, evolve_agreement))
    customers = Customers(recording, terms, personal, Streams(log, evolve_customer), Streams(log, evolve_contract))
    tickets = Tickets(log, recording, terms, customers, model, Streams(log, evolve_ticket))
    return Application(
        now=now,
        log=log,
        recording=recording,
        personal_data=personal,
        read_model=model,
        follower=follower,
        terms=terms,
        customers=customers,
        tickets=tickets,
        calls=Calls(recording, terms, tickets, customers, personal, model),
        worklist=Worklist(terms, tickets, model),
    )

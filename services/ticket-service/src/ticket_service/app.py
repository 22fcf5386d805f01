"""The composition root of the ticket service: the only place that wires, and the only one that
reads the clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

import httpx
import structlog
from fastapi import FastAPI

from fristwerk_language.events import Recorded, columns_of, decode_tolerantly, read_line
from fristwerk_language.roles import READERS, TOKEN_ROLES
from fristwerk_platform.auditing import Auditing, open_auditing
from fristwerk_platform.auth import Principal, open_tokens
from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.event_log import GroupCommitLog, open_log
from fristwerk_platform.event_log.index_upkeep import IndexUpkeep
from fristwerk_platform.health import Dependency
from fristwerk_platform.http import Routes, Stopping, create_api
from fristwerk_platform.http.door import ServiceIdentity, guard
from fristwerk_platform.http.feed_routes import feed_router
from fristwerk_platform.http.health import health_router
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.read_models import IRREPLACEABLE, Database, SqlDatabase, open_database, open_live_read_model
from fristwerk_platform.read_models.blue_green import LiveReadModel
from fristwerk_platform.read_models.migrations import newest_revision
from fristwerk_platform.sealing_keys import load_or_make_sealing_key
from fristwerk_platform.service import StartupStep, service_lifespan, step
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import BatchDelay, Feed, LogFeed, Subscription
from ticket_service import personal_data, terms_migration_ledger
from ticket_service.api import answers, refusals
from ticket_service.api.agents import agents_router
from ticket_service.api.calls import calls_router
from ticket_service.api.contracts import contracts_router
from ticket_service.api.customers import customers_router
from ticket_service.api.opinions import opinions_router
from ticket_service.api.portal_users import admission, portal_users_router
from ticket_service.api.rows import rows_router
from ticket_service.api.severities import severities_router
from ticket_service.api.tasks import tasks_router
from ticket_service.api.terms import terms_router
from ticket_service.api.terms_migrations import migrations_router
from ticket_service.api.ticket_commands import ticket_commands_router
from ticket_service.api.tickets import tickets_router
from ticket_service.application import names
from ticket_service.application.agents import Agents
from ticket_service.application.application import Application
from ticket_service.application.calls import Calls
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.complaints import Complaints
from ticket_service.application.consequences import Consequences
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.contracts import Contracts
from ticket_service.application.cost_texts import CostTexts
from ticket_service.application.customers import Customers
from ticket_service.application.deadlines import SCOPES, Deadlines
from ticket_service.application.dedicated_agents import DedicatedAgents
from ticket_service.application.filling import IndexFilling
from ticket_service.application.follow_ups import FollowUps
from ticket_service.application.forgetting_again import ForgettingAgain
from ticket_service.application.free_times import FreeTimes
from ticket_service.application.intake import Intake
from ticket_service.application.invoice_recipients import InvoiceRecipients, RecipientUpkeep
from ticket_service.application.kept_calls import KeptCalls
from ticket_service.application.logged_calls import LoggedCalls
from ticket_service.application.moves import Moves
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.opinions import Opinions
from ticket_service.application.place_upkeep import PlaceUpkeep
from ticket_service.application.places import Places
from ticket_service.application.portal_users import PortalUsers
from ticket_service.application.relations import Relations
from ticket_service.application.rows import RowLists
from ticket_service.application.sources import Sources
from ticket_service.application.states import States
from ticket_service.application.tasks import Tasks
from ticket_service.application.terms import Terms
from ticket_service.application.terms_migrations import Migrations
from ticket_service.application.ticket_lists import TicketLists
from ticket_service.application.ticket_reads import TicketReads
from ticket_service.application.tickets import Tickets
from ticket_service.application.worklist import Worklist
from ticket_service.domain.ticket.decision_context import DatingRules
from ticket_service.entropy import new_id
from ticket_service.forgotten_list import ForgottenList
from ticket_service.kept_recipients import KeptRecipients
from ticket_service.personal_data import PersonalData
from ticket_service.projections import tables
from ticket_service.projections.projector import Projector
from ticket_service.queries.read_model import ReadModel
from ticket_service.queries.ticket_lists import TicketListReads
from ticket_service.terms_migration_ledger import MigrationLedger

PROJECTION_DELAY_SECONDS: Final = BatchDelay(shortest=0.5)
"""So long the read model may stay behind while nobody asks it; who asks waits for no delay."""
CUSTOMERS_MAY_DATE: Final = "customers may date their own facts (FRISTWERK_CUSTOMERS_MAY_DATE)"
IDENTITY: Final = ServiceIdentity(
    "ticket-service",
    {
        "tickets": newest_revision(tables.metadata),
        "personal-keys": newest_revision(personal_data.metadata),
        "terms-migrations": newest_revision(terms_migration_ledger.metadata),
    },
)
DEADLINE_READER: Final = Principal(sub="ticket-service", role="service", provider="*", scopes=SCOPES)
DESCRIPTION = "What may happen to a ticket, and what did: terms, customers, tickets, and the log of every fact."


now: Final = partial(datetime.now, UTC)
"""The service's clock."""


def create_app(settings: Settings, stopping: Stopping, sla_service: httpx.AsyncClient | None = None) -> FastAPI:
    """The ticket service on SQLite files in ``settings.var`` or on PostgreSQL; ``sla_service`` is where lists get deadlines."""
    settings.var.mkdir(parents=True, exist_ok=True)
    metrics, tokens = Metrics(), open_tokens(settings, TOKEN_ROLES)
    log = open_log(settings, "tickets-log", metrics.log(), read_columns=columns_of)
    database = open_live_read_model(settings, "tickets", tables.metadata)
    subject_keys = open_database(settings, "personal-keys", personal_data.metadata, IRREPLACEABLE)
    personal = PersonalData(subject_keys, load_or_make_sealing_key(settings), ForgottenList(settings.forgotten))
    feed, tasks, states = LogFeed(log), BackgroundTasks(), States(log)
    follower = _projection(feed, database, personal, states)
    plans = open_database(settings, "terms-migrations", terms_migration_ledger.metadata, IRREPLACEABLE)
    client = sla_service or httpx.AsyncClient(base_url=settings.sla_url)
    deadlines = Deadlines(client, lambda: tokens.issue(DEADLINE_READER, now=now()), now)
    rules = _dating_rules(settings)
    application = _application(log, states, personal, subject_keys, follower, database, rules, deadlines)
    auditing = open_auditing(settings, log, "tickets", now, metrics)
    migrations = Migrations(application, MigrationLedger(plans), now, new_id)
    app = create_api(
        title="Fristwerk ticket-service",
        description=DESCRIPTION,
        version=version("fristwerk-ticket-service"),
        token_printed_by=TOKEN_ROLES.printed_by,
        routers=[
            *_routers(application, migrations),
            feed_router(feed, stopping, READERS, answers.LINES, auditing.newest_head),
            _health_routes(_checks(log, database, subject_keys, tasks, settings), follower, metrics, auditing),
            auditing.routes,
        ],
        lifespan=service_lifespan(
            closing=[subject_keys.close, plans.close, database.close, log.close, auditing.close, client.aclose],
            steps=[
                *map(step, (database.create, subject_keys.create, plans.create, personal.check)),
                *auditing.steps(tasks),
                *_background(tasks, database, follower, migrations, application, log, personal, deadlines),
            ],
        ),
        required=answers.REQUIRED,
    )
    refusals.install(app)
    guard(
        app,
        settings,
        IDENTITY,
        tokens=tokens,
        now=now,
        meter=metrics,
        accesses=auditing.accesses,
        admission=admission(application.portal_users),
    )
    return app


def _routers(application: Application, migrations: Migrations) -> list[Routes]:
    """What the use cases are asked by."""
    return [
        tickets_router(application),
        rows_router(application),
        tasks_router(application),
        severities_router(application),
        agents_router(application),
        ticket_commands_router(application),
        customers_router(application),
        opinions_router(application),
        portal_users_router(application),
        contracts_router(application),
        calls_router(application),
        terms_router(application),
        migrations_router(application, migrations),
    ]


def _checks(
    log: GroupCommitLog,
    database: LiveReadModel,
    subject_keys: SqlDatabase,
    tasks: BackgroundTasks,
    settings: Settings,
) -> dict[str, Callable[[], Awaitable[Dependency]]]:
    checks = {"log": log.check, "read model": database.check, "personal keys": subject_keys.check, "tasks": tasks.check}
    return {**checks, **_dating_check(settings)}


def _health_routes(
    checks: dict[str, Callable[[], Awaitable[Dependency]]],
    follower: Subscription[Recorded],
    metrics: Metrics,
    auditing: Auditing,
) -> Routes:
    return health_router(
        checks=checks | auditing.checks,
        followers=lambda: [follower],
        metrics=metrics,
        now=now,
        measure=auditing.measure,
    )


def _background(
    tasks: BackgroundTasks,
    database: LiveReadModel,
    follower: Subscription[Recorded],
    migrations: Migrations,
    application: Application,
    log: GroupCommitLog,
    personal: PersonalData,
    deadlines: Deadlines,
) -> list[StartupStep]:
    """What older logs lack, made up before the first request, and what runs beside the requests."""
    index = IndexUpkeep(log, names.RULES, application.index_filling.entries, lambda line: read_line(line).stream)
    places = PlaceUpkeep(application.worklist, application.tickets, now, new_id)
    return [
        step(index.complete),
        step(ForgettingAgain(personal, application.customers, now, new_id).run),
        tasks.forever("index of the log", index.note),
        tasks.forever("read model version", database.keep_fresh),
        tasks.until_done("projection", lambda: follower.run(now)),  # it returns where the log went backwards
        tasks.forever("terms migrations", migrations.run),
        tasks.forever("places in worklists", places.run),
        tasks.forever("kept recipients", RecipientUpkeep(application.recipients, now).run),
        tasks.forever("idempotency keys", lambda: log.keep_tidy(now)),
        tasks.forever("deadlines", deadlines.run),
    ]


def _projection(feed: Feed, database: Database, personal: PersonalData, states: States) -> Subscription[Recorded]:
    """Keeps the read model up to date with the log."""
    return Subscription(
        source="own log",
        feed=feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        apply=Projector(personal, states.kept_at).apply,
        delay=PROJECTION_DELAY_SECONDS,
    )


def _dating_check(settings: Settings) -> dict[str, Callable[[], Awaitable[Dependency]]]:
    """So that whoever looks at ``/health/ready`` sees that customers choose their own past."""

    async def check() -> Dependency:
        return Dependency(ok=True, detail=CUSTOMERS_MAY_DATE)

    return {"dating": check} if settings.customers_may_date else {}


def _dating_rules(settings: Settings) -> DatingRules:
    if settings.customers_may_date:
        structlog.get_logger().warning("customers_may_date", detail=CUSTOMERS_MAY_DATE)
    return DatingRules(
        customers_may_date=settings.customers_may_date,
        receipt_before_contracts=timedelta(days=settings.receipt_days_before_contracts),
        appointments_ahead=timedelta(days=settings.appointment_days_ahead),
    )


def _application(
    log: GroupCommitLog,
    states: States,
    personal: PersonalData,
    subject_keys: Database,
    follower: Subscription[Recorded],
    database: Database,
    dating: DatingRules,
    deadlines: Deadlines,
) -> Application:
    read_model, executor = ReadModel(database), CommandExecutor(log, personal, new_id)
    current = ConsistentReads(log, follower, read_model)
    newest_reads = NewestReads(log, follower, read_model, states.tickets, states.contracts)
    terms = Terms(log, executor, states.calendars, states.agreements)
    consequences = Consequences(log, newest_reads, terms, states.contracts)
    recipients = InvoiceRecipients(executor, states.customers, consequences, KeptRecipients(subject_keys, personal))
    agents, dedicated = Agents(log, executor, terms, states.agents), DedicatedAgents(log, terms, states.contracts)
    customers = Customers(log, executor, dedicated, personal, states.customers, recipients, terms)
    tickets = Tickets(log, executor, terms, states.customers, states.tickets, states.contracts, dating, agents)
    intake = Intake(log, executor, newest_reads, terms, states, dating, agents)
    calls = Calls(log, executor, terms, customers, states.contracts, states.calls, tickets, intake, agents)
    logged = LoggedCalls(current, states.calls, customers, terms, personal)
    worklist = Worklist(current, newest_reads, terms, tickets)
    reads = TicketListReads(database, personal.word_digest)
    lists = TicketLists(current, reads, worklist, deadlines)
    sources = Sources(log, personal, tickets, intake, FollowUps(log, tickets, intake, newest_reads), calls)
    return Application(
        now=now,
        log=log,
        executor=executor,
        current=current,
        newest_reads=newest_reads,
        index_filling=IndexFilling(states, customers, sources),
        terms=terms,
        customers=customers,
        recipients=recipients,
        contracts=Contracts(executor, terms, customers, tickets, states.contracts, consequences),
        tickets=tickets,
        ticket_reads=TicketReads(log, executor, states.tickets, states.customers),
        intake=intake,
        moves=Moves(executor, terms, states.customers, states.tickets, tickets, intake, dating),
        relations=Relations(executor, terms, states.customers, states.tickets, tickets, intake, dating),
        sources=sources,
        logged_calls=logged,
        kept_calls=KeptCalls(executor, customers, states.calls, states.tickets, tickets, intake, calls, logged),
        complaints=Complaints(customers, intake),
        worklist=worklist,
        lists=lists,
        rows=RowLists(current, reads, lists, states, personal, deadlines),
        places=Places(current, reads, worklist),
        tasks=Tasks(current),
        cost_texts=CostTexts(log, executor, states.tickets, states.customers),
        agents=agents,
        opinions=Opinions(log, executor, terms, customers, states.customers, states.contracts),
        portal_users=PortalUsers(log, executor, customers, states.customers),
        free_times=FreeTimes(log, terms, customers, tickets, states.tickets, agents),
    )

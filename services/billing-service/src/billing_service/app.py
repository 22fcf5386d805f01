"""The composition root of the billing service: the only place that wires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import httpx
from fastapi import FastAPI

from billing_service.api import answers, document_answers, refusals
from billing_service.api.accounts import accounts_router
from billing_service.api.charges import charges_router
from billing_service.api.invoice_commands import invoice_commands_router
from billing_service.api.invoice_runs import invoice_runs_router
from billing_service.api.invoices import invoices_router
from billing_service.api.reports import reports_router
from billing_service.application.account_checks import AccountChecks
from billing_service.application.application import Application
from billing_service.application.consistent_reads import ConsistentReads
from billing_service.application.decisions import Decisions
from billing_service.application.invoice_runs import InvoiceRuns
from billing_service.application.invoices import Invoices
from billing_service.application.invoicing import Invoicing
from billing_service.application.open_charges import OpenCharges
from billing_service.application.reasons import Reasons
from billing_service.application.recipients import Recipients
from billing_service.application.reconciliation import Reconciliation
from billing_service.application.statements import Statements
from billing_service.application.tax_audit import TaxAudit
from billing_service.application.traces import Traces
from billing_service.application.what_if import WhatIf
from billing_service.clock import new_id, now
from billing_service.projections import tables
from billing_service.projections.invoice_runs import InvoiceRunWriter
from billing_service.projections.projector import Projector, concerns_all_accounts
from billing_service.projections.unchecked_accounts import AccountCheckWriter, CheckedShare
from billing_service.queries.account_checks import AccountCheckQueries
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from billing_service.queries.invoice_runs import InvoiceRunQueries
from fristwerk_language.events import Recorded, columns_of, decode_tolerantly
from fristwerk_language.roles import READERS, TOKEN_ROLES
from fristwerk_platform.auditing import Auditing, open_auditing
from fristwerk_platform.auth import Principal, Tokens, open_tokens
from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.event_log import EventLog, open_log
from fristwerk_platform.http import Routes, Stopping, create_api
from fristwerk_platform.http.door import ServiceIdentity, guard
from fristwerk_platform.http.feed_routes import feed_router
from fristwerk_platform.http.health import Check, LeftOut, health_router
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.read_models import Database, open_live_read_model
from fristwerk_platform.read_models.migrations import newest_revision
from fristwerk_platform.service import service_lifespan, step
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import (
    BatchDelay,
    Feed,
    HttpFeed,
    LogFeed,
    Membership,
    PartitionedSubscription,
    Subscription,
)
from fristwerk_platform.subscriptions.partitions import LEASE_SECONDS

GATHER_SECONDS: Final = 0.05
"""So long the feed's events stay on the connection after some were read; each reading costs as much as many events."""
BATCH_DELAY_SECONDS: Final = BatchDelay(shortest=0.1, longest=0.25)
"""So long events gather after a batch: one that comes alone is applied at once, and many share a transaction."""
IDENTITY: Final = ServiceIdentity("billing-service", {"billing": newest_revision(tables.metadata)})
DESCRIPTION = (
    "What it costs, and why: charges, invoices and credit notes, each line traceable to its events and clauses."
)
_READER = Principal(sub="billing-service", role="service", provider="*")


def create_app(settings: Settings, stopping: Stopping, ticket_service: httpx.AsyncClient | None = None) -> FastAPI:
    """The billing service on SQLite files in ``settings.var`` or on PostgreSQL; ``ticket_service`` is whose feed it follows."""
    settings.var.mkdir(parents=True, exist_ok=True)
    tokens = open_tokens(settings, TOKEN_ROLES)
    metrics = Metrics()
    log = open_log(settings, "billing-log", metrics.log(), read_columns=columns_of)
    database = open_live_read_model(settings, "billing", tables.metadata)
    client = ticket_service or httpx.AsyncClient(base_url=settings.ticket_url)
    feed, tickets = LogFeed(log), _ticket_feed(client, tokens, streaming=ticket_service is None)
    changed = asyncio.Event()
    upstream, own, share = _projections(tickets, feed, database, changed, shared=settings.follow_in_partitions)
    tasks, auditing = BackgroundTasks(), open_auditing(settings, log, "billing", now, metrics)
    checks = {"log": log.check, "read model": database.check, "tasks": tasks.check} | auditing.checks
    application = _application(log, database, own, client, _on_behalf_of(tokens))
    account_checks = _account_checks(application, database, changed, share)
    health = _health_routes(checks, [upstream, own], account_checks, metrics, auditing)
    app = create_api(
        title="Fristwerk billing-service",
        description=DESCRIPTION,
        version=version("fristwerk-billing-service"),
        token_printed_by=TOKEN_ROLES.printed_by,
        routers=[
            health,
            accounts_router(application),
            charges_router(application),
            invoice_commands_router(application),
            invoices_router(application, auditing.head_over),
            invoice_runs_router(application),
            reports_router(application),
            feed_router(feed, stopping, READERS, answers.LINES, auditing.newest_head),
            auditing.routes,
        ],
        lifespan=service_lifespan(
            closing=[tickets.aclose, database.close, log.close, client.aclose, auditing.close],
            steps=[
                step(database.create),
                *auditing.steps(tasks),
                tasks.forever("read model version", database.keep_fresh),
                tasks.until_done("projection of tickets", lambda: upstream.run(now)),  # returns where it went backwards
                tasks.until_done("projection", lambda: own.run(now)),
                tasks.forever("idempotency keys", lambda: log.keep_tidy(now)),
                tasks.forever("account checks", account_checks.run),
                step(application.runs.resume, application.runs.close),
            ],
        ),
        required=document_answers.REQUIRED,
    )
    refusals.install(app, application.reasons)
    guard(app, settings, IDENTITY, tokens=tokens, now=now, meter=metrics, accesses=auditing.accesses)
    return app


def _on_behalf_of(tokens: Tokens) -> Callable[[str], str]:
    """Makes the token with which this service asks the ticket service who a provider's customer is."""

    def token(provider: str) -> str:
        who = Principal(sub="billing-service", role="service", provider=provider, scopes=frozenset({"customers"}))
        return tokens.issue(who, now=now())

    return token


def _account_checks(
    application: Application, database: Database, changed: asyncio.Event, share: Callable[[], CheckedShare | None]
) -> AccountChecks:
    queries, writer = AccountCheckQueries(database), AccountCheckWriter(database)
    return AccountChecks(queries, writer, application.statements, changed, now, share)


def _health_routes(
    checks: Mapping[str, Check],
    followers: list[Subscription[Any]],
    account_checks: AccountChecks,
    metrics: Metrics,
    auditing: Auditing,
) -> Routes:
    return health_router(
        checks=checks,
        followers=lambda: followers,
        metrics=metrics,
        now=now,
        left_out=LeftOut(
            figure="parked_accounts",
            meaning="Accounts left out because they cannot be rated",
            count=account_checks.count_parked,
        ),
        measure=auditing.measure,
    )


def _ticket_feed(client: httpx.AsyncClient, tokens: Tokens, *, streaming: bool) -> HttpFeed:
    """The ticket service's feed, read with a token of this service."""
    return HttpFeed(
        client, lambda: tokens.issue(_READER, now=now()), streaming=streaming, gather_seconds=GATHER_SECONDS
    )


def _projections(
    ticket_feed: Feed, own_feed: Feed, database: Database, changed: asyncio.Event, *, shared: bool
) -> tuple[Subscription[Recorded], Subscription[Recorded], Callable[[], CheckedShare | None]]:
    """Keep the read model up to date with the ticket service's log, and with the service's own;
    ``changed`` is set with each batch. Also which accounts are this process's to check.

    Processes that share the work have partitions of the ticket service's log each; of the own log,
    which is short, each batch is applied by whoever is first.
    """
    projector, member = Projector(), new_id()
    follow: Callable[..., Subscription[Recorded]] = Subscription
    if shared:
        follow = partial(
            PartitionedSubscription, membership=Membership(tables.partitions, member, concerns_all_accounts)
        )

    async def notice() -> None:
        changed.set()

    upstream = follow(
        source=tables.SOURCE,
        feed=ticket_feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        apply=projector.apply,
        on_applied=notice,
        delay=BATCH_DELAY_SECONDS,
    )
    own = Subscription(
        source="own log",
        feed=own_feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        apply=projector.apply_own,
        on_applied=notice,
        idle_seconds=LEASE_SECONDS if shared else None,
    )

    def share() -> CheckedShare | None:
        return CheckedShare(member, upstream.caught_up()) if isinstance(upstream, PartitionedSubscription) else None

    return upstream, own, share


def _application(
    log: EventLog,
    database: Database,
    own: Subscription[Recorded],
    client: httpx.AsyncClient,
    token: Callable[[str], str],
) -> Application:
    model, documents, current = AccountQueries(database), DocumentQueries(database), ConsistentReads(log, own)
    statements = Statements(model, documents, now)
    recipients, reasons = Recipients(model, client, token), Reasons(client, token)
    invoices = Invoices(model, documents, statements, recipients, reasons)
    invoicing = Invoicing(
        log=log,
        current=current,
        read_model=model,
        documents=documents,
        statements=statements,
        recipients=recipients,
        reasons=reasons,
        new_id=new_id,
    )
    return Application(
        now=now,
        log=log,
        read_model=model,
        current=current,
        statements=statements,
        open_charges=OpenCharges(model, statements),
        decisions=Decisions(log, statements, model, reasons, new_id),
        invoices=invoices,
        invoicing=invoicing,
        traces=Traces(model, statements, invoices, reasons),
        runs=InvoiceRuns(
            log=log,
            writer=InvoiceRunWriter(database),
            queries=InvoiceRunQueries(database),
            read_model=model,
            invoicing=invoicing,
            now=now,
            new_id=new_id,
        ),
        what_if=WhatIf(model, statements),
        reconciliation=Reconciliation(model, statements),
        reasons=reasons,
        tax_audit=TaxAudit(model, documents, recipients, reasons),
    )

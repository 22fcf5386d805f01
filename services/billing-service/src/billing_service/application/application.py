"""The whole application as its routes see it: one place for every command and every question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from billing_service.application.consistent_reads import ConsistentReads
from billing_service.application.decisions import Decisions
from billing_service.application.invoice_runs import InvoiceRuns
from billing_service.application.invoices import Invoices
from billing_service.application.invoicing import Invoicing
from billing_service.application.open_charges import OpenCharges
from billing_service.application.reasons import Reasons
from billing_service.application.reconciliation import Reconciliation
from billing_service.application.statements import Statements
from billing_service.application.tax_audit import TaxAudit
from billing_service.application.traces import Traces
from billing_service.application.what_if import WhatIf
from billing_service.queries.accounts import AccountQueries
from fristwerk_platform.event_log import EventLog


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Everything wired (see ``app``). Await ``current`` before a question that must see every
    command already answered.
    """

    now: Callable[[], datetime]
    log: EventLog
    read_model: AccountQueries
    current: ConsistentReads
    statements: Statements
    decisions: Decisions
    open_charges: OpenCharges
    invoices: Invoices
    invoicing: Invoicing
    traces: Traces
    runs: InvoiceRuns
    what_if: WhatIf
    reconciliation: Reconciliation
    reasons: Reasons
    tax_audit: TaxAudit

"""The tables of the billing service: facts by account, terms, issued documents with their lines,
invoice runs, and which accounts cannot be rated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, MetaData, String, Table

from fristwerk_platform.read_models import KEPT, PASSING, UtcDateTime, migrated_by
from fristwerk_platform.subscriptions import Checkpoints, Partitions

metadata: Final = MetaData(info=migrated_by(Path(__file__).parents[1] / "migrations" / "billing"))
checkpoints: Final = Checkpoints(metadata)
partitions: Final = Partitions(metadata)
SOURCE: Final = "ticket-service"
"""Whose log is followed, and shared by partitions of its streams; account checks by those of accounts."""

agreements: Final = Table(
    "agreements",
    metadata,
    Column("provider", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)
accounts: Final = Table(
    "accounts",
    metadata,
    Column("account", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("kind", String, nullable=False),
    Index("accounts_by_customer", "provider", "customer"),
)
tickets: Final = Table(
    "tickets",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("account", String, nullable=False),
    Column("customer", String, nullable=False),
    Index("tickets_by_reference", "provider", "reference"),
    Index("tickets_by_account", "account"),
)
facts: Final = Table(
    "facts",
    metadata,
    Column("account", String, primary_key=True),
    Column("stream", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("event", String, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Index("facts_by_event", "event"),
)
decisions: Final = Table(
    "decisions",
    metadata,
    Column("account", String, primary_key=True),
    Column("charge", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("event", String, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Index("decisions_by_event", "event"),
)
documents: Final = Table(
    "documents",
    metadata,
    Column("provider", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("account", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("until", Date, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("corrects", Integer),
    Column("line", LargeBinary, nullable=False),
    Index("documents_by_customer", "provider", "customer"),
    Index("documents_by_corrected", "provider", "corrects"),
)
"""Invoices and credit notes; ``line`` is the recorded event with the frozen copy."""
document_steps: Final = Table(
    "document_steps",
    metadata,
    Column("provider", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)
"""What became of a document: sent, paid."""
document_lines: Final = Table(
    "document_lines",
    metadata,
    Column("provider", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("account", String, nullable=False),
    Column("until", Date, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Index("document_lines_by_account", "account"),
)
"""Each line as the document has it; ``place`` counts from 1."""
line_sources: Final = Table(
    "line_sources",
    metadata,
    Column("provider", String, primary_key=True),
    Column("event", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("account", String, nullable=False),
)
runs: Final = Table(
    "runs",
    metadata,
    Column("run", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("until", Date, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("actor", String, nullable=False),
    Column("role", String, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("request_digest", String, nullable=False),
    Index("runs_by_provider", "provider", "started_at"),
    info=KEPT,
)
run_items: Final = Table(
    "run_items",
    metadata,
    Column("run", String, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("account", String, nullable=False),
    Column("outcome", String),
    Column("number", Integer),
    Column("code", String),
    Column("detail", String),
    info=KEPT,
)
"""The accounts of a run; ``outcome`` is null until it had its turn, then ``issued``, ``skipped`` or
``failed``."""
unchecked_accounts: Final = Table(
    "unchecked_accounts",
    metadata,
    Column("account", String, primary_key=True),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("event", String, nullable=False),
    Index("unchecked_accounts_by_change", "changed_at"),
    info=PASSING,
)
"""Accounts whose facts changed since somebody last saw whether they can be rated. ``event`` is the
last change, so that whoever checked an earlier state of the account does not take the row away."""
parked_accounts: Final = Table(
    "parked_accounts",
    metadata,
    Column("account", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("code", String, nullable=False),
    Column("error", String, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    info=KEPT,
)
"""Accounts that cannot be rated, and why. A rebuild copies them, so that health goes on to count
them until each was tried again."""

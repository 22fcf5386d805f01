"""The tables as they were when migrations began: what the billing service keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _accounts()
    _agreements()
    _decisions()
    _document_lines()
    _document_steps()
    _documents()
    _facts()
    _followed_positions()
    _followed_streams()
    _line_sources()
    _replaced_by()
    _run_items()
    _runs()
    _tickets()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_index("accounts_by_customer", "accounts", ["provider", "customer"], unique=False)


def _agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "name", "version"),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("charge", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account", "charge", "version"),
    )
    op.create_index("decisions_by_event", "decisions", ["event"], unique=False)


def _document_lines() -> None:
    op.create_table(
        "document_lines",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "number", "place"),
    )
    op.create_index("document_lines_by_account", "document_lines", ["account"], unique=False)


def _document_steps() -> None:
    op.create_table(
        "document_steps",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "number", "version"),
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "number"),
    )
    op.create_index("documents_by_corrected", "documents", ["provider", "corrects"], unique=False)
    op.create_index("documents_by_customer", "documents", ["provider", "customer"], unique=False)


def _facts() -> None:
    op.create_table(
        "facts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account", "stream", "version"),
    )
    op.create_index("facts_by_event", "facts", ["event"], unique=False)


def _followed_positions() -> None:
    op.create_table(
        "followed_positions",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("source"),
    )


def _followed_streams() -> None:
    op.create_table(
        "followed_streams",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stream"),
    )


def _line_sources() -> None:
    op.create_table(
        "line_sources",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event", "number", "place"),
    )


def _replaced_by() -> None:
    op.create_table(
        "replaced_by",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("generation"),
    )


def _run_items() -> None:
    op.create_table(
        "run_items",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("run", "place"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("runs_by_provider", "runs", ["provider", "started_at"], unique=False)


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ticket"),
    )
    op.create_index("tickets_by_account", "tickets", ["account"], unique=False)
    op.create_index("tickets_by_reference", "tickets", ["provider", "reference"], unique=False)

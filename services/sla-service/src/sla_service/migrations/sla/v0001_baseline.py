"""The tables as they were when migrations began: what the SLA service keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _alarms()
    _answers()
    _followed_positions()
    _followed_streams()
    _histories()
    _notices()
    _notices_given()
    _parked()
    _replaced_by()
    _simulated_tickets()
    _simulations()
    _terms()
    _tickets()
    _timers()


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("timer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("timer", "kind", "rule"),
    )
    op.create_index("alarms_by_instant", "alarms", ["at"], unique=False)


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_index("answers_by_age", "answers", ["stored_at"], unique=False)


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


def _histories() -> None:
    op.create_table(
        "histories",
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ticket", "version"),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("stream", "version"),
        sqlite_autoincrement=True,
    )


def _notices_given() -> None:
    op.create_table(
        "notices_given",
        sa.Column("timer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("timer", "kind", "rule"),
    )


def _parked() -> None:
    op.create_table(
        "parked",
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ticket"),
    )
    op.create_index("parked_by_reference", "parked", ["provider", "reference"], unique=False)


def _replaced_by() -> None:
    op.create_table(
        "replaced_by",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("generation"),
    )


def _simulated_tickets() -> None:
    op.create_table(
        "simulated_tickets",
        sa.Column("simulation", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("differs", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("simulation", "place"),
    )


def _simulations() -> None:
    op.create_table(
        "simulations",
        sa.Column("simulation", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("scenario", sa.LargeBinary(), nullable=False),
        sa.Column("progress", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("simulation"),
    )
    op.create_index("simulations_by_age", "simulations", ["created_at"], unique=False)
    op.create_index("simulations_by_provider", "simulations", ["provider", "simulation"], unique=False)


def _terms() -> None:
    op.create_table(
        "terms",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "kind", "name", "version"),
    )


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("agreement", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("entitled", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("absent", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ticket"),
    )
    op.create_index("tickets_by_provider", "tickets", ["provider", "ticket"], unique=False)
    op.create_index("tickets_by_receipt", "tickets", ["provider", "received_at", "ticket"], unique=False)
    op.create_index("tickets_by_reference", "tickets", ["provider", "reference"], unique=False)


def _timers() -> None:
    op.create_table(
        "timers",
        sa.Column("timer", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("met_at", sa.BigInteger(), nullable=True),
        sa.Column("missed_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_since", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("timer"),
    )
    op.create_index("timers_by_deadline", "timers", ["provider", "due_at"], unique=False)
    op.create_index("timers_by_start", "timers", ["provider", "started_at", "timer"], unique=False)
    op.create_index("timers_by_ticket", "timers", ["ticket"], unique=False)

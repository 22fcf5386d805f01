"""The tables as they were when migrations began: what the ticket service looks up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _contracts()
    _customers()
    _dedicated_agents()
    _followed_positions()
    _followed_streams()
    _registrations()
    _replaced_by()
    _terms()
    _tickets()


def _contracts() -> None:
    op.create_table(
        "contracts",
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("contract"),
    )
    op.create_index("contracts_by_customer", "contracts", ["customer"], unique=False)
    op.create_index("contracts_by_position", "contracts", ["provider", "position"], unique=False)


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("customer"),
    )
    op.create_index("customers_by_provider", "customers", ["provider", "customer"], unique=False)


def _dedicated_agents() -> None:
    op.create_table(
        "dedicated_agents",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("customer"),
    )
    op.create_index("dedicated_by_agent", "dedicated_agents", ["provider", "agent"], unique=False)


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


def _registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("phone_index", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("customer"),
    )
    op.create_index("registrations_by_phone", "registrations", ["phone_index"], unique=False)


def _replaced_by() -> None:
    op.create_table(
        "replaced_by",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("generation"),
    )


def _terms() -> None:
    op.create_table(
        "terms",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "kind", "name"),
    )


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("contract", sa.String(), nullable=True),
        sa.Column("agreement", sa.String(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("group", sa.String(), nullable=True),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ticket"),
    )
    op.create_index("tickets_by_customer", "tickets", ["customer", "state"], unique=False)
    op.create_index("tickets_by_position", "tickets", ["provider", "position"], unique=False)
    op.create_index("tickets_by_provider", "tickets", ["provider", "ticket"], unique=False)
    op.create_index("tickets_by_reference", "tickets", ["provider", "reference"], unique=False)
    op.create_index("tickets_by_state", "tickets", ["provider", "state"], unique=False)

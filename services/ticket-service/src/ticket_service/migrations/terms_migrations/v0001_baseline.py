"""The tables as they were when migrations began: migrations of terms that are under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _migrated_tickets()
    _terms_migrations()


def _migrated_tickets() -> None:
    op.create_table(
        "migrated_tickets",
        sa.Column("migration", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("migration", "ticket"),
    )
    op.create_index("migrated_tickets_by_state", "migrated_tickets", ["migration", "state", "ticket"], unique=False)


def _terms_migrations() -> None:
    op.create_table(
        "terms_migrations",
        sa.Column("migration", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("to_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("migration"),
    )
    op.create_index("terms_migrations_by_provider", "terms_migrations", ["provider", "migration"], unique=False)
    op.create_index("terms_migrations_to_do", "terms_migrations", ["finished_at"], unique=False)

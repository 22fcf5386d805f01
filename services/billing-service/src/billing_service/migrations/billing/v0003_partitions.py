"""Several processes share the work by partitions: who has which, and how far it is applied."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "followed_partitions",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.String()),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String()),
        sa.Column("leased_until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("source", "partition"),
    )
    op.create_table(
        "partition_members",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("member", sa.String(), nullable=False),
        sa.Column("seen_until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("source", "member"),
    )

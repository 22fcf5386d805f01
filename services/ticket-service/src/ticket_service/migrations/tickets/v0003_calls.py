"""The log of calls becomes readable. Calls from before stand in it once the read model was rebuilt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("voicemail", sa.Boolean(), nullable=False),
        sa.Column("abandoned", sa.Boolean(), nullable=False),
        sa.Column("phone_index", sa.String(), nullable=True),
        sa.Column("sealed_for", sa.String(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("call"),
    )
    op.create_index("calls_by_start", "calls", ["provider", "started_at", "call"], unique=False)
    op.create_index("calls_by_phone", "calls", ["phone_index"], unique=False)
    op.create_index("calls_by_ticket", "calls", ["ticket"], unique=False)
    op.create_index("calls_by_subject", "calls", ["sealed_for"], unique=False)

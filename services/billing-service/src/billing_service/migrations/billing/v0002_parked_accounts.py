"""Which accounts cannot be rated is kept, and found by itself: every account there is will be tried once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "unchecked_accounts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_index("unchecked_accounts_by_change", "unchecked_accounts", ["changed_at"], unique=False)
    op.create_table(
        "parked_accounts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.execute(
        "INSERT INTO unchecked_accounts (account, changed_at, event) SELECT account, 0, 'migration' FROM accounts"
    )

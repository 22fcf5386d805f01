"""Recipients of invoices are kept until the term of their invoices is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "kept_recipients",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("customer"),
    )
    op.create_index("kept_recipients_by_end", "kept_recipients", ["kept_until"], unique=False)

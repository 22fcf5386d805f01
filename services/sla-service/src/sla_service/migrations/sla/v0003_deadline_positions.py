"""Where in the log each ticket's timers changed last: whoever keeps next deadlines reads what has changed since.

What was derived before is listed at position 0, so that a first reader finds it too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "deadline_positions",
        sa.Column("ticket", sa.String(), primary_key=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )
    op.create_index("deadlines_by_position", "deadline_positions", ["position", "ticket"], unique=False)
    op.execute("INSERT INTO deadline_positions (ticket, provider, position) SELECT ticket, provider, 0 FROM tickets")

"""Lists of timers find their page by an index: all by their ids, those that have not ended by their deadlines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NOT_ENDED = sa.text("met_at IS NULL AND missed_at IS NULL AND cancelled_at IS NULL")


def upgrade() -> None:
    op.create_index("timers_by_id", "timers", ["provider", "timer"], unique=False)
    op.create_index(
        "timers_not_ended",
        "timers",
        ["provider", "due_at", "timer"],
        unique=False,
        postgresql_where=_NOT_ENDED,
        sqlite_where=_NOT_ENDED,
    )

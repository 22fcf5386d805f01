"""Closed tickets whose escalations are open are named: they are found here, in their own documents."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    table = op.create_table(
        "open_when_closed",
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ticket"),
    )
    op.create_index("open_when_closed_by_provider", "open_when_closed", ["provider"], unique=False)
    tickets = sa.table("tickets", *map(sa.column, ("ticket", "provider", "state", "document")))
    wanted = sa.select(tickets.c.ticket, tickets.c.provider, tickets.c.document).where(tickets.c.state == "closed")
    found = [
        {"ticket": ticket, "provider": provider}
        for ticket, provider, document in op.get_bind().execute(wanted)
        if any(each["closed_at"] is None for each in json.loads(document).get("escalations", ()))
    ]
    if found:
        op.bulk_insert(table, found)

"""Lists of tickets by customer, contract, group and assignee, and of calls by customer, find their page by an index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("tickets_of_customer", "tickets", ["provider", "customer", "ticket"], unique=False)
    op.create_index(
        "tickets_under_contract",
        "tickets",
        ["provider", "contract", "ticket"],
        unique=False,
        **_where("contract IS NOT NULL"),
    )
    op.create_index(
        "tickets_of_group", "tickets", ["provider", "group", "ticket"], unique=False, **_where('"group" IS NOT NULL')
    )
    op.create_index(
        "tickets_of_assignee",
        "tickets",
        ["provider", "assignee", "ticket"],
        unique=False,
        **_where("assignee IS NOT NULL"),
    )
    op.drop_index("tickets_by_customer", "tickets")
    op.create_index("calls_by_customer", "calls", ["customer"], unique=False)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}

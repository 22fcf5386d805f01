"""Tickets are listed by department, level, site, who opened them and when they were received, and by the customer's language:
filled from their own documents.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
COLUMNS = {"tickets": ("department", "level", "site", "opened_by"), "customers": ("language",)}


def upgrade() -> None:
    said = {"postgresql": _said_on_postgresql, "sqlite": _said_on_sqlite}[op.get_bind().dialect.name]
    for table, names in COLUMNS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String(), nullable=True))
        filled = sa.table(table, sa.column("document", sa.LargeBinary()), *map(sa.column, names))
        op.execute(filled.update().values({name: said(filled.c.document, name) for name in names}))
    op.create_index(
        "tickets_of_department",
        "tickets",
        ["provider", "department", "ticket"],
        unique=False,
        **_where("department IS NOT NULL"),
    )
    op.create_index(
        "tickets_opened_by",
        "tickets",
        ["provider", "opened_by", "ticket"],
        unique=False,
        **_where("opened_by IS NOT NULL"),
    )
    op.create_index("tickets_by_receipt", "tickets", ["provider", "received_at", "ticket"], unique=False)


def _said_on_postgresql(document: Any, name: str) -> Any:
    return sa.func.json_extract_path_text(sa.cast(sa.func.convert_from(document, "UTF8"), sa.JSON()), name)


def _said_on_sqlite(document: Any, name: str) -> Any:
    return sa.func.json_extract(sa.cast(document, sa.Text()), f"$.{name}")


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}

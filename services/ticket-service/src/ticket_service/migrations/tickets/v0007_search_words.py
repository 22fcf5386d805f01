"""Tickets are searched. What was recorded before is found once the read model was rebuilt: its words are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("sealed_for", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sealed_for", "item", "word"),
    )
    op.create_index("search_words_by_word", "search_words", ["provider", "word", "item", "sealed_for"], unique=False)
    op.create_table(
        "search_prefixes",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("word", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "word", "item"),
    )

"""The tables as they were when migrations began: the keys that seal what is personal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _subject_keys()


def _subject_keys() -> None:
    op.create_table(
        "subject_keys",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )

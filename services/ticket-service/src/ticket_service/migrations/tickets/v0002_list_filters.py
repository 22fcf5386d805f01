"""Lists filtered by state or severity find their page by an index; the index of the log finds references and numbers."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("tickets_in_state", "tickets", ["provider", "state", "ticket"], unique=False)
    op.create_index("tickets_of_severity", "tickets", ["provider", "severity", "ticket"], unique=False)
    op.drop_index("tickets_by_state", "tickets")
    op.drop_index("tickets_by_reference", "tickets")
    op.drop_index("registrations_by_phone", "registrations")

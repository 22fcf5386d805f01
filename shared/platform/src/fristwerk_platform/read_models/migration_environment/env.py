"""Alembic's environment: migrates over the connection that
:mod:`fristwerk_platform.read_models.migrations` passes.
"""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], target_metadata=attributes["metadata"], render_as_batch=True)
context.run_migrations()

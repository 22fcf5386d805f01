"""The error of a database that cannot be reached."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError


class DatabaseUnavailableError(SQLAlchemyError):
    """The database is unreachable: it is stopped, still starting, or the connection was lost.

    Nothing was stored.

    Only where the connection breaks during a commit is it unknown whether the transaction was
    stored.
    """

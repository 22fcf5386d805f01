"""The error of a database that cannot be reached, and which of the drivers' errors say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError


class DatabaseUnavailableError(SQLAlchemyError):
    """The database is unreachable: it is stopped, still starting, or the connection was lost.

    Nothing was stored.

    Only where the connection breaks during a commit is it unknown whether the transaction was
    stored.
    """


@contextmanager
def unavailable_where_lost(refused: type[OSError] = ConnectionError) -> Iterator[None]:
    """DatabaseUnavailableError for a connection that is lost or was ``refused``."""
    try:
        yield
    except (refused, TimeoutError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and not _lost(error):
            raise
        raise DatabaseUnavailableError(f"{type(error).__name__}: {error}") from error


def _lost(error: DBAPIError) -> bool:
    """Whether the connection is gone or refused, rather than the statement.

    The classes of SQLSTATE are 08 (connection exception), 53 (insufficient resources) and 57
    (operator intervention); see appendix A of PostgreSQL's documentation.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith(("08", "53", "57"))

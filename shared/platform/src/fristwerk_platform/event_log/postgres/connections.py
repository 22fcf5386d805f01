"""Connections to PostgreSQL, one for each thread of the log: after an outage the next call connects, where a pool would wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from eventsourcing.postgres import PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

CONNECT_SECONDS: Final = 5
LOCK_TIMEOUT_SECONDS: Final = 10
IDLE_IN_TRANSACTION_SECONDS: Final = 5
"""The server ends a transaction whose process stands still, so that nobody else waits for its lock in vain."""
SILENCE_SECONDS: Final = 10
"""A server that does not acknowledge what was sent is given up (TCP_USER_TIMEOUT)."""


class ThreadConnections(PostgresDatastore):
    """The library's datastore without its pool; used by the few threads that a log has."""

    def __init__(self, url: str, schema: str) -> None:
        parts = conninfo_to_dict(url)
        super().__init__(
            dbname=str(parts.get("dbname", "postgres")),
            host=str(parts.get("host", "127.0.0.1")),
            port=str(parts.get("port", "5432")),
            user=str(parts.get("user", "")),
            password=str(parts.get("password", "")),
            schema=schema,
            originator_id_type="text",
            lock_timeout=LOCK_TIMEOUT_SECONDS,
            # Database functions leave the table unlocked: 39 of 3,000 events were lost to readers.
            enable_db_functions=False,
        )
        self._url = url
        self._own = threading.local()
        self._open: set[psycopg.Connection[DictRow]] = set()
        self._opening = threading.Lock()

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """The calling thread's connection, opened where there is none. Raises psycopg.Error."""
        connection = self._present() or self._connect()
        try:
            yield connection
        finally:
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.close()  # nothing half-done is taken over by the next call

    def owns(self, backend: int) -> bool:
        """Whether the server's process with that id serves one of these connections."""
        return any(backend == each.info.backend_pid for each in self._open if not each.closed)

    @property
    def lost(self) -> bool:
        """Whether the calling thread has no connection, or no longer."""
        return self._present() is None

    def close(self) -> None:
        """Let go of all connections; called when no thread uses one any more."""
        with self._opening:
            while self._open:
                self._open.pop().close()

    def _present(self) -> psycopg.Connection[DictRow] | None:
        connection: psycopg.Connection[DictRow] | None = getattr(self._own, "connection", None)
        return None if connection is None or connection.closed else connection

    def _connect(self) -> psycopg.Connection[DictRow]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=SILENCE_SECONDS * 1000,
            application_name=f"fristwerk {self.schema}",
            options=f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_SECONDS}s",
        )
        with self._opening:
            self._open = {each for each in self._open if not each.closed} | {connection}
        self._own.connection = connection
        return connection

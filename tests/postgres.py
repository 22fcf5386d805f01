"""One PostgreSQL server for all workers of a run, an empty or a migrated database for each test, and no trace afterwards."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import tempfile
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import psycopg
import pytest

from fristwerk_local.postgres import PostgresServer

SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=300")
"""It survives kills, not power cuts, and is the faster for it."""
PREFIX = "fristwerk-tests-"
ALIVE = "alive.lock"
"""Locked for as long as the run lasts that the folder belongs to."""
FOLDER = pytest.StashKey[Path]()
LOCKED = pytest.StashKey[TextIO]()


def pytest_configure(config: pytest.Config) -> None:
    """The process that the run began with makes the folder; its workers are told where it is."""
    if hasattr(config, "workerinput"):
        config.stash[FOLDER] = Path(config.workerinput["postgres_folder"])
        return
    remove_what_crashed_runs_left()
    # Under the system's temporary folder: ``nobody``, whom root lets PostgreSQL run as, may not enter pytest's own.
    folder = config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)
    lock = config.stash[LOCKED] = (folder / ALIVE).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["postgres_folder"] = str(node.config.stash[FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if LOCKED in config.stash:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)
        config.stash[LOCKED].close()


def remove_what_crashed_runs_left() -> None:
    """Remove the folders whose lock nobody holds any more."""
    for alive in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{ALIVE}"):
        try:
            with alive.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(alive.parent, ignore_errors=True)
        except OSError:
            continue  # in use, or somebody else's


class SharedServer:
    """The server of a run, found in the folder that its workers share. The first worker that needs it starts it.

    Every worker holds a shared lock while it uses the server. The one that started it waits for the others before it
    stops it; locks of a worker that was killed are gone with it, and so is a server whose worker was killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found = folder / "server"
        self._own: PostgresServer | None = None
        self._address = ""

    def url(self, database: str = "postgres") -> str:
        """``postgresql://user:password@host:port/database``."""
        return f"{self._address}/{database}"

    @contextmanager
    def used(self) -> Iterator[SharedServer]:
        """The running server for as long as this worker needs it."""
        with (self._folder / "server.lock").open("w") as users:
            with self._starting():
                if not self._is_there():
                    self._start()
                fcntl.flock(users, fcntl.LOCK_SH)
            yield self
            if self._own is not None:
                fcntl.flock(users, fcntl.LOCK_UN)
                with self._starting():
                    fcntl.flock(users, fcntl.LOCK_EX)
                    self._found.unlink()
                    self._own.stop()

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The address of a new database, which is dropped again."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            yield self.url(name)
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def template(self, name: str, fill: Callable[[str], Coroutine[Any, Any, None]]) -> str:
        """The name of a database to copy; the first worker that asks for it makes and fills it."""
        made = self._folder / f"{name}.made"
        with self._starting():
            if not made.exists():
                with psycopg.connect(self.url(), autocommit=True) as connection:
                    connection.execute(f"DROP DATABASE IF EXISTS {name}")
                    connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
                asyncio.run(fill(self.url(name)))
                made.touch()
        return name

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with (self._folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_there(self) -> bool:
        try:
            self._address = self._found.read_text()
            psycopg.connect(self.url()).close()
        except (FileNotFoundError, psycopg.OperationalError):
            return False
        return True

    def _start(self) -> None:
        for made in self._folder.glob("*.made"):
            made.unlink()  # by a server that was killed
        data = self._folder / uuid.uuid4().hex
        data.mkdir()
        data.chmod(0o755)
        self._own = PostgresServer(data, settings=SETTINGS).start()
        self._address = self._own.url("").removesuffix("/")
        self._found.write_text(self._address)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[SharedServer]:
    """The PostgreSQL server of this run."""
    with SharedServer(pytestconfig.stash[FOLDER]).used() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: SharedServer) -> Iterator[str]:
    """The address of an empty database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def own_postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may kill."""
    folder = pytestconfig.stash[FOLDER] / uuid.uuid4().hex
    folder.mkdir()
    folder.chmod(0o755)
    server = PostgresServer(folder).start()
    yield server
    server.stop()
    shutil.rmtree(folder)

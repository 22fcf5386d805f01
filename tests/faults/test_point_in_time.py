"""The drill on PostgreSQL: base backup, archived log, the server lost, and back to an instant before a mistake."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg
import pytest

import billing_service.clock
from billing_service.replay.comparison import replay as replay_billing
from fristwerk_local.postgres import PostgresServer, binaries
from fristwerk_platform.event_log import FeedLine
from fristwerk_platform.read_models import open_live_read_model
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency import keeper
from fristwerk_platform.transparency.keys import load_or_make_checkpoint_keys
from sla_service.projections import tables
from sla_service.replay.comparison import replay as replay_deadlines
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.deploy.tools import DEPLOY
from tests.faults.conftest import PROVIDER, Office
from tests.faults.test_backup import client_of, command, forget, lines_of, rebuilt, shown
from ticket_service.cli import main

SCRIPTS = DEPLOY / "postgres"
LOGS = ("tickets-log", "billing-log")


class Machine:
    """A folder that PostgreSQL's user may enter, with a server, its archive and its base backups."""

    def __init__(self, folder: Path) -> None:
        self.archive, self.bases = folder / "wal", folder / "bases"
        self.first, self.second = folder / "first", folder / "second"
        for each in (folder, self.archive, self.bases, self.first, self.second):
            each.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                os.chown(each, *_nobody())

    def server(self, folder: Path) -> PostgresServer:
        command = f'"{SCRIPTS / "archive.sh"}" "%p" "{self.archive}/%f"'
        settings = ("archive_mode=on", f"archive_command={command}", "wal_level=replica", "fsync=off")
        return PostgresServer(folder, settings=settings)

    def run(self, script: str, *arguments: str | Path, url: str = "") -> tuple[int, str]:
        parts = urlsplit(url)
        connection = {
            "PGHOST": parts.hostname or "",
            "PGPORT": str(parts.port or ""),
            "PGUSER": parts.username or "",
            "PGPASSWORD": parts.password or "",
        }
        user, group = _nobody() if os.geteuid() == 0 else (None, None)
        done = subprocess.run(  # noqa: S603 - our own script
            [SCRIPTS / script, *arguments],
            capture_output=True,
            check=False,
            text=True,
            env={"PATH": f"{binaries()}:/usr/bin:/bin"} | (connection if url else {}),
            cwd=self.bases,
            user=user,
            group=group,
        )
        return done.returncode, done.stdout + done.stderr


def _nobody() -> tuple[int, int]:
    found = pwd.getpwnam("nobody")
    return found.pw_uid, found.pw_gid


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Under the system's temporary folder, as PostgreSQL's user may not enter pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="fristwerk-point-in-time-"))
    folder.chmod(0o755)
    yield Machine(folder)
    shutil.rmtree(folder, ignore_errors=True)


def instant(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return str(row[0])


def archived(url: str) -> None:
    """Wait until all that was written lies in the archive."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        for _ in range(600):
            last = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
            if last is not None and last[0] is not None and last[0][8:] >= row[0][8:]:
                return
            connection.execute("SELECT pg_sleep(0.05)")
    raise AssertionError(f"{row[0]} was not archived")


def promoted(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(600):
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            if row == (False,):
                return
            connection.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("still recovering")


def database_of(server: PostgresServer) -> str:
    return server.url("fristwerk")


class Lost(msgspec.Struct, frozen=True):
    """What is known of a server that is gone."""

    base: Path
    then: str
    """The instant to go back to."""
    lines: dict[str, list[FeedLine]]
    """What the logs held then."""
    most: int
    """Events of tickets at the end."""
    forgotten: str
    """A customer whose person was forgotten after the instant."""


def settings_on(server: PostgresServer, folder: Path) -> Settings:
    """The keys and the list of forgotten persons lie apart from the data."""
    return Settings(var=folder / "var", key_file=folder / "keys" / "keys.json", database_url=database_of(server))


async def lost(machine: Machine, folder: Path, open_services: OpenServices) -> Lost:
    """A server on which a base backup was made, tickets were opened before and after an instant, and which is gone."""
    server = machine.server(machine.first).start()
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE fristwerk")
        settings = settings_on(server, folder)
        async with open_services(settings) as services:
            office = Office(client_of(services), 3)
            await office.open()
            await office.ticket()
            assert await office.client.caught_up(30)
            code, said = machine.run("base-backup.sh", machine.bases, url=server.url())
            assert code == 0, said
            await office.ticket()  # stands in the archive alone
            assert await office.client.caught_up(30)
            await asyncio.sleep(0.5)
            then, lines = instant(server.url()), {name: await lines_of(settings, name) for name in LOGS}
            await office.ticket()
            await forget(office, office.customers[0])
        most = len(await lines_of(settings, "tickets-log"))
        archived(server.url())
    finally:
        server.stop()
    return Lost(Path(said.strip()), then, lines, most, office.customers[0])


async def test_a_lost_server_is_restored_to_an_instant_and_who_was_forgotten_later_stays_forgotten(
    machine: Machine, tmp_path: Path, open_services: OpenServices, monkeypatch: pytest.MonkeyPatch, promise: Any
) -> None:
    monkeypatch.setattr(keeper, "TAIL_SECONDS", 0.2)  # so that there is a signed head before the instant
    gone = await lost(machine, tmp_path, open_services)
    assert machine.run("restore-to.sh", gone.base, machine.archive, machine.first / "data", gone.then)[0] == 1
    shutil.rmtree(machine.first / "data")

    code, said = machine.run("restore-to.sh", gone.base, machine.archive, machine.second / "data", gone.then)

    assert code == 0, said
    shutil.copy(machine.first / "password", machine.second / "password")
    server = machine.server(machine.second).start()
    try:
        promoted(server.url())
        settings = settings_on(server, tmp_path)
        found = {name: await lines_of(settings, name) for name in LOGS}
        assert found == gone.lines
        assert len(found["tickets-log"]) < gone.most
        monkeypatch.setenv("FRISTWERK_DATABASE_URL", database_of(server))
        assert f"{PROVIDER}/tickets: " in await command(settings, "check-heads")
        assert all("same" in line for line in await rebuilt(settings))
        async with open_services(settings) as services:
            assert await client_of(services).caught_up(30)
            after = await shown(services, gone.forgotten)
            await equal_digests(settings, services)
        change_the_first_event(database_of(server))
        with pytest.raises(AssertionError, match="contradicts its hash tree"):
            await command(settings, "check-heads")
    finally:
        server.stop()
    assert (after["forgotten"], after.get("contact")) == (True, None)
    promise.figures = f"{len(found['tickets-log'])} of {gone.most} events are back, those until the instant"


def change_the_first_event(url: str) -> None:
    """As whoever administers the database could."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        changed = connection.execute(
            "UPDATE tickets_log.stored_events SET state = state || ' '::bytea"
            " WHERE notification_id = (SELECT min(notification_id) FROM tickets_log.stored_events)"
        )
        assert changed.rowcount == 1


async def equal_digests(settings: Settings, services: ServicesInOneProcess) -> None:
    """Deadlines and statements, computed again, are the stored ones."""
    database = open_live_read_model(settings, "sla", tables.metadata)
    try:
        assert await database.find()
        deadlines = await replay_deadlines(database, None, lambda _: None)
    finally:
        await database.close()
    tickets = httpx.AsyncClient(transport=httpx.ASGITransport(services.apps["ticket"]), base_url="http://ticket")
    statements = await replay_billing(settings, datetime.now(UTC).date(), billing_service.clock.now, tickets)
    assert deadlines.is_equal
    assert deadlines.tickets > 0
    assert statements.differences == ()


def test_heads_are_compared_where_a_database_has_some(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load_or_make_checkpoint_keys(tmp_path / "checkpoint-keys.json")
    monkeypatch.setenv("FRISTWERK_VAR", str(tmp_path))
    assert main(["check-heads"]) == 1
    assert "SQLite" in capsys.readouterr().err
    server = machine.server(machine.first).start()
    monkeypatch.setenv("FRISTWERK_DATABASE_URL", server.url())
    try:
        assert main(["check-heads"]) == 1
    finally:
        server.stop()
    assert "There is no log billing-log with a hash tree to be read." in capsys.readouterr().err


def test_a_base_backup_that_was_damaged_is_refused(machine: Machine) -> None:
    server = machine.server(machine.first).start()
    try:
        code, said = machine.run("base-backup.sh", machine.bases, url=server.url())
        assert code == 0, said
    finally:
        server.stop()
    base = Path(said.strip())
    with (base / "base" / "1" / "PG_VERSION").open("a") as file:
        file.write("x")

    code, said = machine.run("restore-to.sh", base, machine.archive, machine.second / "data", "2026-06-03 14:30:00+00")

    assert code == 1
    assert "nothing was restored" in said
    assert not (machine.second / "data").exists()


def test_a_file_of_the_archive_is_never_replaced(machine: Machine) -> None:
    one, other, copy = machine.bases / "one", machine.bases / "other", machine.archive / "000000010000000000000001"
    one.write_text("one")
    other.write_text("other")

    codes = [machine.run("archive.sh", each, copy)[0] for each in (one, one, other)]

    assert codes == [0, 0, 1]
    assert copy.read_text() == "one"
    assert [each.name for each in machine.archive.iterdir()] == [copy.name]


@pytest.mark.parametrize("script", ["base-backup.sh", "restore-to.sh", "archive.sh"])
def test_a_script_names_its_arguments(machine: Machine, script: str) -> None:
    code, said = machine.run(script)

    assert code == 2
    assert "usage:" in said

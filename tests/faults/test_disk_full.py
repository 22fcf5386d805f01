"""A full disk: what was acknowledged stays, reads work, commands are refused with 503 or 507, and all goes on with new space."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_local.client import Client
from fristwerk_local.postgres import PostgresServer
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys

KIBIBYTES = {"sqlite": 3_000, "postgres": 13_000}
"""An empty database of PostgreSQL has 8 MB."""
FULL = (503, 507)
TEXT = "Es geht nicht. " * 1_000


def run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


class SmallDisk:
    """A folder on a small file system of its own."""

    def __init__(self, folder: Path, kibibytes: int) -> None:
        self.folder = folder
        nobody = pwd.getpwnam("nobody")
        options = f"size={kibibytes}k,uid={nobody.pw_uid},gid={nobody.pw_gid},mode=777"
        if os.geteuid() != 0 or not run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)):
            pytest.skip("only root may mount a small disk; tests/platform limits the size of files instead")

    def fill(self, leaving: int) -> None:
        """Leave so many bytes."""
        free = shutil.disk_usage(self.folder).free
        (self.folder / "ballast").write_bytes(bytes(max(0, free - leaving)))

    def make_space(self) -> None:
        assert run("mount", "-o", "remount,size=256m", str(self.folder))

    def close(self) -> None:
        run("umount", "--lazy", str(self.folder))


@pytest.fixture(params=["sqlite", "postgres"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SmallDisk, Settings]]:
    """A small disk, and settings that let the services store everything on it."""
    if request.param == "sqlite":
        folder = tmp_path / "disk"
        folder.mkdir()
        disk = SmallDisk(folder, KIBIBYTES["sqlite"])
        yield disk, Settings(var=folder)
        disk.close()
        return
    server: PostgresServer = request.getfixturevalue("own_postgres_server")
    folder = server._folder / "small-disk"
    folder.mkdir()
    disk = SmallDisk(folder, KIBIBYTES["postgres"])
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        connection.execute("CREATE DATABASE small TABLESPACE small")
    yield disk, Settings(var=tmp_path, database_url=server.url("small"))
    server.stop()
    disk.close()


async def test_a_full_disk_keeps_what_was_acknowledged_and_all_goes_on_with_new_space(
    small_disk: tuple[SmallDisk, Settings], open_services: Callable[[Settings], Any], open_office: Any, promise: Any
) -> None:
    disk, settings = small_disk
    async with open_services(settings) as stack:
        office = open_office(Client(stack.clients, stack.issue, patience_seconds=0), 1)
        await office.open()
        await office.ticket()
        ticket = office.tickets[0]
        status = await filled(office, ticket)
        before = dict(office.acknowledged)

        assert status in FULL
        read = await stack.clients["ticket"].get(f"/v1/tickets/{ticket}", headers=stack.headers("agent", "office"))
        assert read.status_code == 200
        assert {each for each, *_ in await office.recorded()} == before.keys()

        disk.make_space()
        patient = office.moved(Client(stack.clients, stack.issue), 2)
        await patient.ticket()
        recorded = await office.recorded()
        assert {each: tuple(place) for each, *place in recorded} == before | patient.acknowledged
        assert await caught_up(stack)
    promise.figures = (
        f"{len(before):,} acknowledged events kept, reads answered, commands refused with {status}, resumed"
    )


async def filled(office: Any, ticket: str) -> int:
    """Answer a ticket at length until the disk is full; the status of the refusal."""
    body = {"channel": "email", "text": TEXT}
    for number in range(5_000):
        answer = await office.answered(f"/v1/tickets/{ticket}/messages", body, "agent", f"long-{number}")
        if answer.status_code != 201:
            return int(answer.status_code)
        for event in answer.json()["events"]:
            office.acknowledged[event["id"]] = (event["stream"], event["version"])
    return pytest.fail("the disk was never full")


async def caught_up(stack: Any) -> bool:
    """Whether all followers are well again."""
    for _ in range(100):
        answers = [await client.get("/health/ready") for client in stack.clients.values()]
        if all(answer.status_code == 200 for answer in answers):
            return await Client(stack.clients, stack.issue).caught_up(20)
        await asyncio.sleep(0.1)
    return False


READY_SECONDS = 1.0
ANSWERED_SECONDS = 4.0


class ServedTickets:
    """The ticket service as a process, with its standard error where a test wants it."""

    def __init__(self, folder: Path, stderr: Path) -> None:
        self.settings = Settings(var=folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=ANSWERED_SECONDS)
        with stderr.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ticket_service", "serve"],
                env=os.environ | {"FRISTWERK_VAR": str(folder), "FRISTWERK_PORT": str(port)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    async def is_ready(self, seconds: float, *, wanted: bool = True) -> bool:
        """Whether health says within so many seconds what is wanted."""
        ends_at = time.monotonic() + seconds
        while True:
            with suppress(httpx.TransportError):
                if ((await self.http.get("/health/ready")).status_code == 200) is wanted:
                    return True
            if time.monotonic() > ends_at:
                return False
            await asyncio.sleep(0.05)

    async def command(self, number: int, text: str) -> int:
        """Register a customer of a long name; the answer's status."""
        keys = load_keys(self.settings.keys)
        tokens = Tokens(keys, TOKEN_ROLES, issuer=self.settings.issuer, audience=self.settings.audience)
        token = tokens.issue(Principal(sub="office", role="admin", provider="office"), now=datetime.now(UTC))
        body = {"name": f"Kunde {number}", "kind": "company", "contact": {"name": text}}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"customer-{number}"}
        return (await self.http.post("/v1/customers", json=body, headers=headers)).status_code

    async def close(self) -> None:
        await self.http.aclose()
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("stderr", ["beside the data", "/dev/full"])
async def test_a_full_disk_that_takes_no_log_line_either_is_refused_at_once_and_resumed(
    tmp_path: Path, stderr: str, promise: Any
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = SmallDisk(folder, KIBIBYTES["sqlite"])
    log = folder / "log"
    log.mkdir()
    served = ServedTickets(folder, log / "ticket-service.log" if stderr == "beside the data" else Path(stderr))
    try:
        assert await served.is_ready(30)
        disk.fill(leaving=100_000)
        number = 0
        while (status := await served.command(number, "x" * 200)) == 201:
            number += 1
        refused = [status]
        began = time.monotonic()
        not_ready = await served.is_ready(READY_SECONDS, wanted=False)
        noticed = time.monotonic() - began
        refused += [await served.command(number + more, "x" * 200) for more in range(1, 6)]

        assert set(refused) <= set(FULL)
        assert not_ready, "health says what the commands say"
        assert not await served.is_ready(0.3), "and goes on saying it"
        disk.make_space()
        began = time.monotonic()
        assert await served.is_ready(READY_SECONDS)
        resumed = time.monotonic() - began
        assert await served.command(number, "x" * 200) == 201
    finally:
        await served.close()
        disk.close()
    promise.figures = (
        f"{number} commands until full, {len(refused)} refused at once; not ready after {noticed:.2f} s, "
        f"ready again {resumed:.2f} s after there was space"
    )

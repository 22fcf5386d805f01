"""The drill: backups while commands arrive, everything deleted, restored, compared; who was forgotten stays forgotten."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import ticket_service.app
import ticket_service.rebuild
from fristwerk_language.events import read_line
from fristwerk_local.client import Client
from fristwerk_platform.event_log import FeedLine, open_log
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency import keeper
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.faults.conftest import PROVIDER, Office

BACKUPS = 2
AFTER_THE_LAST = 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Keys and the list of forgotten persons lie apart from the data."""
    return Settings(var=tmp_path / "var", key_file=tmp_path / "keys" / "keys.json")


async def command(settings: Settings, *arguments: str) -> str:
    """What ``python -m ticket_service`` prints."""
    environment = os.environ | {"FRISTWERK_VAR": str(settings.var), "FRISTWERK_KEY_FILE": str(settings.keys)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ticket_service", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


@asynccontextmanager
async def working(office: Office) -> AsyncIterator[None]:
    """Tickets are opened, answered and resolved meanwhile, by three people."""

    async def work() -> None:
        while True:
            await office.ticket()

    people = [asyncio.create_task(work()) for _ in range(3)]
    try:
        yield
    finally:
        for each in people:
            each.cancel()
        await asyncio.gather(*people, return_exceptions=True)


def client_of(services: ServicesInOneProcess) -> Client:
    return Client(services.clients, services.issue)


async def lines_of(settings: Settings, name: str) -> list[FeedLine]:
    log = open_log(settings, name)
    found: list[FeedLine] = []
    while lines := await log.read_feed(found[-1].position if found else 0, 1_000):
        found += lines
    await log.close()
    return found


async def rebuilt(settings: Settings) -> list[str]:
    """What the rebuilds say of the rows that are stored."""
    said = list[str]()
    await ticket_service.rebuild.rebuild(settings, said.append, now=ticket_service.app.now, check=True)
    return [line for line in said if "compared" in line]


async def test_a_backup_under_load_is_restored_to_the_last_event_and_the_forgotten_stay_forgotten(
    settings: Settings, tmp_path: Path, open_services: OpenServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "TAIL_SECONDS", 0.2)  # so that there is a signed head before the last backup
    out = tmp_path / "backups"
    async with open_services(settings) as services:
        office = Office(client_of(services), 3)
        await office.open()
        async with working(office):
            said = [await command(settings, "backup", "--out", str(out)) for _ in range(BACKUPS)]
            for _ in range(AFTER_THE_LAST):
                await office.next_answer()
        forgotten = office.customers[0]
        before = await shown(services, forgotten)
        await forget(office, forgotten)
    lines = {name: await lines_of(settings, name) for name in ("tickets-log", "billing-log")}
    shutil.rmtree(settings.var)

    backup = max(out.iterdir())
    assert len(said) == len(list(out.iterdir())) == BACKUPS
    restored = await command(settings, "restore", str(backup))

    assert f"restored into {settings.var}" in restored
    assert f"{PROVIDER}/tickets: " in restored  # its tree, under its signed head
    found = {name: await lines_of(settings, name) for name in lines}
    assert found["tickets-log"] == lines["tickets-log"][: len(found["tickets-log"])]
    assert 0 < len(found["tickets-log"]) < len(lines["tickets-log"])
    assert found["billing-log"] == lines["billing-log"][: len(found["billing-log"])]

    async with open_services(settings) as services:
        client = client_of(services)
        assert await client.caught_up(30)
        ready = {name: (await each.get("/health/ready")).json()["status"] for name, each in services.clients.items()}
        after = await shown(services, forgotten)
    assert ready == {"ticket": "ready", "sla": "ready", "billing": "ready"}
    assert before["contact"]["name"] == "Person 0"
    assert (after["forgotten"], after.get("contact")) == (True, None)
    [again] = [each for each in await lines_of(settings, "tickets-log") if b'"PersonForgotten"' in each.line]
    assert read_line(again.line).actor.id == "restore"
    assert all("same" in line for line in await rebuilt(settings)), await rebuilt(settings)


async def forget(office: Office, customer: str) -> None:
    path, body = f"/v1/customers/{customer}/forget", dict[str, Any]()
    answer = await office.answered(path, body, "admin", "forget")
    if answer.status_code != 201:
        accepted = [each["code"] for each in answer.json()["consequences"]]
        answer = await office.answered(path, {"accept": accepted}, "admin", "forget with consequences")
    assert answer.status_code == 201, answer.text


async def shown(services: ServicesInOneProcess, customer: str) -> dict[str, Any]:
    headers = services.headers("agent", PROVIDER)
    content: dict[str, Any] = (
        await services.clients["ticket"].get(f"/v1/customers/{customer}", headers=headers)
    ).json()
    found: dict[str, Any] = content.get("customer", content)
    return found

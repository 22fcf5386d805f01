"""A folder that the version before 0.2 has written is opened, served and rebuilt to the same rows.

``tests/contracts/databases`` holds the SQLite files of the recorded day, with one more command whose response is stored under an
idempotency key, and what that version's rebuilds said of them.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

import billing_service.app
import billing_service.rebuild
import sla_service.app
import sla_service.rebuild
import ticket_service.app
import ticket_service.rebuild
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from tests.by_hand import sqlite_by_hand

STORED: Final = Path(__file__).parents[1] / "contracts" / "databases"
NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
"""A day after the command was stored: keys are kept for 90."""


@pytest.fixture
def stored() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((STORED / "stored.json").read_text("utf-8"))
    return loaded


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the stored folder; the services' clocks stand at ``NOW``."""
    for file in STORED.glob("*.db.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    shutil.copy(STORED / "keys.json", tmp_path)
    for module in (ticket_service.app, sla_service.app, billing_service.app):
        monkeypatch.setattr(module, "now", lambda: NOW)
    return tmp_path


def bearer(settings: Settings, principal: Principal) -> dict[str, str]:
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    return {"Authorization": f"Bearer {tokens.issue(principal, now=NOW)}"}


async def test_rebuilds_find_the_rows_that_were_stored(folder: Path, stored: dict[str, Any]) -> None:
    settings, said = Settings(var=folder), list[str]()
    tickets = ticket_service.app.create_app(settings, Stopping())

    def ticket_client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(tickets), base_url="http://ticket")

    async with tickets.router.lifespan_context(tickets):
        await ticket_service.rebuild.rebuild(settings, said.append, now=lambda: NOW, check=True)
        for module in (sla_service.rebuild, billing_service.rebuild):
            await module.rebuild(settings, said.append, now=lambda: NOW, check=True, ticket_service=ticket_client())

    tickets_line, *others = [line for line in said if "compared" in line]
    # Since 0.2.0 a ticket's state says more (its open waits, for example), so all rows of tickets are written anew,
    # calls are read, words searched and customers heard: those from before have their rows only once it is rebuilt.
    differing = "2 in calls, 11 in customers, 40 in search_prefixes, 27 in search_words, 17 in tickets"
    assert tickets_line.startswith(f"tickets: compared at own log 116: 97 differing rows ({differing};")
    assert others == stored["compared"][1:]


async def test_what_was_recorded_before_is_searched_once_it_was_rebuilt(folder: Path) -> None:
    settings = Settings(var=folder)
    headers = bearer(settings, Principal(sub="agent", role="agent", provider="infoniqa"))

    async def found_by_its_subject() -> bool:
        tickets = ticket_service.app.create_app(settings, Stopping())
        async with (
            tickets.router.lifespan_context(tickets),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(tickets), base_url="http://ticket", headers=headers
            ) as client,
        ):
            listed = (await client.get("/v1/rows", params={"sort": "opened"})).json()["items"]
            row = next(each for each in listed if each["subject"])
            found = (await client.get("/v1/tickets", params={"q": row["subject"]})).json()["items"]
            return row["id"] in [each["id"] for each in found]

    assert not await found_by_its_subject()
    await ticket_service.rebuild.rebuild(settings, lambda _: None, now=lambda: NOW)
    assert await found_by_its_subject()


async def test_a_command_repeated_after_the_upgrade_gets_the_stored_response(
    folder: Path, stored: dict[str, Any]
) -> None:
    settings, command = Settings(var=folder), stored["command"]
    tickets = ticket_service.app.create_app(settings, Stopping())
    headers = bearer(settings, Principal(**command["principal"])) | {"Idempotency-Key": command["key"]}

    async with (
        tickets.router.lifespan_context(tickets),
        httpx.AsyncClient(transport=httpx.ASGITransport(tickets), base_url="http://ticket") as client,
    ):
        answer = await client.post(command["path"], json=command["body"], headers=headers)
        other = await client.post(command["path"], json=command["body"] | {"name": "Neue AG"}, headers=headers)

    assert (answer.status_code, answer.text) == (command["status"], command["response"])
    assert other.status_code == 422


async def test_the_services_open_the_folder_and_serve_what_is_in_it(
    folder: Path, open_services: Callable[[Settings], AbstractAsyncContextManager[Any]]
) -> None:
    async with open_services(Settings(var=folder)) as services:
        headers = services.headers("billing", "infoniqa")
        ready = {
            name: (await client.get("/health/ready")).json()["status"] for name, client in services.clients.items()
        }
        tickets = (await services.clients["ticket"].get("/v1/tickets", headers=headers)).json()["items"]
        timers = (await services.clients["sla"].get("/v1/timers", headers=headers)).json()["items"]
        charges = await services.clients["billing"].get(f"/v1/tickets/{tickets[0]['id']}/charges", headers=headers)

    assert ready == {"ticket": "ready", "sla": "ready", "billing": "ready"}
    assert (len(tickets) > 1, len(timers) > 1, charges.status_code) == (True, True, 200)


def test_columns_that_came_later_say_what_the_stored_documents_say(folder: Path) -> None:
    said_since = {"department": "payroll", "level": "2", "site": "hamburg", "opened_by": "anna"}
    with sqlite_by_hand(folder / "tickets.db") as connection:
        ((ticket, document),) = connection.execute("SELECT ticket, document FROM tickets LIMIT 1").fetchall()
        changed = json.dumps(json.loads(document) | said_since).encode()
        connection.execute("UPDATE tickets SET document = ? WHERE ticket = ?", (changed, ticket))
    filled = set[str]()
    asyncio.run(opened_once(Settings(var=folder)))

    with sqlite_by_hand(folder / "tickets.db") as connection:
        for table, names in (("tickets", ("department", "level", "site", "opened_by")), ("customers", ("language",))):
            rows = connection.execute(f"SELECT document, {', '.join(names)} FROM {table}").fetchall()  # noqa: S608
            for document, *columns in rows:
                said = json.loads(document)
                assert columns == [said.get(name) for name in names]
                filled |= {name for name in names if said.get(name)}

    assert filled == {*said_since, "language"}


async def opened_once(settings: Settings) -> None:
    tickets = ticket_service.app.create_app(settings, Stopping())
    async with tickets.router.lifespan_context(tickets):
        pass


def change_line(file: Path, old: str, new: str, type_name: str = "%") -> None:
    """Change the first line of a log that holds the old words, of events of a type."""
    with sqlite_by_hand(file) as connection:
        (position,) = connection.execute(
            "SELECT min(rowid) FROM stored_events WHERE instr(cast(state AS text), ?) AND topic LIKE ?",
            (old, type_name),
        ).fetchone()
        assert position is not None
        connection.execute(
            "UPDATE stored_events SET state = cast(replace(cast(state AS text), ?, ?) AS blob) WHERE rowid = ?",
            (old, new, position),
        )


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``python -m ticket_service`` on the folder."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "ticket_service", *words],
        env=os.environ | {"FRISTWERK_VAR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_check_that_finds_differences_ends_with_1_and_one_that_finds_none_with_0(folder: Path) -> None:
    assert command(folder, "rebuild").returncode == 0, "rows that a rule has changed since are made anew"
    assert command(folder, "rebuild", "--check").returncode == 0

    change_line(folder / "tickets-log.db", '"channel":"email"', '"channel":"phone"', "TicketCreated")
    done = command(folder, "rebuild", "--check")

    assert "differing rows" in done.stdout
    assert done.returncode == 1


def test_a_damaged_event_is_a_sentence_of_the_command_line(folder: Path) -> None:
    change_line(folder / "tickets-log.db", '"version":3', '"version":4')

    done = command(folder, "rebuild", "--check")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The event at position ")
    assert "Traceback" not in done.stderr

"""Somebody who owns the database drops the triggers and makes 900 minutes of 50: everything that reads the log says so."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import httpx
import pytest

import billing_service.rebuild
import sla_service.rebuild
import ticket_service.rebuild
from billing_service.replay import replay
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.read_models import RebuildError
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions.source_check import source_contradiction
from fristwerk_platform.token_keys import load_keys
from fristwerk_verify.verification import verify
from tests.by_hand import postgres_by_hand, sqlite_by_hand
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.verifier.bundling import export, play_a_day

NAMED: Final = re.compile(
    r"The event at position \d+ \(TimeLogged, version \d+ of ticket-[0-9a-f-]+\) is not the one that was recorded there;"
    r" it stands between the (head of \d+ events|beginning) and that of \d+, signed 20"
)
DOCUMENT: Final = re.compile(r"Document 1, line \d+: \S+ was issued as .+, what was recorded then comes to .+\.")


def change_by_hand(settings: Settings) -> None:
    """50 minutes become 900, in the first event of the provider that logs so many."""
    found = """LIKE '%"provider":"infoniqa"%"minutes":50,%'"""
    if settings.database_url is None:
        text = "CAST(state AS TEXT)"
        first = f"SELECT min(rowid) FROM stored_events WHERE {text} {found}"  # noqa: S608 - our own words
        changed = f"""CAST(replace({text}, '"minutes":50,', '"minutes":900,') AS BLOB)"""
        with sqlite_by_hand(settings.var / "tickets-log.db") as connection:
            done = connection.execute(f"UPDATE stored_events SET state = {changed} WHERE rowid = ({first})")  # noqa: S608
            assert done.rowcount == 1
    else:
        text, table = "convert_from(state, 'UTF8')", "tickets_log.stored_events"
        first = f"SELECT min(notification_id) FROM {table} WHERE {text} {found}"  # noqa: S608 - our own words
        changed = f"""convert_to(replace({text}, '"minutes":50,', '"minutes":900,'), 'UTF8')"""
        with postgres_by_hand(settings.database_url, "tickets_log") as session:
            statement = f"UPDATE {table} SET state = {changed} WHERE notification_id = ({first})"  # noqa: S608
            assert session.execute(statement.encode()).rowcount == 1


def now() -> datetime:
    return datetime.now(UTC)


def asks(stack: ServicesInOneProcess) -> httpx.AsyncClient:
    """A client of the ticket service that whoever is given it may close."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(stack.apps["ticket"]), base_url="http://ticket")


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Settings:
    """A copy of the installation on SQLite that the bundle is of."""
    shutil.copytree(bundle.parent / "var", tmp_path / "copied")
    return Settings(var=tmp_path / "copied")


@pytest.fixture(params=["sqlite", "postgres"])
def played(request: pytest.FixtureRequest, tmp_path: Path, open_services: OpenServices) -> Settings:
    """An installation after a day, its services stopped, on each kind of database."""
    if request.param == "sqlite":
        found: Settings = request.getfixturevalue("copied")
        return found
    settings = Settings(var=tmp_path, database_url=request.getfixturevalue("migrated_postgres_url"))
    asyncio.run(play_a_day(settings, open_services))
    return settings


async def test_a_changed_figure_is_named_by_everything_that_reads_the_log(
    played: Settings, open_services: OpenServices, tmp_path: Path
) -> None:
    settings = played
    change_by_hand(settings)
    async with open_services(settings) as stack:
        tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)

        def token() -> str:
            return tokens.issue(
                Principal(sub="x", role="service", provider="*", scopes=frozenset({"audit"})), now=now()
            )

        said = await source_contradiction(stack.clients["ticket"], token, "tickets")
        assert said is not None
        assert NAMED.match(said), said
        health = await stack.clients["ticket"].get("/health/ready")
        assert health.status_code == 503
        assert health.json()["dependencies"]["hash tree"]["detail"] == said
        replayed = await replay(settings, date(2026, 12, 31), now, asks(stack))
        assert replayed.differences[0] == said
        assert any(DOCUMENT.match(each) for each in replayed.differences), replayed.differences
        for rebuild in (sla_service.rebuild.rebuild, billing_service.rebuild.rebuild):
            with pytest.raises(RebuildError, match=re.escape(said)):
                await rebuild(settings, lambda _: None, now=now, ticket_service=asks(stack))
        with pytest.raises(RebuildError, match=NAMED):
            await ticket_service.rebuild.rebuild(settings, lambda _: None, now=now)
        await export(stack, tmp_path / "bundle.zip")
    report = verify(tmp_path / "bundle.zip")
    assert report.outcome == "fails"
    found = [each for step in report.steps for each in step.findings]
    assert [each.key for each in found] == ["line-changed"]
    assert found[0].values["after"] > found[0].values["before"]


async def test_a_log_that_an_issued_document_contradicts_is_not_rebuilt_from(
    copied: Settings, open_services: OpenServices
) -> None:
    """Also where whoever changed it made the trees anew."""
    settings = copied
    change_by_hand(settings)
    for file in settings.var.glob("tickets-trees.db*"):
        file.unlink()
    async with open_services(settings) as stack:
        with pytest.raises(RebuildError, match=DOCUMENT):
            await billing_service.rebuild.rebuild(settings, lambda _: None, now=now, ticket_service=asks(stack))


async def test_only_a_service_may_have_the_whole_log_hashed(stack_on_sqlite: ServicesInOneProcess) -> None:
    client = stack_on_sqlite.clients["ticket"]
    for headers in (stack_on_sqlite.headers("auditor"), stack_on_sqlite.headers("service")):
        assert (await client.get("/v1/audit/tickets/check", headers=headers)).status_code == 403
    checker = Principal(sub="x", role="service", provider="*", scopes=frozenset({"audit"}))
    headers = {"Authorization": f"Bearer {stack_on_sqlite.issue(checker)}"}
    answer = await client.get("/v1/audit/tickets/check", headers=headers)
    assert json.loads(answer.content) == {"contradiction": None}

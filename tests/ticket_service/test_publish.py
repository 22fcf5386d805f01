"""The command line: publish documents, print a token and nothing else, and a sentence for whatever goes wrong."""

from __future__ import annotations

import base64
import getpass
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import FEEDS, NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.token_keys import load_keys, load_or_make_keys
from tests.ticket_service.conftest import Service
from ticket_service.app import now
from ticket_service.cli import SCOPES, main
from ticket_service.cli.publish import NotPublishedError, published, read_document

TERMS = Path(__file__).parents[2] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
HAMBURG = [
    TERMS / "agreements" / "hamburg.yaml",
    TERMS / "calendars" / "hamburg.yaml",
    TERMS / "calendars" / "woking.yaml",
]
in_session = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command in an empty folder with only these settings; its exit code and what it printed where."""
    for name in [name for name in os.environ if name.startswith("FRISTWERK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def command(*words: Any, **settings: Any) -> Any:
        for name, value in settings.items():
            monkeypatch.setenv(f"FRISTWERK_{name.upper()}", str(value))
        code = main(words)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def principal_of(token: Any, keys: Any) -> Any:
    tokens = Tokens(load_keys(keys), TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")
    return tokens.check(token, now=now())


def test_token_prints_a_token_and_nothing_else(run: Any, tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "var" / "keys.json")
    code, out, err = run("token", "--role", "agent", "--provider", "hamburg", "--subject", "agent-7")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    expected = Principal(sub="agent-7", role="agent", provider="hamburg")
    assert principal_of(out.strip(), tmp_path / "var" / "keys.json") == expected


def test_a_customers_token_names_the_company_and_others_do_not(run: Any, tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    _, out, _ = run("token", "--role", "customer", "--customer", "c-1")
    assert principal_of(out.strip(), tmp_path / "keys.json").belongs_to == "c-1"
    code, out, err = run("token", "--role", "customer")
    assert (code, out) == (1, "")
    assert err == "A token for the role customer names the company: --customer ID.\n"


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        (("--role", "agent"), 12),
        (("--role", "service"), 90 * 24),
        (("--role", "agent", "--valid", "30m"), 0.5),
        (("--role", "service", "--valid", "7d"), 7 * 24),
    ],
)
def test_a_token_ends_with_the_working_day_a_services_later_and_either_as_chosen(
    run: Any, tmp_path: Path, words: tuple[str, ...], hours: float
) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    token = run("token", *words)[1].strip()
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert claims["exp"] - claims["iat"] == hours * 3_600


def test_a_token_says_from_when_what_for_and_who_asked(run: Any, tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    more = ("--not-before", "2099-01-01T00:00:00Z", "--scope", "customers", "--scope", "tickets")
    token = run("token", "--role", "service", "--provider", "hamburg", *more)[1].strip()
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert claims["scopes"] == ["customers", "tickets"]
    assert claims["nbf"] == datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    assert claims["exp"] - claims["nbf"] == timedelta(days=90).total_seconds()
    assert claims["asked_by"] == getpass.getuser()
    code, _, err = run("token", "--role", "agent", "--scope", "customers")
    assert (code, err) == (1, "Scopes are for the role service; what the others may do follows from the role.\n")


def test_every_resource_of_the_three_services_can_be_a_scope() -> None:
    documents = (Path(__file__).parents[1] / "contracts" / "openapi").glob("*.json")
    paths = [path for each in documents for path in json.loads(each.read_bytes())["paths"] if path.startswith("/v1/")]

    assert {*SCOPES, FEEDS} == {path.split("/")[2] for path in paths}


def test_only_a_service_has_all_providers(run: Any, tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    _, out, _ = run("token", "--role", "service", "--provider", "*")
    assert principal_of(out.strip(), tmp_path / "keys.json").provider == "*"
    for provider in ("*", ""):
        code, out, err = run("token", "--role", "admin", "--provider", provider)
        assert (code, out, err.count("\n")) == (1, "", 1)


def test_the_key_file_is_the_one_set_else_that_of_the_folder_else_that_lying_here(run: Any, tmp_path: Path) -> None:
    here, folder, own = tmp_path / "keys.json", tmp_path / "data" / "keys.json", tmp_path / "own.json"
    for file in (here, folder, own):
        load_or_make_keys(file)

    def signed_with(**settings: Any) -> Any:
        token = run("token", "--role", "agent", **settings)[1].strip()
        found = []
        for file in (here, folder, own):
            try:
                principal_of(token, file)
            except NotAuthenticatedError:
                continue
            found.append(file)
        return found

    assert signed_with() == [here]
    assert signed_with(var=tmp_path / "data") == [folder]
    assert signed_with(key_file=own) == [own]
    code, out, err = run("token", "--role", "agent", key_file=tmp_path / "missing.json")
    assert (code, out) == (1, "")
    assert str(tmp_path / "missing.json") in err, "a file that was named is never replaced by another"


def test_without_any_key_file_the_sentence_names_where_one_would_be(run: Any) -> None:
    code, out, err = run("token", "--role", "agent")
    assert (code, out) == (1, "")
    assert "var/keys.json" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("vra", "x", "FRISTWERK_VRA"),
        ("port", "eighty", "FRISTWERK_PORT"),
        ("ticket_url", "localhost", "FRISTWERK_TICKET_URL"),
    ],
)
def test_a_wrong_or_unknown_setting_is_a_sentence(run: Any, name: str, value: str, named: str) -> None:
    for words in (("token", "--role", "agent"), ("publish", "x.yaml"), ("serve",)):
        code, out, err = run(*words, **{name: value})
        assert (code, out) == (1, "")
        assert named in err
        assert "Traceback" not in err


def test_a_service_that_is_not_there_is_a_sentence(run: Any, tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        code, out, err = run("publish", str(HAMBURG[1]), ticket_url=url)
    assert (code, out) == (1, "")
    assert err.startswith(f"The ticket service at {url}")
    assert err.count("\n") == 1


def test_an_unwritable_folder_stops_the_start_with_a_sentence(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code, out, err = run("serve", var=tmp_path / "file")
    assert (code, out) == (1, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a: [", "not YAML"),
        ("- 1", "is neither a calendar nor an agreement"),
        ("title: nothing", "is neither a calendar nor an agreement"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_document_is_named(tmp_path: Path, content: str | None, sentence: str) -> None:
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NotPublishedError, match=sentence) as refusal:
        read_document(file)
    assert str(file) in str(refusal.value)


@pytest.fixture
def client(service: Service) -> Any:
    """A client of the service as the command line makes it, for a provider of its own."""
    headers = service.bearer(Principal(sub="publish", role="admin", provider=f"published{id(service)}"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://ticket", headers=headers)


@in_session
async def test_calendars_are_published_before_the_agreements_that_name_them(client: Any) -> None:
    first = [line async for line in published(client, HAMBURG)]
    assert first == ["calendar hamburg: version 1", "calendar woking: version 1", "agreement hamburg: version 1"]
    assert [line async for line in published(client, HAMBURG)] == first, "the same again makes no version"


@in_session
async def test_a_refused_document_ends_it_and_says_where_it_is_wrong(client: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        (TERMS / "calendars" / "digidesk.yaml").read_text().replace("timezone: Europe/Berlin", "timezone: Berlin")
    )
    lines = published(client, [TERMS / "calendars" / "always.yaml", wrong])
    assert await anext(lines) == "calendar always: version 1"
    with pytest.raises(NotPublishedError) as refusal:
        await anext(lines)
    assert str(wrong) in str(refusal.value)
    assert "/timezone" in str(refusal.value)


@in_session
async def test_an_answer_that_is_no_problem_document_is_shown_as_it_is() -> None:
    def gateway(_request: Any) -> Any:
        return httpx.Response(502, text="<html>Bad gateway</html>")

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway), base_url="http://ticket") as client:
        with pytest.raises(NotPublishedError, match="answered 502 <html>Bad gateway"):
            _ = [line async for line in published(client, HAMBURG[1:2])]


def test_the_module_runs_as_a_command(tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    given = {name: value for name, value in os.environ.items() if not name.startswith("FRISTWERK_")}
    token = subprocess.run(
        [sys.executable, "-m", "ticket_service", "token", "--role", "auditor"],
        cwd=tmp_path,
        env=given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert principal_of(token.stdout.strip(), tmp_path / "keys.json").role == "auditor"
    assert token.stderr == ""

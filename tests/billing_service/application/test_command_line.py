"""The command line: known cases, replay from the logs, invoices issued and printed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

import billing_service.app
import ticket_service.app
from billing_service.cli import main
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from tests.billing_service.application.conftest import VendorOn

JUNE = "2026-06-30"
CASES = Path(__file__).parents[2] / "cases"
Run = Callable[..., tuple[int, str, str]]


class Served:
    """An application on a port of its own, in a thread."""

    def __init__(self, app: FastAPI) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command: its exit code, what it printed, and what it said went wrong."""

    def ran(*arguments: str, **settings: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["billing_service", *arguments])
        for name, value in settings.items():
            monkeypatch.setenv(f"FRISTWERK_{name.upper()}", value)
        code = main()
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ran


@pytest.fixture
def served(folder: Path, vendor_on: VendorOn) -> Iterator[tuple[str, dict[str, str]]]:
    """A contract with an hour's work, and the settings that find the services that know it."""

    async def worked() -> str:
        async with vendor_on(folder) as vendor:
            customer, contract = await vendor.signed()
            await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
            return contract

    contract, settings = asyncio.run(worked()), Settings(var=folder)
    with Served(ticket_service.app.create_app(settings, Stopping())) as ticket_url:
        following = Settings(var=folder, ticket_url=ticket_url)
        with Served(billing_service.app.create_app(following, Stopping())) as billing_url:
            yield contract, {"var": str(folder), "ticket_url": ticket_url, "billing_url": billing_url}


def test_without_the_distribution_of_known_cases_the_command_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fristwerk_cases.billing", None)
    code, printed, error = run("cases", str(CASES))
    assert (code, printed) == (1, "")
    assert error == "Known cases need the distribution fristwerk-cases, which is not installed.\n"


def test_known_cases_pass_and_the_last_line_counts_them(run: Any) -> None:
    known = len(json.loads((CASES / "rating.json").read_text("utf-8"))["cases"])

    code, printed, _ = run("cases", str(CASES))

    assert (code, printed.splitlines()[-1]) == (0, f"{known} passed, 0 failed")


def test_a_case_that_comes_out_differently_fails_and_says_how(run: Any, tmp_path: Path) -> None:
    cases = json.loads((CASES / "rating.json").read_text("utf-8"))
    wrong = next(each for each in cases["cases"] if "net" in each["expect"])
    wrong["expect"]["net"] = "1234.56"
    (tmp_path / "rating.json").write_text(json.dumps({"cases": [wrong]}), "utf-8")

    code, printed, _ = run("cases", str(tmp_path))

    assert code == 1
    assert printed.splitlines()[-1] == "0 passed, 1 failed"
    assert f"{wrong['id']}: net is " in printed


def test_a_folder_that_is_not_there_is_a_sentence(run: Any, tmp_path: Path) -> None:
    code, printed, error = run("cases", str(tmp_path / "none"))

    assert (code, printed) == (1, "")
    assert "There is no folder" in error


def test_invoices_are_issued_and_printed(run: Any, served: Any) -> None:
    contract, addresses = served
    wanted = ("invoice", "--contract", contract, "--until", JUNE, "--provider", "infoniqa")

    issued = run(*wanted, "--key", "june", **addresses)

    assert issued == run(*wanted, "--key", "june") == run("invoice", "1", "--provider", "infoniqa")
    assert issued[0] == 0
    assert "Rechnung 1" in issued[1]
    assert run("invoice", "1", "--provider", "infoniqa", "--format", "html")[1].startswith("<!DOCTYPE html>")
    for arguments, sentence in (
        (("invoice", "7", "--provider", "infoniqa"), "There is no invoice 7."),
        (("invoice", "1"), "There is no invoice 1."),
        (wanted, "nothing new to invoice"),
        (wanted[:3], "Name the NUMBER of an invoice"),
        (("invoice", "1", *wanted[1:3]), "Name the NUMBER of an invoice"),
        (("invoice",), "Name the NUMBER of an invoice"),
    ):
        code, printed, error = run(*arguments)
        assert (code, printed) == (1, "")
        assert sentence in error


def test_replay_ends_with_two_digests_and_says_which_account_comes_to_something_else(
    run: Any, served: Any, folder: Path
) -> None:
    contract, addresses = served
    issued = run("invoice", "--contract", contract, "--until", JUNE, "--provider", "infoniqa", **addresses)
    assert issued[0] == 0, issued

    code, printed, error = run("replay", "--until", JUNE)

    *_, counted, log, read_model = printed.splitlines()
    assert (code, counted) == (0, "1 accounts, 1 documents"), error
    assert log.split()[0] == "log"
    assert log.split()[-1] == read_model.split()[-1]
    with sqlite3.connect(folder / "billing.db", timeout=30) as database:
        database.execute("UPDATE facts SET line = replace(line, '\"minutes\":60', '\"minutes\":10')")
    code, printed, _ = run("replay", "--until", JUNE)
    assert code == 1
    assert f"The account {contract} of infoniqa comes to something else." in printed
    assert printed.splitlines()[-2].split()[-1] == log.split()[-1]


def test_replay_without_a_ticket_service_is_a_sentence(run: Any, folder: Path) -> None:
    code, printed, error = run("replay", var=str(folder), ticket_url="http://127.0.0.1:9")

    assert (code, printed) == (1, "")
    assert "ConnectError" in error

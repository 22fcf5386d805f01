"""A recomputation from the log equals the read model, and finds every change that somebody made to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from fristwerk_language.events import tickets
from fristwerk_platform.read_models import write
from fristwerk_platform.subscriptions import FeedPage
from sla_service import cli
from sla_service.projections import tables
from sla_service.projections.tables import histories, timers
from sla_service.replay import SourceShorterError, replay
from tests.sla_service.service.conftest import Service
from tests.sla_service.service.told_feed import told


async def filled(service: Service) -> None:
    """Three tickets, and the position after them, as the follower would have stored it."""
    for number in range(3):
        service.log.ticket(f"t{number}", f"2026-06-09 0{number + 6}:00")
        service.log.severity(f"t{number}", f"2026-06-09 0{number + 6}:10", "mittel")
    service.log.answer("t1", "2026-06-09 09:00").at("t2", "2026-06-10 09:00", tickets.Resolved())
    async with service.database.transaction() as connection:
        batch = service.log.news()
        page = FeedPage(lines=service.log.lines, next=len(service.log.lines), last=len(service.log.lines))
        await tables.checkpoints.advance(connection, "ticket-service", 0, page.next, [])
        await write(connection, *await service.projector.apply(connection, batch))


def both_ways(service: Service) -> Any:
    return (told(service.log.lines), None)


async def test_the_log_and_the_stored_histories_give_what_is_stored(service: Service) -> None:
    await filled(service)
    for feed in both_ways(service):
        said: list[str] = []
        found = await replay(service.database, feed, said.append)
        assert found.is_equal
        assert found.tickets == 3
        assert found.differing == ()
        assert said[-1] == "3 tickets recomputed."


async def test_what_the_log_holds_beyond_the_read_model_is_left_out(service: Service) -> None:
    await filled(service)
    service.log.answer("t0", "2026-06-09 07:00")
    assert (await replay(service.database, told(service.log.lines), lambda _line: None)).is_equal


async def test_a_changed_timer_is_found_both_ways(service: Service) -> None:
    await filled(service)
    async with service.database.transaction() as connection:
        document = timers.c.document.concat(b" ")
        await connection.execute(update(timers).where(timers.c.ticket == "t1").values(document=document))
    for feed in both_ways(service):
        found = await replay(service.database, feed, lambda _line: None)
        assert not found.is_equal
        assert found.differing == ("t1",)


async def test_a_lost_timer_and_a_lost_event_are_found(service: Service) -> None:
    await filled(service)
    async with service.database.transaction() as connection:
        await connection.execute(delete(timers).where(timers.c.ticket == "t0"))
        await connection.execute(delete(histories).where(histories.c.ticket == "t1", histories.c.version == 3))
    assert (await replay(service.database, None, lambda _line: None)).differing == ("t0", "t1")
    assert (await replay(service.database, told(service.log.lines), lambda _line: None)).differing == ("t0",)


async def test_a_log_that_ends_before_the_read_model_is_not_compared(service: Service) -> None:
    await filled(service)
    with pytest.raises(SourceShorterError, match="ends at position"):
        await replay(service.database, told(service.log.lines[:-1]), lambda _line: None)


async def test_a_ticket_that_cannot_be_derived_is_told_of_and_the_others_are_compared(service: Service) -> None:
    service.log.ticket("bad", "2026-06-09 06:00", agreement_version=9)
    await filled(service)
    said: list[str] = []
    found = await replay(service.database, None, said.append)
    assert found.is_equal
    assert any(line.startswith("ticket-bad cannot be derived: There is no version 9") for line in said)


def command(monkeypatch: pytest.MonkeyPatch, folder: Path, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sla_service", *words])
    monkeypatch.setenv("FRISTWERK_VAR", str(folder))
    return cli.main()


def test_replay_of_stored_histories_ends_with_two_equal_digests(
    recorded_folder: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = recorded_folder
    assert command(monkeypatch, folder, "replay", "--stored") == 0
    *_, first, second = capsys.readouterr().out.splitlines()
    assert first.split()[-1] == second.split()[-1]
    assert (first.split()[0], second.split()[0:2]) == ("histories", ["read", "model"])


def test_replay_without_the_ticket_service_is_a_sentence(
    recorded_folder: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = recorded_folder
    monkeypatch.setenv("FRISTWERK_TICKET_URL", "http://127.0.0.1:9")
    assert command(monkeypatch, folder, "replay") == 1
    assert capsys.readouterr().err.startswith("The ticket service does not answer: ")


def test_commands_without_a_database_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["replay"], ["replay", "--stored"], ["explain", "INF-1"]):
        assert command(monkeypatch, tmp_path, *words) == 1
        assert "There is no database of the sla-service" in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "holiday", "due"), [("de", "Kanton LU", "Fällig:"), ("en", "canton LU", "Due:")])
def test_explain_tells_each_timer_of_a_ticket(
    recorded_folder: tuple[Path, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lang: str,
    holiday: str,
    due: str,
) -> None:
    folder, names = recorded_folder
    ticket = names["infoniqa/ticket:lohnlauf"]
    assert command(monkeypatch, folder, "explain", ticket, "--lang", lang) == 0
    shown = capsys.readouterr().out
    assert holiday in shown
    assert due in shown
    reference = shown.partition(" ")[0]
    assert command(monkeypatch, folder, "explain", reference.lower(), "--lang", lang, "--provider", "infoniqa") == 0
    assert capsys.readouterr().out == shown


def test_explain_says_why_there_is_no_timer(
    recorded_folder: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, names = recorded_folder
    assert command(monkeypatch, folder, "explain", names["fluxpunkt/ticket:frage"]) == 0
    assert "First response: no timer, not entitled." in capsys.readouterr().out


def test_explain_of_an_unknown_or_foreign_ticket_is_a_sentence(
    recorded_folder: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, names = recorded_folder
    ticket = names["infoniqa/ticket:lohnlauf"]
    for words in (["nothing"], [ticket, "--provider", "hamburg"]):
        assert command(monkeypatch, folder, "explain", *words) == 1
        assert capsys.readouterr().err == f"There is no ticket {words[0]}.\n"


CASES = Path(__file__).parents[2] / "cases"


def test_known_cases_are_run_and_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, CASES, "cases", str(CASES)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(" passed, 0 failed")
    assert int(last.split()[0]) > 1_000


def test_a_folder_without_known_cases_is_a_sentence_and_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, tmp_path, "cases", str(tmp_path)) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"The folder {tmp_path} has neither business_time.json nor service_levels.json.",
        "0 passed, 0 failed",
    ]
    assert command(monkeypatch, tmp_path, "cases", str(tmp_path / "nothing")) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"


def test_a_case_that_fails_is_told_with_both_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "business_time.json").write_text(
        '{"calendars": {"c": {"tz": "UTC", "week": {"mon": [["08:00", "17:00"]]}}}, "cases": [{"id": "b-1", "op": "add",'
        '"calendar": "c", "start": "2026-06-08T08:00:00Z", "seconds": 3600, "expected": "2026-06-08T10:00:00Z"}]}'
    )
    assert command(monkeypatch, tmp_path, "cases", str(tmp_path)) == 1
    message, last = capsys.readouterr().out.splitlines()
    assert "b-1" in message
    assert last == "0 passed, 1 failed"

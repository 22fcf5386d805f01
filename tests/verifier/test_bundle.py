"""A bundle of a recorded day holds: every event, deadline, charge and document in it was checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_language.events import decode
from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_proof.notes import SigningKey
from fristwerk_verify.cli import main
from fristwerk_verify.verification import verify
from tests.verifier.bundling import Files, signed_again, with_lines, write


def test_everything_in_the_bundle_was_checked_and_holds(bundle: Path, files: Files) -> None:
    report = verify(bundle)

    figures = {step.key: step.figures for step in report.steps}
    lines = files["tickets/events.ndjson"].splitlines() + files["billing/events.ndjson"].splitlines()
    types = [decode(each).type for each in lines]
    assert [(step.key, step.outcome, step.findings) for step in report.steps if step.outcome != "holds"] == []
    assert figures["lines"]["events"] == figures["tree"]["hashes"] == len(lines) > 40
    assert figures["timers"]["tickets"] == types.count("TicketCreated") > 3
    assert figures["documents"]["documents"] == types.count("InvoiceIssued") + types.count("CreditNoteIssued") == 8
    assert figures["charges"]["lines"] > 5
    assert figures["notices"]["notices"] > 10


def test_no_name_and_no_reason_of_a_person_leaves_the_house(files: Files) -> None:
    content = b"".join(content for name, content in files.items())

    assert b"Kulanz" not in content
    assert "Falscher Empfänger".encode() not in content


@pytest.mark.parametrize(
    ("language", "verdict"), [("de", "Alles Geprüfte stimmt."), ("en", "Everything that was checked holds.")]
)
def test_the_report_is_a_page_by_itself(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, verdict: str
) -> None:
    page = tmp_path / "report.html"

    assert main([str(bundle), "--lang", language, "--report", str(page)]) == 0

    written = page.read_text()
    assert f'<html lang="{language}">' in written
    assert verdict in written
    assert verdict in capsys.readouterr().out
    assert "http" not in written
    assert "<script" not in written


def test_the_report_as_json_says_each_step_in_words_and_figures(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bundle), "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["outcome"] == "holds"
    assert {each["outcome"] for each in report["steps"]} == {"holds"}
    assert all(each["sentences"] and each["title"] for each in report["steps"])
    assert report["pinned"] is False
    assert "that you kept" in report["remarks"][0]["sentence"]


def test_keys_that_were_kept_are_trusted_and_no_others(
    bundle: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [json.loads(files[f"{log}/keys.json"])["keys"][0] for log in ("tickets", "billing")]

    assert main([str(bundle), "--json", "--key", keys[0], "--key", keys[1]]) == 0
    assert json.loads(capsys.readouterr().out)["pinned"] is True

    other = json.loads(files["tickets/keys.json"])["keys"][0]
    name = other.split("+")[0]
    assert main([str(bundle), "--key", _another_key(name)]) == 1
    assert "No key that is known has signed the note" in capsys.readouterr().out


def _another_key(name: str) -> str:
    return str(SigningKey(name, Ed25519PrivateKey.generate()).verifier())


def test_an_event_of_a_newer_type_leaves_the_verdict_open(
    files: Files, operator_keys: CheckpointKeys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def add(lines: list[bytes]) -> list[bytes]:
        sung = json.loads(lines[-1]) | {"type": "RespondedBySong", "stream": "song-1", "version": 1}
        return [*lines, json.dumps(sung).encode()]

    newer = signed_again(with_lines(files, "tickets/events.ndjson", add), operator_keys)

    assert main([str(write(newer, tmp_path / "newer.zip"))]) == 2
    said = capsys.readouterr().out
    assert "does not know these events of the log tickets" in said
    assert "RespondedBySong (1)" in said
    assert "not everything could be checked" in said

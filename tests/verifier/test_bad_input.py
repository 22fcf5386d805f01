"""What is no bundle is refused with a sentence and exit code 2, never a traceback, and in bounded memory."""

from __future__ import annotations

import json
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from fristwerk_language.terms.hidden_characters import HIDDEN
from fristwerk_proof.bundles import MANIFEST
from fristwerk_verify.cli import main
from fristwerk_verify.findings import CheckStep, Finding, Report
from fristwerk_verify.report import as_html, as_json, as_text
from tests.verifier.bundling import Files, write

Said = Callable[[Path], str]
MOST_BYTES = 48 * 1024**2


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Said:
    """What the verifier says of a file that it cannot check at all."""

    def said(path: Path) -> str:
        assert main([str(path)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        return printed.err

    return said


def test_what_is_no_zip(refused: Said, tmp_path: Path) -> None:
    no_zip = tmp_path / "no.zip"
    no_zip.write_bytes(b"PK\x03\x04 nothing")

    assert "is no bundle" in refused(no_zip)
    assert "There is no file" in refused(tmp_path / "nowhere.zip")


@pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "a/../../b", "a\\b", "tickets//x", "."])
def test_a_path_that_leads_outside(refused: Said, files: Files, tmp_path: Path, name: str) -> None:
    assert "a file outside of itself" in refused(write(files | {name: b"x"}, tmp_path / "outside.zip", sealed=False))


def test_a_bomb_is_not_unpacked(refused: Said, files: Files, tmp_path: Path) -> None:
    path = write(files, tmp_path / "bomb.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed, packed.open("tickets/tile/9/000", "w") as file:
        for _ in range(64):
            file.write(bytes(1024**2))
    tracemalloc.start()
    try:
        assert "nothing recorded is packed so densely" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_a_line_without_an_end_takes_no_memory(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endless = bytes(range(256)) * 4096 * 36  # packed too little for a bomb
    path = write(files | {"tickets/events.ndjson": endless.replace(b"\n", b"\t")}, tmp_path / "endless.zip")

    assert main([str(path)]) == 2
    said = capsys.readouterr()
    assert "longer than any event" in said.err or "packed so densely" in said.err


def test_lengths_and_digests_that_lie(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lying = json.loads(files[MANIFEST])
    lying["files"]["tickets/keys.json"]["bytes"] = 10_000_000_000
    path = write(files | {MANIFEST: json.dumps(lying).encode()}, tmp_path / "lying.zip", sealed=False)
    assert main([str(path)]) == 1
    assert "the manifest says 10,000,000,000" in capsys.readouterr().out

    without = {name: each for name, each in files.items() if name != "claims/timers.ndjson"}
    assert main([str(write(without, tmp_path / "without.zip", sealed=False))]) == 1
    assert "lacks the file claims/timers.ndjson" in capsys.readouterr().out

    more = write(files | {"tickets/more.json": b"{}"}, tmp_path / "more.zip", sealed=False)
    assert main([str(more)]) == 1
    assert "does not name the file tickets/more.json" in capsys.readouterr().out


def test_the_head_of_another_installation(refused: Said, files: Files, tmp_path: Path) -> None:
    manifest = json.loads(files[MANIFEST])
    manifest["logs"]["billing"]["origin"] = "fristwerk/0123456789abcdef/infoniqa/billing"
    assert "of another installation" in refused(
        write(files | {MANIFEST: json.dumps(manifest).encode()}, tmp_path / "other.zip")
    )

    manifest = json.loads(files[MANIFEST])
    manifest["provider"] = "somebody"
    assert "or provider" in refused(write(files | {MANIFEST: json.dumps(manifest).encode()}, tmp_path / "other.zip"))


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (b"{}", "The bundle's format is None"),
        (b'{"format": "fristwerk-bundle/2"}', "The bundle's format is fristwerk-bundle/2"),
        (b'{"format": "fristwerk-bundle/1"}', "The manifest cannot be read"),
        (b"[" * 100_000, "The manifest cannot be read"),
        (b"\xff\xfe", "The manifest cannot be read"),
    ],
)
def test_a_manifest_that_is_none(refused: Said, files: Files, tmp_path: Path, manifest: bytes, sentence: str) -> None:
    assert sentence in refused(write(files | {MANIFEST: manifest}, tmp_path / "none.zip", sealed=False))


@pytest.mark.parametrize("name", ["claims/timers.ndjson", "claims/charges.ndjson", "claims/invoices.ndjson"])
def test_claims_that_cannot_be_read(
    files: Files, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (
        b"not json\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b'{"ticket": {}, "customer": [], "invoice": null}\n',
    ):
        assert main([str(write(files | {name: content}, tmp_path / "claims.zip"))]) == 1
        assert "Traceback" not in capsys.readouterr().out


def test_a_key_or_a_head_that_is_none(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "head").write_bytes(b"nothing")

    assert main([str(bundle), "--key", "nonsense"]) == 2
    assert main([str(bundle), "--heads", str(tmp_path / "head")]) == 2
    assert main([str(bundle), "--head", "tickets:x:y"]) == 2
    assert main(["ftp://example.org"]) == 2
    assert capsys.readouterr().err.count("\n") == 4


FORGED = "demo\n✓ Hash trees: everything holds.\x1b[2J\x9b1A\x7f\u2028\u202egnihtyreve\U000e0041"
"""What an operator would write into the verdict of whoever checks: a line, a terminal's commands, another direction."""


def test_what_a_bundle_says_of_itself_writes_nothing_of_the_report(refused: Said, files: Files, tmp_path: Path) -> None:
    manifest = json.dumps(json.loads(files[MANIFEST]) | {"format": FORGED})
    said = refused(write(files | {MANIFEST: manifest.encode()}, tmp_path / "forged.zip", sealed=False))

    assert not HIDDEN.search(said.removesuffix("\n"))
    assert "demo\\u000a✓ Hash trees" in said


@pytest.mark.parametrize("language", ["de", "en"])
def test_nothing_of_a_bundle_turns_a_report_or_adds_a_line(language: Literal["de", "en"]) -> None:
    step = CheckStep(key="manifest")
    step.found("file-missing", name=FORGED)
    report = Report(
        provider=FORGED,
        installation=FORGED,
        known_at=FORGED,
        made_at=FORGED,
        bundle=FORGED,
        keys={"tickets": [FORGED]},
        heads={"tickets": FORGED},
        steps=[step],
        remarks=[Finding(key="file-missing", values={"name": FORGED})],
    )
    printed = as_json(report, language).decode()
    text, page = as_text(report, language), as_html(report, language, datetime(2026, 6, 3, tzinfo=UTC))

    assert not any(HIDDEN.search(line) for line in text.split("\n"))
    assert not any(line.startswith("✓") for line in text.split("\n"))
    assert not HIDDEN.search(page.removesuffix("\n"))
    assert not any(HIDDEN.search(line) for line in printed.split("\n"))
    found = json.loads(printed)
    assert [found["provider"], found["heads"]["tickets"], found["remarks"][0]["values"]["name"]] == [FORGED] * 3
    assert FORGED in found["steps"][0]["findings"][0]["values"]["name"]


def test_the_printed_json_of_a_forged_bundle_commands_no_terminal(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads(files[MANIFEST]) | {"made_at": FORGED}
    named = write(files | {MANIFEST: json.dumps(manifest).encode()}, tmp_path / "forged.zip", sealed=False)

    main([str(named), "--json"])
    printed = capsys.readouterr().out
    assert not any(HIDDEN.search(line) for line in printed.split("\n"))
    assert json.loads(printed)["made_at"] == FORGED

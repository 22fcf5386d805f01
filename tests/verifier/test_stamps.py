"""Heads that an authority stamped: checked offline by whoever trusts it, and every forged stamp is named."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.settings import Settings
from fristwerk_verify import cli
from fristwerk_verify.findings import Report
from fristwerk_verify.verification import verify
from tests.authority import Authority, serving
from tests.conftest import OpenServices, ServicesInOneProcess
from tests.verifier.bundling import PROVIDER, Files, export, files_of, with_lines, write
from tests.verifier.mutations import LOGS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; it is the authority of these tests")
    return Authority(tmp_path_factory.mktemp("authority") / "tsa")


@pytest.fixture(scope="module")
def stamped(
    authority: Authority, bundle: Path, open_services: OpenServices, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of the day whose newest heads an authority has stamped."""
    folder = tmp_path_factory.mktemp("stamped")
    shutil.copytree(bundle.parent / "var", folder / "var")

    async def make() -> None:
        with serving(authority.answer) as address:
            async with open_services(Settings(var=folder / "var", tsa_url=address)) as stack:
                for log, service in (("tickets", "ticket"), ("billing", "billing")):
                    await _stamp_of(stack, log, service)
                await export(stack, folder / "bundle.zip")

    asyncio.run(make())
    return folder / "bundle.zip"


async def _stamp_of(stack: ServicesInOneProcess, log: str, service: Any) -> None:
    for _ in range(500):
        answer = await stack.clients[service].get(
            f"/v1/audit/{log}/heads?limit=200", headers=stack.headers("auditor", PROVIDER)
        )
        if any(each["stamp"] for each in answer.json()["items"]):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"no head of {log} was stamped")


def heads(files: Files, log: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in files[f"{log}/checkpoints.ndjson"].splitlines()]


def with_heads(files: Files, log: str, changed: list[dict[str, Any]]) -> Files:
    return with_lines(files, f"{log}/checkpoints.ndjson", lambda _: [json.dumps(each).encode() for each in changed])


def stamped_head(found: list[dict[str, Any]]) -> dict[str, Any]:
    return next(each for each in found if each["stamp"] is not None)


def keys_of(report: Report) -> list[str]:
    return [each.key for step in report.steps for each in step.findings]


def test_the_stamps_of_an_authority_that_is_trusted_hold(authority: Authority, stamped: Path) -> None:
    report = verify(stamped, authorities=[authority.root])

    assert [each.values for step in report.steps for each in step.findings] == []
    assert report.outcome == "holds"
    step = next(each for each in report.steps if each.key == "stamps")
    assert step.figures["stamps"] == 2
    assert datetime.fromisoformat(step.figures["newest"]).tzinfo is not None


def test_without_an_authority_the_report_says_that_stamps_were_not_checked(stamped: Path, bundle: Path) -> None:
    report = verify(stamped)

    assert report.outcome == "holds"
    assert [each.values for each in report.remarks if each.key == "stamps-unchecked"] == [{"number": 2}]
    assert "stamps-unchecked" not in [each.key for each in verify(bundle).remarks]


def test_the_stamp_of_an_authority_that_is_not_trusted_does_not_hold(stamped: Path, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")  # of the same name, with another key

    assert keys_of(verify(stamped, authorities=[other.root])) == ["stamp-wrong", "stamp-wrong"]


def _of_another_head(found: dict[str, list[dict[str, Any]]]) -> None:
    stamped_head(found["tickets"])["stamp"] = stamped_head(found["billing"])["stamp"]


def _with_a_bit_turned(found: dict[str, list[dict[str, Any]]]) -> None:
    head = stamped_head(found["tickets"])
    content = bytearray(base64.b64decode(head["stamp"]))
    content[-20] ^= 4  # in the authority's signature, which stands at the end
    head["stamp"] = base64.b64encode(content).decode()


def _cut_off(found: dict[str, list[dict[str, Any]]]) -> None:
    head = stamped_head(found["tickets"])
    head["stamp"] = head["stamp"][:400]


def _no_stamp_at_all(found: dict[str, list[dict[str, Any]]]) -> None:
    stamped_head(found["tickets"])["stamp"] = "ü no base64"


def _later_than_stamped(found: dict[str, list[dict[str, Any]]]) -> None:
    head = stamped_head(found["tickets"])
    head["signed_at"] = (datetime.fromisoformat(head["signed_at"]) + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (_of_another_head, "stamp-wrong"),
        (_with_a_bit_turned, "stamp-wrong"),
        (_cut_off, "stamp-wrong"),
        (_no_stamp_at_all, "stamp-wrong"),
        (_later_than_stamped, "stamp-early"),
    ],
)
def test_a_forged_stamp_is_named(
    authority: Authority,
    stamped: Path,
    tmp_path: Path,
    change: Callable[[dict[str, list[dict[str, Any]]]], None],
    key: str,
) -> None:
    files = files_of(stamped)
    found = {log: heads(files, log) for log in LOGS}
    change(found)
    for log in LOGS:
        files = with_heads(files, log, found[log])

    report = verify(write(files, tmp_path / "forged.zip"), authorities=[authority.root])

    assert report.outcome == "fails"
    (finding,) = [each for step in report.steps for each in step.findings]
    assert (finding.key, finding.values["log"]) == (key, "tickets")


def test_the_command_takes_certificates_and_says_what_is_missing(
    authority: Authority,
    stamped: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cli.main([str(stamped), "--tsa", str(authority.root_file)]) == 0
    assert "2 heads carry a time stamp of an authority that you trust" in capsys.readouterr().out
    (tmp_path / "none.pem").write_text("no certificate")
    assert cli.main([str(stamped), "--tsa", str(tmp_path / "none.pem")]) == 2
    assert "holds no certificates in PEM" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert cli.main([str(stamped), "--tsa", str(authority.root_file), "--lang", "de"]) == 2
    assert "fehlt das Extra: pip install fristwerk-verifier[stamps]" in capsys.readouterr().err

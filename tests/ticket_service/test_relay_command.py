"""The command ``relay``: what it refuses with a sentence, and that it ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fristwerk_platform.settings import SettingsError, read_settings
from fristwerk_platform.token_keys import load_or_make_keys
from tests.ports import free_ports
from ticket_service.cli import main


def test_without_servers_it_says_which_setting_names_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FRISTWERK_VAR", str(tmp_path))

    assert main(["relay"]) == 1
    assert "FRISTWERK_NATS_URL" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:4222", "nats://127.0.0.1", "nats://a:1,b:2", "nats://a b:1", ""])
def test_an_address_of_another_kind_is_refused_by_name(url: str) -> None:
    with pytest.raises(SettingsError, match="FRISTWERK_NATS_URL"):
        read_settings({"FRISTWERK_NATS_URL": url})


def test_several_servers_with_credentials_are_addresses() -> None:
    urls = "nats://me:word@n1:4222,tls://n2:4222"

    assert read_settings({"FRISTWERK_NATS_URL": urls}).nats_url == urls


def test_it_waits_for_servers_that_are_not_there_and_ends_when_told_to(tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    (port,) = free_ports(1)
    environment = os.environ | {"FRISTWERK_VAR": str(tmp_path), "FRISTWERK_NATS_URL": f"nats://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "ticket_service", "relay"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stderr is not None
        said = ""
        while "relay_interrupted" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "NATS does not answer" in said
    assert "Traceback" not in said

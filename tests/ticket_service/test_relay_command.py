"""The command ``relay``: what it refuses with a sentence, and that it ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import nats
import pytest

from fristwerk_platform.settings import SettingsError, read_settings
from fristwerk_platform.token_keys import load_or_make_keys
from tests.nats_servers import nats_servers
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


@contextmanager
def relay(folder: Path, nats_url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process, and the address of its port."""
    load_or_make_keys(folder / "keys.json")
    (port,) = free_ports(1)
    environment = os.environ | {
        "FRISTWERK_VAR": str(folder),
        "FRISTWERK_NATS_URL": nats_url,
        "FRISTWERK_PORT": str(port),
    }
    command = [sys.executable, "-m", "ticket_service", "relay"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def test_it_waits_for_servers_that_are_not_there_says_so_and_ends_when_told_to(tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    with relay(tmp_path, f"nats://127.0.0.1:{nobody}") as (process, url):
        assert process.stderr is not None
        said = ""
        while "relay_interrupted" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        live, ready, figures = (
            httpx.get(url + path, timeout=30) for path in ("/health/live", "/health/ready", "/metrics")
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        said += process.stderr.read()
    assert "NATS does not answer" in said
    assert "Traceback" not in said
    assert live.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["feeds"]["ticket-service"]["failing_because"].startswith("NATS does not answer")
    assert 'fristwerk_relay_interruptions_total{by="StreamUnavailableError"}' in figures.text


async def test_a_stream_that_only_a_person_can_mend_ends_it_with_a_sentence(tmp_path: Path) -> None:
    with nats_servers(tmp_path, 1) as (server,):
        client = await nats.connect(server.url)
        stream = client.jetstream()
        await stream.add_stream(name="FRISTWERK", subjects=["fristwerk.>"])
        await stream.publish("fristwerk.north.Responded.1", b"{}")
        await stream.purge_stream("FRISTWERK")
        await client.close()
        with relay(tmp_path, server.url) as (process, _):
            _, said = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("The stream FRISTWERK has no messages any more")
    assert "Traceback" not in said

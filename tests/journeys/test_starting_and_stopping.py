"""The supervisor with stand-ins for the services: starts, sentences, deaths and Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from tests.journeys.conftest import StartStack
from tests.ports import three_free_ports

STAND_IN = """
import http.server, os, signal, sys

if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.environ.get("FAILING") == __package__:
    sys.exit("The log is damaged.")


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


http.server.HTTPServer(("127.0.0.1", int(os.environ["FRISTWERK_PORT"])), Ready).serve_forever()
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into the process table of Linux")


@pytest.fixture
def stand_ins(tmp_path: Path) -> dict[str, str]:
    """An environment in which the three services are stand-ins that start at once."""
    for service in ("ticket", "sla", "billing"):
        package = tmp_path / "stand-ins" / f"{service}_service"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(dedent(STAND_IN))
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "stand-ins"), os.environ.get("PYTHONPATH", "")])}


def ends(pid: int) -> bool:
    """Whether the process ends within a second."""
    for _ in range(100):
        if not runs(pid):
            return True
        time.sleep(0.01)
    return False


def runs(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_the_addresses_are_named_when_everything_is_ready(start_stack: StartStack, stand_ins: dict[str, str]) -> None:
    stack = start_stack(**stand_ins)

    assert stack.wait_for("ready: ").split() == ["ready:", *(f"http://127.0.0.1:{stack.port + n}" for n in range(3))]


@linux_only
def test_ctrl_c_stops_everything_within_two_seconds(start_stack: StartStack, stand_ins: dict[str, str]) -> None:
    stack = start_stack(**stand_ins)
    stack.wait_for("ready: ")
    services = stack.services()

    assert stack.interrupt() < 2
    assert stack.process.returncode == 0
    assert all(ends(pid) for pid in services.values())


@linux_only
def test_services_that_do_not_want_to_stop_are_stopped_within_two_seconds(
    start_stack: StartStack, stand_ins: dict[str, str]
) -> None:
    stack = start_stack(STUBBORN="1", **stand_ins)
    stack.wait_for("ready: ")
    services = stack.services()

    assert stack.interrupt() < 2
    assert all(ends(pid) for pid in services.values())


@linux_only
def test_a_service_that_dies_is_started_again_with_a_line_saying_so(
    start_stack: StartStack, stand_ins: dict[str, str]
) -> None:
    stack = start_stack(**stand_ins)
    stack.wait_for("ready: ")
    before = stack.services()

    os.kill(before["sla_service"], signal.SIGKILL)

    assert stack.wait_for("The sla-service") == "The sla-service ended (SIGKILL); starting it again."
    for _ in range(200):
        after = stack.services()
        if after.get("sla_service", before["sla_service"]) != before["sla_service"]:
            break
        time.sleep(0.02)
    assert after.keys() == before.keys()
    assert after["sla_service"] != before["sla_service"]
    assert after["ticket_service"] == before["ticket_service"]


@linux_only
def test_services_end_with_a_supervisor_that_is_killed(start_stack: StartStack, stand_ins: dict[str, str]) -> None:
    stack = start_stack(STUBBORN="1", **stand_ins)
    stack.wait_for("ready: ")
    services = stack.services()
    assert len(services) == 3

    stack.process.kill()
    stack.wait_ended()

    assert all(ends(pid) for pid in services.values())


def test_a_service_that_cannot_start_says_why_and_the_others_are_stopped(
    start_stack: StartStack, stand_ins: dict[str, str]
) -> None:
    stack = start_stack(FAILING="sla_service", **stand_ins)

    assert stack.wait_ended() == 1
    assert stack.lines == ["Fristwerk: The sla-service did not start: The log is damaged."]


def test_a_taken_port_is_a_sentence(start_stack: StartStack) -> None:
    port = three_free_ports() + 1
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        stack = start_stack(port=port - 1)

        assert stack.wait_ended() == 1

    assert len(stack.lines) == 1
    assert stack.lines[0].startswith(f"Fristwerk: Port {port} cannot be used")


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_folder_that_cannot_be_written_is_a_sentence(start_stack: StartStack, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    stack = start_stack(command, folder=tmp_path / "file" / "var")

    assert stack.wait_ended() == 1
    assert len(stack.lines) == 1
    assert "cannot be written" in stack.lines[0]


def test_a_folder_is_used_by_one_at_a_time(start_stack: StartStack, stand_ins: dict[str, str]) -> None:
    first = start_stack(**stand_ins)
    first.wait_for("ready: ")

    second = start_stack(**stand_ins)

    assert second.wait_ended() == 1
    assert len(second.lines) == 1
    assert f"is in use by another Fristwerk (process {first.process.pid})" in second.lines[0]


def test_an_unknown_setting_is_a_sentence(start_stack: StartStack) -> None:
    stack = start_stack(FRISTWERK_LOGLEVEL="debug")

    assert stack.wait_ended() == 1
    assert len(stack.lines) == 1
    assert stack.lines[0].startswith("Fristwerk: FRISTWERK_LOGLEVEL is not a setting")

"""The units run under a systemd that booted in a container, installed as the page says, on PostgreSQL. Only in the long run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from fristwerk_local.terminal_output import RECORDED_DAY, TERMS
from tests.deploy.tools import COMES_WITH, DEPLOY, done

ROOT: Final = DEPLOY.parent
PYTHON: Final = "/usr/local/lib/fristwerk/bin/python"
PAGE: Final = ROOT / "docs" / "operations" / "install.md"
PACKAGES: Final = "systemd,systemd-sysv,dbus,postgresql,python3,python3-venv,ca-certificates"
SERVICES: Final = ("ticket", "sla", "billing")
KEPT: Final = Path("/var/lib/fristwerk")
PATIENCE_SECONDS: Final = 60


class Machine:
    """A Debian that has booted in a folder, with a network of its own in which it is alone."""

    def __init__(self, root: Path, leader: str) -> None:
        self.root = root
        self._leader = leader

    def run(self, *command: str, **environment: str) -> str:
        """What a command inside prints, which has to succeed."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        return done("nsenter", "-t", self._leader, "-a", "--", "/usr/bin/env", *settings, *command)

    def beside(self, *command: str) -> str:
        """The same for a program of the machine outside, which reaches what listens inside."""
        return done("nsenter", "-t", self._leader, "-n", "--", *command)

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, "--property", name, "--value")

    def until(self, unit: str, name: str, wanted: str) -> None:
        """Wait until a unit's property has a value."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (found := self.shown(unit, name)) != wanted:
            assert time.monotonic() < end, f"{unit}: {name} is {found}"
            time.sleep(0.1)


@pytest.fixture
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """One that has PostgreSQL, our source in /src and what it needs in /wheels; or a skip."""
    if request.config.getoption("faults") != "long":
        pytest.skip("Boots a Debian, which takes minutes: only with --faults=long.")
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("Boots a Debian, which takes Linux and root.")
    for tool in ("mmdebstrap", "systemd-nspawn"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing; {COMES_WITH[tool]}.")
    root = tmp_path / "root"
    done("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root))
    pip = f"{sys.base_prefix}/bin/python3"  # the environment of the tests may have none
    for each in ("requirements-run.txt", "requirements-image.txt"):
        fitting = ("--only-binary=:all:", "--python-version=3.11", "--require-hashes")
        done(pip, "-m", "pip", "download", "-q", *fitting, "-d", f"{root}/wheels", "-r", str(ROOT / each))
    sources = done("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, sources.split("\0")):
        (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / "src" / name)
    with ExitStack() as stack:
        container = stack.enter_context(
            subprocess.Popen(  # noqa: S603
                ["systemd-nspawn", "--boot", f"--directory={root}", "--private-network", "--register=no",  # noqa: S607
                 "--keep-unit", f"--machine=fristwerk-{os.getpid()}", "--console=pipe"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        stack.callback(container.terminate)
        booted = Machine(root, leader_of(container.pid))
        end = time.monotonic() + PATIENCE_SECONDS
        while not (root / "run" / "systemd").exists() and time.monotonic() < end:
            time.sleep(0.1)
        assert booted.run("systemctl", "is-system-running", "--wait") == "running"
        yield booted


def leader_of(nspawn: int) -> str:
    """The first process of the container that was started."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
        time.sleep(0.1)
    raise AssertionError("nothing has booted")


def test_the_units_are_installed_as_the_page_says_play_the_recorded_day_and_come_back_after_a_kill(
    machine: Machine, tmp_path: Path
) -> None:
    install(machine)
    for each in SERVICES:
        machine.until(f"fristwerk@{each}", "ActiveState", "active")

    folder = tmp_path / "player"
    folder.mkdir()
    shutil.copy2(f"{machine.root}{KEPT}/keys.json", folder)
    story = (str(RECORDED_DAY), "--terms", str(TERMS), "--var", str(folder))
    told = machine.beside(sys.executable, "-m", "fristwerk_local", "play", *story)
    assert "Everything came out as recorded_day says." in told

    machine.run("systemctl", "kill", "--signal=KILL", "fristwerk@sla")
    machine.until("fristwerk@sla", "NRestarts", "1")
    machine.until("fristwerk@sla", "ActiveState", "active")
    told = machine.beside(sys.executable, "-m", "fristwerk_local", "check", *story)
    assert "Everything came out as recorded_day says." in told

    for each in SERVICES:
        assert confinement(machine, each) == {"CapEff": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"}
    assert seen_by(machine, "sla", "sealing-key.json") == seen_by(machine, "billing", "sealing-key.json") == ""
    assert seen_by(machine, "ticket", "sealing-key.json") != ""

    machine.run("systemctl", "stop", "fristwerk.target")
    for each in SERVICES:
        machine.until(f"fristwerk@{each}", "ActiveState", "inactive")
        assert machine.shown(f"fristwerk@{each}", "Result") == "success"


def install(machine: Machine) -> None:
    """Carry out the page's commands, with a database before the services start."""
    section = re.search(r"^## systemd\n\n```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert section is not None
    commands, _, starts = section[1].partition("systemctl ")
    shell = ("/bin/bash", "-euxc")
    machine.run(*shell, f"cd /src\n{commands}", PIP_NO_INDEX="1", PIP_FIND_LINKS="/wheels")
    password = os.urandom(12).hex()
    statements = (f"CREATE ROLE fristwerk LOGIN PASSWORD '{password}'", "CREATE DATABASE fristwerk OWNER fristwerk")
    for each in statements:
        machine.run("runuser", "-u", "postgres", "--", "psql", "--quiet", "--command", each)
    with (machine.root / "etc/fristwerk/environment").open("a") as settings:
        settings.write(f"FRISTWERK_DATABASE_URL=postgresql://fristwerk:{password}@127.0.0.1:5432/fristwerk\n")
        settings.write("FRISTWERK_CUSTOMERS_MAY_DATE=true\n")  # the recorded day plays the past
    machine.run(*shell, f"systemctl {starts}")


def confinement(machine: Machine, service: str) -> dict[str, str]:
    """What the kernel says that a service's process may not."""
    pid = machine.shown(f"fristwerk@{service}", "MainPID")
    lines = [each.split(":\t") for each in machine.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in each]
    return {name: value for name, value in lines if name in {"CapEff", "NoNewPrivs", "Seccomp"}}


def seen_by(machine: Machine, service: str, file: str) -> str:
    """What a service finds in a file of the data folder: nothing in one that is out of its sight, even as root."""
    pid = machine.shown(f"fristwerk@{service}", "MainPID")
    return machine.run("nsenter", "-t", pid, "-m", "--", "cat", str(KEPT / file))

"""The commands of the audit guide, executed as they stand there against running services."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.description_standard import Carrier
from tests.journeys.conftest import RunningStack, _free_ports

GUIDE: Final = Path(__file__).parents[2] / "docs" / "audit-guide.md"
TOKEN: Final = "token --role auditor"
NO_HEAD_YET: Final = "No head covers"
PATIENCE_SECONDS: Final = 40.0


def ran(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command of the guide in a shell."""
    return subprocess.run(  # noqa: S603
        ["/bin/sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def commands() -> list[str]:
    """Every command line of the guide, in its order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def stack(tmp_path: Path) -> RunningStack:
    """The three services after the recorded day."""
    return RunningStack("run", tmp_path / "var", _free_ports(), {})


def test_every_command_of_the_guide_does_what_it_says(stack: RunningStack, tmp_path: Path) -> None:
    try:
        stack.wait_for("Everything came out")
        stack.wait_for("Running until")
        urls = [f"http://127.0.0.1:{stack.port + offset}" for offset in range(3)]
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "FRISTWERK_VAR": str(tmp_path / "var"),
            "FRISTWERK_TICKET_URL": urls[0],
            "FRISTWERK_SLA_URL": urls[1],
            "FRISTWERK_BILLING_URL": urls[2],
            "TICKET_URL": urls[0],
        }
        given = commands()
        assert TOKEN in given[0]
        # A head has to be kept before it can be held against anything: the witness comes first, as it would in life.
        ordered = [given[0], *[each for each in given if "witness $" in each], *given[1:]]
        for command in ordered:
            done = ran(command, tmp_path, environment)
            ends_at = time.monotonic() + PATIENCE_SECONDS
            while NO_HEAD_YET in done.stderr and time.monotonic() < ends_at:  # as the sentence says: run it again
                time.sleep(0.5)
                done = ran(command, tmp_path, environment)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            if TOKEN in command:
                environment["AUDIT_TOKEN"] = done.stdout.strip()
        carrier = Carrier((tmp_path / "gobd.zip").read_bytes())
        carrier.check()
        assert len(carrier.root.findall("Media/Table")) == len(carrier.tables)
        assert "Everything that was checked holds." in (tmp_path / "report.html").read_text()
    finally:
        stack.close()

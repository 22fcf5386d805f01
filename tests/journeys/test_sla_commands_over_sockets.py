"""``python -m sla_service`` beside running services: everything recomputed from the log over HTTP, and deadlines explained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.journeys.conftest import StartStack


def command(folder: Path, port: int, *words: str) -> subprocess.CompletedProcess[str]:
    settings = {"FRISTWERK_VAR": str(folder), "FRISTWERK_TICKET_URL": f"http://127.0.0.1:{port}"}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "sla_service", *words],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_recorded_day_is_recomputed_to_the_same_digest_while_the_services_run(start_stack: StartStack) -> None:
    stack = start_stack("run")
    stack.wait_for("Everything came out as recorded_day says.")

    for words in (["replay"], ["replay", "--stored"]):
        done = command(stack.folder, stack.port, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        *progress, recomputed, stored = done.stdout.splitlines()
        assert any("tickets recomputed" in line for line in progress)
        assert recomputed.split()[-1].startswith("sha256:")
        assert recomputed.split()[-1] == stored.split()[-1]

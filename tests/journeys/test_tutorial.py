"""The tutorial and the how-to pages, executed as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import StartStack

ROOT = Path(__file__).parents[2]
HOW_TO = [
    "use-the-python-client",
    "try-terms",
    "follow-the-feed",
    "bill-a-month",
    "add-an-agreement",
    "relate-tickets",
    "rebuild",
]
"""In an order in which they work one after the other; each goes on from the tutorial."""


def script_of(page: Path) -> str:
    """The commands of a page: its blocks of ``sh``. Other blocks show what is not for this place."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def ran(stack: Any, *pages: Path) -> str:
    """What the pages' commands print in one shell, with the first failure as a failure of the test."""
    script = "\n".join(script_of(page) for page in pages)
    for number in range(3):
        script = script.replace(f"127.0.0.1:{8001 + number}", f"127.0.0.1:{stack.port + number}")
    script = script.replace(".venv/bin/python", f"'{sys.executable}'").replace("./tour", f"'{stack.folder}'")
    # Readers have the default ports, where commands find the services by themselves.
    addresses = "".join(
        f"export FRISTWERK_{name}_URL=http://127.0.0.1:{stack.port + number}\n"
        for number, name in enumerate(("TICKET", "SLA", "BILLING"))
    )

    done = subprocess.run(  # noqa: S603 - our own pages
        ["/bin/sh", "-eu", "-c", addresses + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tutorial_and_the_how_to_pages_show_what_they_say(start_stack: StartStack) -> None:
    stack = start_stack("serve")
    stack.wait_for("ready: ")
    how_to = [ROOT / "docs" / "how-to" / f"{name}.md" for name in HOW_TO]

    shown = ran(stack, ROOT / "docs" / "tutorial.md", *how_to)

    # the tutorial
    assert '"due_at":"2026-06-05T07:30:00Z"' in shown  # Friday 09:30 in Zürich
    assert "2026-06-04" in shown  # Corpus Christi, in the explanation
    assert '"state":"running"' in shown  # as of that Friday morning
    assert '"kind":"allowance"' in shown
    assert '"minutes":60' in shown
    assert '"status":422' in shown
    assert '"type":"TimeLogged"' in shown
    # the how-to pages
    assert "due Friday 09:30, met" in shown  # by the Python client
    assert "refused: /severity" in shown
    assert "customers: 1, at position" in shown
    assert "calendar infoniqa-literal: version 1" in shown
    assert '"tickets":1,"differ":1' in shown  # the simulation
    assert '"now":{"lines":' in shown  # the what-if
    assert 'rel="next"' in shown
    assert '"type":"TimerStarted"' in shown
    assert '"number":1}],"skipped":[],"failed":[]' in shown  # the invoice run
    assert "105.40" in shown  # half an hour beyond the package, with VAT
    assert "agreement support: version 1" in shown
    assert '"due_at":"2026-09-01T09:30:00Z"' in shown  # Tuesday 10:30 in London
    assert '"state":"closed"' in shown  # the duplicate
    digests = re.findall(r"^(?:log|read model) +(sha256:\w{64})$", shown, re.MULTILINE)
    assert len(digests) == 2
    assert len(set(digests)) == 1


def test_every_how_to_page_with_commands_is_executed() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "how-to").glob("*.md") if script_of(page)}

    assert pages == set(HOW_TO)

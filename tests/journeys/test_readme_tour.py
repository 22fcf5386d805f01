"""The README's tour with curl, executed as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tour_with_curl_shows_what_the_readme_says(start_stack) -> None:
    stack = start_stack("serve")
    stack.wait_for("ready: ")
    readme = (ROOT / "README.md").read_text("utf-8")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL))
    for number in range(3):
        script = script.replace(f"127.0.0.1:{8001 + number}", f"127.0.0.1:{stack.port + number}")
    script = script.replace(".venv/bin/python", f"'{sys.executable}'").replace("./tour", f"'{stack.folder}'")

    done = subprocess.run(  # noqa: S603 - our own README
        ["/bin/sh", "-eu", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"due_at":"2026-06-05T07:30:00Z"' in done.stdout  # Friday 09:30 in Zürich
    assert "2026-06-04" in done.stdout  # Corpus Christi, in the explanation
    assert '"kind":"allowance"' in done.stdout
    assert '"minutes":60' in done.stdout
    assert '"status":422' in done.stdout
    assert '"type":"TimeLogged"' in done.stdout

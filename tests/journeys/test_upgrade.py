"""An upgrade as docs/operations/upgrade.md says it: a folder of an earlier version is backed up, served, rebuilt, replayed."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.ports import three_free_ports

STORED: Final = Path(__file__).parents[1] / "contracts" / "databases"
"""Made by the version before 0.2.0."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder as the earlier version left it."""
    var = tmp_path / "var"
    var.mkdir()
    for file in STORED.glob("*.db.gz"):
        (var / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    shutil.copy(STORED / "keys.json", var)
    return var


def run(folder: Path, port: int, module: str, *arguments: str) -> str:
    """What a command prints, which has to end well."""
    urls = {
        f"FRISTWERK_{name}_URL": f"http://127.0.0.1:{port + at}" for at, name in enumerate(("TICKET", "SLA", "BILLING"))
    }
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", module, *arguments],
        env=os.environ | urls | {"FRISTWERK_VAR": str(folder)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[Path, int]]:
    """The services of this version on a folder that was backed up before, and their first port."""
    port = three_free_ports()
    run(folder, port, "ticket_service", "backup", "--out", str(folder.parent / "backups"))
    services = subprocess.Popen(  # noqa: S603 - our own
        [
            sys.executable,
            "-m",
            "fristwerk_local",
            "serve",
            "--var",
            str(folder),
            "--port",
            str(port),
            "--stop-with-parent",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert services.stdout is not None
    assert any("ready:" in line for line in services.stdout)
    yield folder, port
    services.terminate()
    services.communicate(timeout=30)


def digests(said: str) -> list[str]:
    return re.findall(r"sha256:[0-9a-f]{64}", said)


def test_an_earlier_versions_folder_is_upgraded_and_its_backup_still_restores(served: tuple[Path, int]) -> None:
    folder, port = served

    rebuilt = run(folder, port, "ticket_service", "rebuild")
    replayed = [digests(run(folder, port, f"{name}_service", "replay")) for name in ("sla", "billing")]

    assert "compared at own log 116: " in rebuilt
    assert [len(found) >= 2 and len(set(found)) == 1 for found in replayed] == [True, True], replayed
    [backup] = (folder.parent / "backups").iterdir()
    again = folder.parent / "again"
    again.mkdir()
    shutil.copy(folder / "keys.json", again)
    assert "restored into" in run(again, port, "ticket_service", "restore", str(backup))

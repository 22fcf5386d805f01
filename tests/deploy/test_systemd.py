"""The systemd units: understood by systemd, and exposed to 2.0 of 10 at most as it counts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.tools import DEPLOY, run

SYSTEMD: Final = DEPLOY / "systemd"
UNITS: Final = (
    "fristwerk@ticket.service",
    "fristwerk@sla.service",
    "fristwerk@billing.service",
    "fristwerk-backup.service",
    "fristwerk-relay.service",
)
MOST_EXPOSED: Final = 20
"""Tenths."""


def unit_folder(folder: Path, old: str = "", new: str = "") -> Path:
    """A copy of the units, with a Python that exists here, and with one thing changed if asked."""
    folder.mkdir(exist_ok=True)
    python = folder / "python"  # as the path of the one that runs here may hold a space
    python.unlink(missing_ok=True)
    python.symlink_to(sys.executable)
    for file in (each for each in SYSTEMD.rglob("*") if each.is_file()):
        text = file.read_text("utf-8")
        copy = folder / file.relative_to(SYSTEMD)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text.replace("/usr/local/lib/fristwerk/bin/python", str(python)).replace(old, new), "utf-8")
    return folder


def verified(folder: Path, *units: str) -> tuple[int, str]:
    return run("systemd-analyze", "verify", *(folder / unit for unit in units), SYSTEMD_UNIT_PATH=f"{folder}:")


def exposure(folder: Path, unit: str) -> tuple[int, float]:
    arguments = ("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", folder / unit)
    code, said = run("systemd-analyze", *arguments, SYSTEMD_UNIT_PATH=f"{folder}:")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None, said
    return code, float(found[1])


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    assert verified(unit_folder(tmp_path), *UNITS, "fristwerk.target", "fristwerk-backup.timer") == (0, "")


def test_systemd_would_not_understand_a_misspelt_key(tmp_path: Path) -> None:
    _, said = verified(unit_folder(tmp_path, "RestartSec=", "RestartSeconds="), *UNITS)

    assert "Unknown key 'RestartSeconds'" in said


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardly_exposed(unit: str, tmp_path: Path) -> None:
    code, level = exposure(unit_folder(tmp_path), unit)

    assert code == 0
    assert level <= MOST_EXPOSED / 10


def test_a_unit_that_was_opened_would_be_found_exposed(tmp_path: Path) -> None:
    code, level = exposure(unit_folder(tmp_path, "CapabilityBoundingSet=\n", ""), UNITS[0])

    assert code != 0
    assert level > MOST_EXPOSED / 10

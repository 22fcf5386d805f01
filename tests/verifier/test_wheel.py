"""The verifier's wheel, with what it declares and nothing else, checks a bundle of an installation on PostgreSQL; no network."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

import pytest

from fristwerk_platform.settings import Settings
from tests.conftest import OpenServices
from tests.verifier.bundling import export, play_a_day

ROOT: Final = Path(__file__).parents[2]
OWN: Final = ("shared/language", "shared/proof", "services/verifier")
BUILD: Final = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


def wheels(out: Path) -> list[Path]:
    """The three wheels, built from the checkout."""
    for package in OWN:
        subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=ROOT / package, check=True, capture_output=True)  # noqa: S603
    return sorted(out.glob("*.whl"))


def declared(names: set[str]) -> set[str]:
    """Everything from elsewhere that distributions need, by what they declare."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name in found:
            continue
        found.add(name)
        needed = distribution(name).requires or []
        names |= {re.split(r"[^A-Za-z0-9_.-]", each)[0] for each in needed if "extra ==" not in each}
    return found


def required(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        metadata = next(name for name in packed.namelist() if name.endswith("METADATA"))
        lines = packed.read(metadata).decode().splitlines()
    return {re.split(r"[^A-Za-z0-9_.-]", each.split(": ")[1])[0] for each in lines if each.startswith("Requires-Dist")}


def copy_distribution(found: Distribution, site: Path) -> None:
    """A distribution's files as they are installed here: the same as installing it, without an index."""
    for file in found.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the verifier's wheels and what they declare."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
    built = wheels(folder / "wheels")
    names: set[str] = set()
    for wheel in built:
        names |= required(wheel)
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)
    for name in declared({each for each in names if not each.startswith("fristwerk-")}):
        copy_distribution(distribution(name), site)
    return python


def test_it_checks_a_bundle_of_postgresql_by_itself(
    alone: Path, tmp_path: Path, migrated_postgres_url: str, open_services: OpenServices
) -> None:
    settings = Settings(var=tmp_path / "var", database_url=migrated_postgres_url)
    bundle = tmp_path / "bundle.zip"

    async def make() -> None:
        await play_a_day(settings, open_services)
        async with open_services(settings) as stack:
            await export(stack, bundle)

    asyncio.run(make())
    offline = "import socket; socket.create_connection = socket.getaddrinfo = None; from fristwerk_verify.cli import run; run()"
    done = subprocess.run(  # noqa: S603
        [str(alone), "-I", "-c", offline, str(bundle), "--lang", "de", "--report", str(tmp_path / "report.html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Alles Geprüfte stimmt.\n")
    assert "8 Belege mit" in done.stdout
    assert "Alles Geprüfte stimmt." in (tmp_path / "report.html").read_text()


def test_it_brings_no_server_along(alone: Path) -> None:
    there = "import importlib.util, sys; sys.exit(any(map(importlib.util.find_spec, sys.argv[1:])))"
    strangers = [
        "fastapi",
        "sqlalchemy",
        "httpx",
        "fristwerk_platform",
        "ticket_service",
        "sla_service",
        "billing_service",
    ]
    assert subprocess.run([str(alone), "-I", "-c", there, *strangers], check=False).returncode == 0  # noqa: S603
    only = "import fristwerk_verify, billing_service; print(billing_service.__path__)"
    shown = subprocess.run([str(alone), "-I", "-c", only], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert "fristwerk_verify/domains/billing_service" in shown

"""The generated packages are what the stored descriptions say, whole, and in the wheel."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2] / "shared" / "client"
PACKAGE: Final = ROOT / "src" / "fristwerk_client"
BUILD: Final = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.glob("**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("service", ["ticket", "sla", "billing"])
def test_what_is_installed_was_generated_from_the_stored_description(script: ModuleType, service: str) -> None:
    assert script.is_current(service, PACKAGE / service), "run: make setup"


def test_the_same_description_gives_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    script.generate_package("sla", tmp_path / "sla")

    assert files(tmp_path / "sla") == files(PACKAGE / "sla")


@pytest.mark.parametrize("service", ["ticket", "sla", "billing"])
def test_every_operation_of_the_description_is_generated(script: ModuleType, service: str) -> None:
    description = json.loads((script.DESCRIPTIONS / f"{service}.json").read_text("utf-8"))
    described = {each["operationId"] for methods in description["paths"].values() for each in methods.values()}

    assert {path.stem for path in (PACKAGE / service / "api").glob("*/*.py")} - {"__init__"} == described


def test_what_the_generator_leaves_out_is_an_error(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(script.SETTINGS, "content_type_overrides", {})

    with pytest.raises(script.GeneratorError, match="application/x-ndjson"):
        script.generate_package("sla", tmp_path / "sla")

    assert not (tmp_path / "sla").exists()


def test_the_wheel_holds_what_was_generated_and_needs_nothing_of_ours(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)  # noqa: S603

    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        metadata = next(name for name in names if name.endswith("METADATA"))
        needs = [line for line in packed.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    assert {name for name in names if name.startswith("fristwerk_client/")} >= {
        f"fristwerk_client/{name}" for name in files(PACKAGE) if name.endswith((".py", "py.typed"))
    }
    assert needs == [
        "Requires-Dist: attrs>=24",
        "Requires-Dist: httpx<1,>=0.28",
        "Requires-Dist: nats-py<3,>=2.10; extra == 'nats'",
    ]

"""The page of dependencies says of every pinned package its licence and age; nothing under the GPL, nothing forgotten by its
authors without a reason.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SCRIPT: Final = ROOT / "docs" / "write_dependencies.py"
NAME: Final = re.compile(r"^[\w.-]+", re.MULTILINE)
YEARS: Final = 3
REFUSED: Final = re.compile(
    r"(?<!L)GPL|Affero|(?<!Lesser )General Public|SSPL|not declared|not installed", re.IGNORECASE
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("write_dependencies", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def text(script: ModuleType) -> str:
    return str(script.PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def rows(text: str) -> dict[str, list[str]]:
    """Version, licence, release and use by package."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    return {name: more for name, *more in cells[1:]}


def unfit(rows: dict[str, list[str]], looked_up: date) -> set[str]:
    """Packages that want a reason: an old release, or a licence that is not plainly allowed."""
    return {
        name
        for name, (_, licence, released, _) in rows.items()
        if REFUSED.search(licence) or (looked_up - date.fromisoformat(released)).days > YEARS * 365
    }


def test_every_pinned_package_is_on_the_page_in_the_version_that_is_pinned(
    script: ModuleType, rows: dict[str, list[str]]
) -> None:
    pinned = script.pinned()

    assert rows.keys() == pinned.keys(), "run: docs/write_dependencies.py"
    assert {name for name, (version, *_) in rows.items() if version not in pinned[name][0]} == set()


def test_every_file_of_pins_and_every_dependency_of_a_package_is_looked_at(script: ModuleType) -> None:
    ours = {script.canonical(project["name"]) for project in projects()}
    named = {script.canonical(name) for project in projects() for name in dependencies(project)}

    assert {file.name for file in ROOT.glob("requirements*.txt")} == script.FILES.keys()
    assert {file.stem for file in ROOT.glob("requirements*.in")} == {Path(file).stem for file in script.FILES}
    assert len(named) > 15
    assert named - ours - script.pinned().keys() == set()


def projects() -> list[dict[str, Any]]:
    """What the packages of this repository say of themselves."""
    files = [
        file
        for folder in ("shared", "services", "tools", "deploy")
        for file in ROOT.glob(f"{folder}/**/pyproject.toml")
    ]
    return [tomllib.loads(file.read_text("utf-8"))["project"] for file in files]


def dependencies(project: dict[str, Any]) -> list[str]:
    """The names of what a package needs, the extras' too."""
    lists = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    return NAME.findall("\n".join(each for found in lists for each in found))


def test_a_pin_of_another_form_is_not_passed_over(script: ModuleType) -> None:
    assert script.pins("# all\na==1 \\\n    --hash=sha256:0\nb[x,y]==2.0 ; python_version < '4'\n") == [
        ("a", "1"),
        ("b", "2.0"),
    ]
    for other in ("c @ https://example.com/c.whl", "-e ./d", "e>=1", "--pre"):
        with pytest.raises(ValueError, match="no pin"):
            script.pins(other)


def test_what_is_old_or_has_no_plain_licence_has_a_reason(
    script: ModuleType, rows: dict[str, list[str]], text: str
) -> None:
    found = re.search(r"Looked up on (\d{4}-\d{2}-\d{2})", text)
    assert found is not None
    assert unfit(rows, date.fromisoformat(found[1])) == script.REASONS.keys()
    assert all(f"- {name}: {reason}" in text for name, reason in script.REASONS.items())


@pytest.mark.parametrize(
    ("licence", "released", "wanted"),
    [
        ("MIT", "2026-01-01", False),
        ("LGPL-3.0-only", "2026-01-01", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", "2026-01-01", False),
        ("GPL-3.0-or-later", "2026-01-01", True),
        ("GNU General Public License v2 (GPLv2)", "2026-01-01", True),
        ("AGPL-3.0", "2026-01-01", True),
        ("GNU Affero General Public License v3", "2026-01-01", True),
        ("MIT", "2023-01-01", True),
    ],
)
def test_gpl_and_old_packages_are_found(licence: str, released: str, wanted: bool) -> None:
    assert bool(unfit({"x": ["1", licence, released, "tests"]}, date(2026, 11, 28))) == wanted

"""The house rules for what is not code: no addresses of machines or mirrors, and documents that keep in step with the code."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from fristwerk_language.events import EVENT_TYPES
from fristwerk_platform.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.txt"))
NOT_OURS = {".git", ".venv", "var", "__pycache__", "node_modules"}

# Put together from parts, so that this file does not contain what it forbids.
FORBIDDEN = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + "hosted",
            "registry" + r"\.npm",
            r"(?<![\w-])--(extra-)?index" + "-url",
            r"(?<![\w-])--find" + "-links",
            "file:" + "//",
            r"(?<![\w.}/-])/" + r"(home|root|Users|work|opt|mnt|workspace)" + r"/\w",
        ]
    )
)


def our_files() -> list[Path]:
    """What git keeps, or everything that is not made by a command where this is no checkout."""
    listed = subprocess.run(  # noqa: S603
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        found = [path for path in ROOT.glob("**/*") if not NOT_OURS.intersection(path.relative_to(ROOT).parts)]
    return [path for path in found if path.is_file()]


def loaded(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_file_carries_an_index_a_mirror_or_a_path_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in our_files()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hashes_and_without_an_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    requirements = re.findall(r"^\S.*(?:\n +--hash=.*)*", text, re.MULTILINE)

    assert requirements
    assert [each.splitlines()[0] for each in requirements if not re.match(r"\S+==\S+ .*\n +--hash=sha256:", each)] == []
    assert "://" not in text
    assert "@" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_lock_pins_what_is_asked_for(lock: Path) -> None:
    asked = {
        re.split(r"[\[<>=;\s]", line, maxsplit=1)[0].lower()
        for line in lock.with_suffix(".in").read_text("utf-8").splitlines()
        if line and not line.startswith(("#", "-"))
    }

    assert asked <= {name.lower() for name in re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.MULTILINE)}


def test_the_page_of_events_is_what_the_code_says() -> None:
    script = loaded(ROOT / "docs" / "write_events.py")

    assert script.PAGE.read_text("utf-8") == script.page(), "run: .venv/bin/python docs/write_events.py"


def test_every_event_type_is_on_the_page_of_events() -> None:
    titles = re.findall(r"^### (\w+)$", (ROOT / "docs" / "events.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(titles) == sorted(EVENT_TYPES)


def test_the_readme_lists_every_setting_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| ([^|]+?) \|", readme, re.MULTILINE))
    defaults = {name.upper(): getattr(Settings(), name) for name in Settings.__struct_fields__}

    assert list(rows) == list(defaults)
    assert {name: rows[name] for name, value in defaults.items() if value is not None} == {
        name: f"`{value}`" for name, value in defaults.items() if value is not None
    }


def test_the_readme_names_every_command_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"welcome", "help"}
    readme = (ROOT / "README.md").read_text("utf-8")

    assert [target for target in sorted(targets) if f"make {target}" not in readme] == []


def test_every_decision_is_in_the_index_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")

    assert [page.name for page in sorted(folder.glob("0*.md")) if f"]({page.name})" not in index] == []

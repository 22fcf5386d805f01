"""The container image's recipe: as hadolint wants it, as nobody's root, and with everything that the packages ask for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

from tests.deploy.tools import DEPLOY, run, spoiled

ROOT: Final = DEPLOY.parent
CONTAINERFILE: Final = DEPLOY / "containers" / "Containerfile"


def instructions() -> list[str]:
    """The instructions of the last stage, each on one line."""
    text = CONTAINERFILE.read_text("utf-8").replace("\\\n", " ")
    return text[text.rindex("\nFROM ") :].strip().splitlines()


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))


def test_hadolint_finds_nothing() -> None:
    assert run("hadolint", CONTAINERFILE) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    code, said = run("hadolint", spoiled(CONTAINERFILE, tmp_path, "USER 10001:10001", "USER root\nWORKDIR here"))

    assert code == 1
    assert "DL3002" in said  # the last user is root
    assert "DL3000" in said


def test_the_image_runs_as_a_number_that_is_not_roots_and_says_how_it_is() -> None:
    users = [each for each in instructions() if each.startswith("USER ")]
    checks = [each for each in instructions() if each.startswith("HEALTHCHECK ")]

    assert users == ["USER 10001:10001"]
    assert len(checks) == 1
    assert "/usr/local/lib/fristwerk/healthcheck.py" in checks[0]


def test_what_the_image_installs_is_what_is_tested() -> None:
    everything = pinned("requirements.txt")

    assert pinned("requirements-run.txt").items() <= everything.items()


def test_the_image_has_what_every_package_in_it_asks_for() -> None:
    asked = set()
    built = re.search(r"pip wheel .* /wheels (.+) \\$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    assert built is not None
    for project in [path for each in built[1].split() for path in ROOT.glob(f"{each}/pyproject.toml")]:
        dependencies = tomllib.loads(project.read_text("utf-8"))["project"].get("dependencies", [])
        asked |= {re.split(r"[\[<>=;\s]", each, maxsplit=1)[0].lower() for each in dependencies}

    own = {each for each in asked if each.startswith("fristwerk-")}
    assert {each.removeprefix("fristwerk-") for each in own} <= set(re.findall(r"shared/(\w+)", built[1]))
    assert asked - own <= pinned("requirements-run.txt").keys()


def test_what_the_recipe_copies_reaches_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    admitted = re.findall(r"^!(.+)$", (ROOT / ".containerignore").read_text("utf-8"), re.MULTILINE)

    assert sorted(" ".join(copied).split()) == sorted(admitted)
    assert all((ROOT / each).exists() for each in admitted)

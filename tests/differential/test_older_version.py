"""The same stories through an older version and this one: every difference is one that a decision has intended.

``pytest tests/differential --older PATH`` compares with the checkout at that path, which has its own ``.venv``; ``make nightly
OLDER=PATH`` does so too. Without a path there is nothing to compare with, and the comparison itself is tried.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.differential import comparison
from tests.differential.comparison import differences
from tests.differential.stories import write_stories

ROOT = Path(__file__).parents[2]
TERMS = "deploy/local/src/fristwerk_local/terms"
STORIES = 2_000
FEW = 80
SEED = 1_000


def derived(python: Path, file: Path) -> Iterator[dict[str, Any]]:
    """What a checkout's Python makes of each story of a file."""
    command = [python, Path(__file__).with_name("derive.py"), file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - the path is the tester's
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    assert process.returncode == 0


def told(file: Path) -> Iterator[list[str]]:
    yield from map(json.loads, file.read_text("utf-8").splitlines()[1:])


def test_every_difference_to_an_older_version_is_intended(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    older = request.config.getoption("older")
    if older is None:
        pytest.skip("there is no older version to compare with: name a checkout with --older")
    file = tmp_path / "stories.jsonl"
    write_stories(file, Path(older) / TERMS, STORIES, SEED)
    pairs = zip(told(file), derived(Path(older) / ".venv/bin/python", file), derived(this(), file), strict=True)
    found = [each for story, before, after in pairs for each in differences(story, before, after)]
    print(json.dumps(Counter(kind for kind, _ in found), indent=1))  # noqa: T201 - the kinds, for whoever compares
    assert [place for kind, place in found if kind == comparison.UNINTENDED] == []
    intended = {comparison.PREPARATION, comparison.EFFORT, comparison.SOFT, comparison.SEVERITY}
    assert {kind for kind, _ in found} <= intended


def this() -> Path:
    return Path(sys.executable)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[str], dict[str, Any]]]:
    """A few stories, and what this version makes of them."""
    file = tmp_path_factory.mktemp("stories") / "stories.jsonl"
    write_stories(file, ROOT / TERMS, FEW, SEED)
    return list(zip(told(file), derived(this(), file), strict=True))


def test_stories_come_to_charges_and_timers_of_every_kind(own: list[tuple[list[str], dict[str, Any]]]) -> None:
    statements = [each for _, found in own for each in found["charges"].values()]
    assert not [each for each in statements if "error" in each]
    assert {line["kind"] for each in statements for line in each["lines"]} >= {"hourly", "allowance", "free", "addon"}
    timers = [each for _, found in own for ticket in found["timers"].values() for each in ticket["timers"]]
    assert {each["metric"] for each in timers} >= {"first_response", "resolution", "callback", "processing_started"}


def test_a_version_does_not_differ_from_itself(own: list[tuple[list[str], dict[str, Any]]]) -> None:
    for story, found in own:
        assert list(differences(story, found, json.loads(json.dumps(found)))) == []


@pytest.mark.parametrize("what", ["an amount", "a deadline", "a lost account", "a lost timer"])
def test_a_difference_that_nobody_intended_is_found(own: list[tuple[list[str], dict[str, Any]]], what: str) -> None:
    kinds: Counter[str] = Counter()
    for story, found in own:
        changed = json.loads(json.dumps(found))
        statements = [each for each in changed["charges"].values() if each["lines"]]
        timers = [ticket["timers"] for ticket in changed["timers"].values() if ticket["timers"]]
        match what:
            case "an amount" if statements:
                statements[0]["lines"][0]["amount"]["amount"] = "0.01"
            case "a deadline" if timers:
                timers[0][0]["due_at"] = "2030-01-01T00:00:00Z"
            case "a lost account":
                changed["charges"].popitem()
            case "a lost timer" if timers:
                timers[0].pop()
        kinds.update(kind for kind, _ in differences(story, found, changed))
    assert kinds[comparison.UNINTENDED] > FEW / 3

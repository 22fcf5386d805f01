"""The alerts: promtool takes them, each fires in a test of its own, and each has a section for whoever it wakes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.tools import DEPLOY, run

PROMETHEUS: Final = DEPLOY / "prometheus"
PAGE: Final = DEPLOY.parent / "docs" / "operations" / "alerts.md"
PARTS: Final = ("What it means", "What to look at", "What to do")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "fristwerk.rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def folder_with(tmp_path: Path, old: str, new: str) -> Path:
    folder = tmp_path / "prometheus"
    shutil.copytree(PROMETHEUS, folder)
    file = folder / "fristwerk.rules.yml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    return folder


def outcome_in(folder: Path) -> int:
    return run("promtool", "test", "rules", "fristwerk.rules.test.yml", folder=folder)[0]


def test_promtool_takes_the_rules_and_the_example() -> None:
    code, said = run("promtool", "check", "config", "prometheus.yml", folder=PROMETHEUS)

    assert code == 0, said
    assert f"{len(rules())} rules found" in said


def test_the_rules_fire_where_they_should_and_nowhere_else() -> None:
    assert outcome_in(PROMETHEUS) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("fristwerk_alarms_overdue > 0", "fristwerk_alarms_overdue > 5"), ("for: 3m", "for: 0m"), ("ServiceDown", "Down")],
)
def test_a_rule_that_fires_late_early_or_under_another_name_would_be_found(tmp_path: Path, old: str, new: str) -> None:
    assert outcome_in(folder_with(tmp_path, old, new)) != 0


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load((PROMETHEUS / "fristwerk.rules.test.yml").read_text("utf-8"))["tests"]
    firing = {case["alertname"] for test in tests for case in test.get("alert_rule_test", []) if case["exp_alerts"]}

    assert firing == {rule["alert"] for rule in rules()}


def test_every_alert_has_its_section_and_every_section_its_parts() -> None:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    named = {section.partition("\n")[0]: section for section in sections}

    assert list(named) == [rule["alert"] for rule in rules()]
    assert [name for name, text in named.items() if not all(f"**{part}.**" in text for part in PARTS)] == []
    urgent = {rule["alert"]: rule["labels"]["severity"] == "page" for rule in rules()}
    assert {name: "Wakes somebody." in text for name, text in named.items()} == urgent

"""The list of forgotten persons: durable, once each, and never in the way of forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ticket_service.forgotten_list import ForgottenList


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What was logged, also where other tests have silenced it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0), cache_logger_on_first_use=False)
    with capture_logs() as entries:
        yield entries
    structlog.configure(**before)


def test_each_subject_is_listed_once_for_good(tmp_path: Path) -> None:
    file = tmp_path / "forgotten.txt"
    listed = ForgottenList(file)
    for subject in ("a", "b", "a", "a~1"):
        listed.add(subject)

    again = ForgottenList(file)
    again.add("b")

    assert again.subjects() == {"a", "b", "a~1"}
    assert file.read_text() == "a\nb\na~1\n"
    assert file.stat().st_mode & 0o077 == 0


def test_no_list_is_an_empty_one(tmp_path: Path) -> None:
    assert ForgottenList(tmp_path / "none.txt").subjects() == frozenset()


def test_a_list_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path, logged: list[Any]) -> None:
    ForgottenList(tmp_path / "no folder" / "forgotten.txt").add("a")

    lines = [each for each in logged if each["event"] == "forgotten_not_listed"]
    assert [each["log_level"] for each in lines] == ["error"]

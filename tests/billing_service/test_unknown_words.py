"""Words that no coverage rule knows are remarked on, where the agreement does not list its activities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.billing_service.conftest import Story

FREE = {"activity": "maintenance", "billable": False}


@pytest.fixture
def logged(story: type[Story], bare: dict[str, Any]) -> Any:
    """The remarks on an hour logged under a word, with the coverage rules and other keys of an agreement."""

    def remarks(activity: str, coverage: list[dict[str, Any]], **keys: Any) -> list[tuple[str, str]]:
        account = story({"billing": bare["billing"] | {"coverage": coverage}} | keys)
        account.log("T", "2026-05-04 10:00", 60, activity=activity)
        return [(each.code, each.detail) for each in account.rate().remarks]

    return remarks


def test_a_word_that_no_rule_names_is_billed_and_remarked_on(logged: Any) -> None:
    [(code, detail)] = logged("maintenence", [FREE])
    assert code == "unknown_activity"
    assert "'maintenence'" in detail


@pytest.mark.parametrize("activity", ["maintenance", "preparation", "call"])
def test_a_word_that_is_known_is_not(logged: Any, activity: str) -> None:
    assert logged(activity, [FREE]) == []


def test_where_no_rule_names_a_word_none_is_known_better_than_another(logged: Any) -> None:
    assert logged("whatever", []) == []
    assert logged("whatever", [{"plan": "m", "billable": True}]) == []


def test_where_the_words_are_listed_the_door_has_checked_them(logged: Any) -> None:
    assert logged("maintenence", [FREE], activities=["maintenance"]) == []

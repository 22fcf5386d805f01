"""A plugin of pytest that takes one key out of every terms document: a test that shows the key's effect fails then.

``FRISTWERK_WITHOUT_TERMS_KEY`` names it, as ``agreement/groups/priority``; lists and names in between are passed through.
"""

from __future__ import annotations

import os
from typing import Any, Final

from fristwerk_language.terms import document

VARIABLE: Final = "FRISTWERK_WITHOUT_TERMS_KEY"
BY_NAME: Final = {"plans", "addons"}
"""Mappings whose keys are names that the document chooses."""


def without(data: Any, path: list[str]) -> Any:
    """The plain data of a document without a key, wherever its path leads."""
    if isinstance(data, list):
        return [without(each, path) for each in data]
    if not isinstance(data, dict) or path[0] not in data:
        return data
    if len(path) == 1:
        return {name: value for name, value in data.items() if name != path[0]}
    below = data[path[0]]
    if path[0] in BY_NAME and isinstance(below, dict):
        return data | {path[0]: {name: without(each, path[1:]) for name, each in below.items()}}
    return data | {path[0]: without(below, path[1:])}


def pytest_configure() -> None:
    kind, *path = os.environ[VARIABLE].split("/")
    validated = document._validated

    def stripped(model: Any, data: Any, context: str | None = None) -> Any:
        concerns = model.__name__.lower().startswith(kind)
        return validated(model, without(data, path) if concerns else data, context)

    document._validated = stripped

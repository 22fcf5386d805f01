"""The text of a terms document as plain data: YAML, or the same as JSON, with the surprises taken out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NoReturn

import yaml

MAX_DEPTH: Final = 50


class NotReadableError(ValueError):
    """The text is no YAML or JSON that the terms language takes; the sentence says why and where."""


def read_yaml(text: bytes) -> Any:
    """Plain data of a YAML or JSON text. Raises NotReadableError.

    No aliases, tags or duplicate keys; ``no`` is text and not false, ``2026-12-24`` is text, ``0.05`` is an exact Decimal.
    """
    decoded = _decoded(text)
    try:
        data = _json(decoded) if decoded.lstrip().startswith("{") else _yaml(decoded)
    except json.JSONDecodeError:
        data = _yaml(decoded)  # a YAML mapping in braces
    return _checked(data)


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        raise NotReadableError(f"not YAML: {error.problem or 'unreadable'}{_at(error.problem_mark)}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise NotReadableError(f"not YAML: {error}") from error


def _json(text: str) -> Any:
    """JSON has what YAML lacks: indentation by tabs, and characters escaped as two halves."""
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_float=Decimal, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, NotReadableError):
        raise
    except (RecursionError, ValueError) as error:
        raise NotReadableError(f"not JSON: {error}") from error


class _StrictLoader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise NotReadableError(f"a terms document has no anchors and aliases{_at(event.start_mark)}")
        if event.tag not in (None, "!"):
            raise NotReadableError(f"a terms document has no tags{_at(event.start_mark)}")
        depth = getattr(self, "_depth", 0)
        if depth >= MAX_DEPTH:
            raise NotReadableError(f"the document is nested deeper than {MAX_DEPTH} levels{_at(event.start_mark)}")
        self._depth = depth + 1
        node = super().compose_node(parent, index)
        self._depth = depth
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise NotReadableError(f"the key {key!r} is not text{_at(key_node.start_mark)}")
            if key in seen:
                raise NotReadableError(f"the key {key!r} stands twice in the same place{_at(key_node.start_mark)}")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_StrictLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"),
):
    _StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_StrictLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value))


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadableError("the document is not UTF-8") from None


def _at(mark: Any) -> str:
    return f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotReadableError(f"the key {key!r} stands twice in the same place")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise NotReadableError(f"not JSON: {name} is not a number")


def _checked(data: Any) -> Any:
    """The data, once its depth and every text in it are sound: no NUL, no half of a surrogate pair."""
    level, depth = [data], 0
    while level:
        if depth > MAX_DEPTH:
            raise NotReadableError(f"the document is nested deeper than {MAX_DEPTH} levels")
        for text in (each for each in level if isinstance(each, str)):
            if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
                raise NotReadableError(f"the text {text[:40]!r} contains NUL or half a character")
        level, depth = [inner for each in level for inner in _inside(each)], depth + 1
    return data


def _inside(data: Any) -> Iterator[Any]:
    if isinstance(data, dict):
        yield from data
        yield from data.values()
    elif isinstance(data, list):
        yield from data

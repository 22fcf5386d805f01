"""The text of a terms document as plain data: YAML, or the same as JSON, with the surprises taken
out.

YAML is read from libyaml's events, one at a time, so that a document beyond a limit is given up
where it passes it: its size is what a stranger chooses. Pure Python takes 50 s for 1 MiB; this
takes 0.1 s for the largest document that is read at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final, NoReturn

import yaml

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 50
MAX_NODES: Final = 20_000
"""Values and keys of a document in all; a large agreement has some 600."""
MAX_KEYS: Final = 5_000
"""Keys of one mapping."""
_SENTENCES: Final[dict[str | None, str]] = {
    None: "unreadable",
    "mapping values are not allowed in this context": "mapping values are not allowed here",
    "found invalid Unicode character escape code": "an escape stands for half a character or for none",
}
"""Sentences of ours in the place of libyaml's."""
_PLAIN: Final[tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...]] = (
    (re.compile(r"true|false"), lambda text: text == "true"),
    (re.compile(r"null|~|"), lambda _: None),
    (re.compile(r"-?(?:0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"-?[0-9]+\.[0-9]+"), Decimal),
)
"""What text without quotes means where it is not just text."""


class NotReadableError(ValueError):
    """The text is no YAML or JSON that the terms language takes; the sentence says why and where."""


class BeyondBoundsError(NotReadableError):
    """The text is YAML or JSON, but larger, deeper or of more parts than a terms document may be; the sentence says which."""


def read_yaml(text: bytes) -> Any:
    """Plain data of a YAML or JSON text. Raises NotReadableError.

    No aliases, tags or duplicate keys; ``no`` is text and not false, ``2026-12-24`` is text,
    ``0.05`` is an exact Decimal.
    """
    decoded = _decoded(text)
    try:
        data = _json(decoded) if decoded.lstrip().startswith("{") else _yaml(decoded)
    except json.JSONDecodeError:
        data = _yaml(decoded)  # a YAML mapping in braces
    return _checked(data)


def read_json(text: bytes) -> Any:
    """Plain data of what says that it is JSON, and is never tried as YAML. Raises NotReadableError."""
    try:
        return _checked(_json(_decoded(text)))
    except json.JSONDecodeError as error:
        place = f" in line {error.lineno}, column {error.colno}"
        raise NotReadableError(f"not JSON: {error.msg}{place}") from error


def _yaml(text: str) -> Any:
    parser = yaml.CSafeLoader(text)
    try:
        return _Builder(parser).document()
    except yaml.MarkedYAMLError as error:
        problem = _SENTENCES.get(error.problem, error.problem)
        raise NotReadableError(f"not YAML: {problem}{_at(error.problem_mark)}") from error
    except yaml.YAMLError as error:
        raise NotReadableError(f"not YAML: {error}") from error
    finally:
        parser.dispose()


def _json(text: str) -> Any:
    """JSON has what YAML lacks: indentation by tabs, and characters escaped as two halves."""
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_float=Decimal, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, NotReadableError):
        raise
    except (RecursionError, ValueError) as error:
        raise NotReadableError(f"not JSON: {error}") from error


class _Collection:
    """A list or mapping that is being filled: of a mapping each second node is a value."""

    def __init__(self, into: list[Any] | dict[Any, Any], mark: Any) -> None:
        self.into = into
        self.mark = mark
        self.key: Any = None
        self.key_mark: Any = None


class _Builder:
    """Makes plain data of a parser's events. Raises NotReadableError.

    A wrong key is told only if nothing else is wrong, and of several the one that is nested least:
    it is a fault of the document's content, while the others are faults of its form.
    """

    def __init__(self, parser: yaml.CSafeLoader) -> None:
        self._parser = parser
        self._open: list[_Collection] = []
        self._nodes = 0
        self._root: Any = None
        self._wrong_key: tuple[int, str] | None = None

    def document(self) -> Any:
        """The stream's only document, ``None`` if there is none. Raises yaml.YAMLError as well."""
        documents = 0
        while not isinstance(event := self._parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise NotReadableError(f"not YAML: but found another document{_at(event.start_mark)}")
            elif isinstance(event, yaml.NodeEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                collection = self._open.pop()
                self._add(collection.into, collection.mark)
        if self._wrong_key is not None:
            raise NotReadableError(self._wrong_key[1])
        return self._root

    def _begin(self, event: yaml.NodeEvent) -> None:
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise BeyondBoundsError(f"a terms document has no anchors and aliases{_at(mark)}")
        if getattr(event, "tag", None) not in (None, "!"):
            raise NotReadableError(f"a terms document has no tags{_at(mark)}")
        if len(self._open) >= MAX_DEPTH:
            raise BeyondBoundsError(f"the document is nested deeper than {MAX_DEPTH} levels{_at(mark)}")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise BeyondBoundsError(f"the document has more than {MAX_NODES} values and keys{_at(mark)}")
        if isinstance(event, yaml.ScalarEvent):
            self._add(_plain(event.value) if event.implicit[0] else event.value, mark)
        else:
            into: list[Any] | dict[Any, Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            self._open.append(_Collection(into, mark))

    def _add(self, value: Any, mark: Any) -> None:
        if not self._open:
            self._root = value
            return
        collection = self._open[-1]
        if isinstance(collection.into, list):
            collection.into.append(value)
        elif collection.key_mark is None:
            collection.key, collection.key_mark = value, mark
        else:
            self._add_pair(collection, collection.into, value)

    def _add_pair(self, collection: _Collection, into: dict[Any, Any], value: Any) -> None:
        key, mark = collection.key, collection.key_mark
        collection.key = collection.key_mark = None
        if not isinstance(key, str):
            self._note_key(f"the key {key!r} is not text{_at(mark)}")
        elif key in into:
            self._note_key(f"the key {key!r} stands twice in the same place{_at(mark)}")
        elif len(into) >= MAX_KEYS:
            raise BeyondBoundsError(f"a mapping has more than {MAX_KEYS} keys{_at(mark)}")
        else:
            into[key] = value

    def _note_key(self, sentence: str) -> None:
        depth = len(self._open)
        if self._wrong_key is None or depth < self._wrong_key[0]:
            self._wrong_key = (depth, sentence)


def _plain(text: str) -> Any:
    """What text without quotes means."""
    if len(text) > _LONGEST_PLAIN or text[:1] not in _FIRST:
        return text
    for pattern, meaning in _PLAIN:
        if pattern.fullmatch(text):
            return meaning(text)
    return text


_FIRST: Final = frozenset(["", *"tfn~-0123456789"])
_LONGEST_PLAIN: Final = 4_000
"""Characters of a number at most; longer digits are text, which no field for numbers takes."""


def _decoded(text: bytes) -> str:
    if len(text) > MAX_BYTES:
        raise BeyondBoundsError(f"the document is larger than {MAX_BYTES // 1024} KiB")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadableError("the document is not UTF-8") from None


def _at(mark: Any) -> str:
    return f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise BeyondBoundsError(f"a mapping has more than {MAX_KEYS} keys")
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotReadableError(f"the key {key!r} stands twice in the same place")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise NotReadableError(f"not JSON: {name} is not a number")


def _checked(data: Any) -> Any:
    """The data, once its size, its depth and every text in it are sound: no NUL, no half of a
    surrogate pair.
    """
    level, depth, nodes = [data], 0, 0
    while level:
        nodes += len(level)
        if depth > MAX_DEPTH:
            raise BeyondBoundsError(f"the document is nested deeper than {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise BeyondBoundsError(f"the document has more than {MAX_NODES} values and keys")
        for text in (each for each in level if isinstance(each, str)):
            if "\0" in text or not _is_sound(text):
                raise NotReadableError(f"the text {text[:40]!r} contains NUL or half a character")
        level, depth = [inner for each in level for inner in _inside(each)], depth + 1
    return data


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(data: Any) -> Iterator[Any]:
    if isinstance(data, dict):
        yield from data
        yield from data.values()
    elif isinstance(data, list):
        yield from data

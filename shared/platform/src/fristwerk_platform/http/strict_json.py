"""JSON as RFC 8259 has it, and nothing that databases and readers stumble over.

Refused are NaN, duplicate keys, NUL, half surrogate pairs, numbers that no 64 bits hold, and deep
nesting.
"""

from __future__ import annotations

import codecs
import json
import math
from typing import Any, Final

MAX_DEPTH: Final = 64
"""Lists and objects inside one another; a limit of our own, as the parser's depends on the version
of Python.
"""
MAX_PARTS: Final = 5_000
"""Commas, colons and opening brackets of a body, outside its texts.

Each stands for a value or a key, and checking one takes a few microseconds, in which nobody else is
served; a large document has 250.
"""
_LONGEST_INTEGER: Final = len(str(-(2**63)))


class NotJsonError(ValueError):
    """The body is not JSON as RFC 8259 has it; the message is a sentence."""


def has_too_many_parts(body: bytes) -> bool:
    """Whether what claims to be JSON has more than ``MAX_PARTS`` values and keys, found without
    parsing it.

    1 MiB of them would take the parser and the checks after it up to half a second.
    """
    if len(body) <= MAX_PARTS or _parts(body) <= MAX_PARTS:
        return False
    # Texts hold commas too: what stands between quotes is left out, once no quote is escaped any
    # more.
    pieces = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"', 2 * MAX_PARTS + 2)
    return len(pieces) > 2 * MAX_PARTS or _parts(b"".join(pieces[::2])) > MAX_PARTS


def _parts(body: bytes) -> int:
    return sum(map(body.count, (b",", b":", b"[", b"{")))


def strict_json(body: bytes) -> Any:
    """The JSON value in ``body``. Raises NotJsonError."""
    if body.startswith(codecs.BOM_UTF8):
        raise NotJsonError("The body begins with a byte order mark (BOM), which JSON does not have.")
    try:
        value = _decoder.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotJsonError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise NotJsonError("The body is nested too deeply.") from None
    if b"\\u" in body or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise NotJsonError(f"The key {name[:100]!r} stands twice in one object.")
            seen.add(name)
    return found


def _constant(name: str) -> Any:
    raise NotJsonError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJsonError(f"The number {text[:40]} is too large.")
    return number


def _integer(text: str) -> int:
    if len(text) <= _LONGEST_INTEGER and -(2**63) <= (number := int(text)) < 2**63:
        return number
    raise NotJsonError(f"The number {text[:40]} is too large.")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite, parse_int=_integer
)


def _check(value: Any) -> None:
    """Depth, and what only escapes can spell: NUL and half a surrogate pair, which no text has and
    no database stores.
    """
    level, depth = [value], 0
    while level:
        inner: list[Any] = []
        for each in level:
            if isinstance(each, str):
                if "\0" in each or any("\ud800" <= letter <= "\udfff" for letter in each):
                    raise NotJsonError("A text holds NUL or half a surrogate pair.")
            elif isinstance(each, (list, dict)):
                if depth == MAX_DEPTH:
                    raise NotJsonError("The body is nested too deeply.")
                inner.extend(each)
                if isinstance(each, dict):
                    inner.extend(each.values())
        level, depth = inner, depth + 1

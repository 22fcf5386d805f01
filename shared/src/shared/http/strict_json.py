"""JSON as RFC 8259 has it, and nothing that databases and readers stumble over: no NaN, duplicate keys, NUL, half surrogates."""

from __future__ import annotations

import json
import math
from typing import Any


class NotJsonError(ValueError):
    """The body is not JSON as RFC 8259 has it; the message is a sentence."""


def strict_json(body: bytes) -> Any:
    """The JSON value in ``body``. Raises NotJsonError for NaN, duplicate keys, NUL, lone surrogates and deep nesting."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite
        )
    except UnicodeDecodeError:
        raise NotJsonError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise NotJsonError("The body is nested too deeply.") from None
    except NotJsonError:
        raise
    except ValueError:
        raise NotJsonError("The body has a number that is too long.") from None
    if b"\\u" in body:
        _check_text(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJsonError(f"The key {twice!r} stands twice in one object.")
    return found


def _constant(name: str) -> Any:
    raise NotJsonError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJsonError(f"The number {text[:40]} is too large.")
    return number


def _check_text(value: Any) -> None:
    """Escapes can spell NUL and half a surrogate pair, which no text has and no database stores."""
    match value:
        case str():
            if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                raise NotJsonError("A text holds NUL or half a surrogate pair.")
        case list():
            for each in value:
                _check_text(each)
        case dict():
            for key, each in value.items():
                _check_text(key)
                _check_text(each)
        case _:
            pass

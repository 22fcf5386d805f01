"""Comparing what was shown with what was computed again: the first field that differs is named."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

_SEALED: Final = frozenset({"reason", "name", "address", "vat_id"})
_WITHIN: Final = frozenset({"invoice", "basis", "buyer"})
_encoder: Final = msgspec.json.Encoder(decimal_format="string")


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Where two values differ, what was shown and what was computed."""

    field: str
    shown: str
    computed: str


def as_shown(value: Any) -> Any:
    """What the rules compute, as plain JSON data and without what no bundle holds."""
    return _kept(json.loads(_encoder.encode(value)))


def first_difference(shown: Any, computed: Any) -> FieldDifference | None:
    """The first place where plain data differs; a field more or less is a difference."""
    if json.dumps(shown) == json.dumps(computed):  # as nearly always, and much quicker than field by field
        return None
    return _difference(shown, computed, "")


def _difference(shown: Any, computed: Any, field: str) -> FieldDifference | None:
    if isinstance(shown, dict) and isinstance(computed, dict):
        return _in_fields(shown, computed, field)
    if isinstance(shown, list) and isinstance(computed, list):
        return _in_items(shown, computed, field)
    if type(shown) is type(computed) and shown == computed:
        return None
    return FieldDifference(field=field, shown=text(shown), computed=text(computed))


def _in_fields(shown: dict[str, Any], computed: dict[str, Any], field: str) -> FieldDifference | None:
    for key in [*shown, *(each for each in computed if each not in shown)]:
        place = f"{field}.{key}" if field else key
        found = _difference(shown.get(key), computed.get(key), place)
        if found is None and (key in shown) != (key in computed):
            found = FieldDifference(field=place, shown=text(shown.get(key)), computed=text(computed.get(key)))
        if found is not None:
            return found
    return None


def _in_items(shown: list[Any], computed: list[Any], field: str) -> FieldDifference | None:
    for index, (one, other) in enumerate(zip(shown, computed, strict=False)):
        if (found := _difference(one, other, f"{field}[{index}]")) is not None:
            return found
    if len(shown) == len(computed):
        return None
    return FieldDifference(field=f"{field}.length", shown=str(len(shown)), computed=str(len(computed)))


def text(value: Any) -> str:
    """A value as a sentence has it."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    found = "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return str(found)[:200]


def _kept(value: Any, within: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _kept(each, key) for key, each in value.items() if not (key in _SEALED and within in _WITHIN)}
    if isinstance(value, list):
        return [_kept(each, within) for each in value]
    return value

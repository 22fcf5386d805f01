"""Where an issued document is not what its facts come to: which document, which line, which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where a document and its recomputation differ; ``line`` counts from 1, None for the head."""

    number: int
    field: str
    issued: Any
    computed: Any
    line: int | None = None

    def __str__(self) -> str:
        where = f"Document {self.number}" + (f", line {self.line}" if self.line else "")
        issued, computed = _shown(self.issued), _shown(self.computed)
        return f"{where}: {self.field} was issued as {issued}, what was recorded then comes to {computed}."


def first_divergence(number: int, issued: Mapping[str, Any], computed: Mapping[str, Any]) -> Divergence | None:
    """The first difference of two documents as they are stored. Fields that came after the issued one are not looked at."""
    for field, stored in issued.items():
        if field == "lines":
            if (found := _in_lines(number, stored, computed["lines"])) is not None:
                return found
        elif (place := _place(field, stored, computed.get(field))) is not None:
            name, one, other = place
            return Divergence(number=number, field=name, issued=one, computed=other)
    return None


def _in_lines(
    number: int, issued: Sequence[Mapping[str, Any]], computed: Sequence[Mapping[str, Any]]
) -> Divergence | None:
    for line, (one, other) in enumerate(zip(issued, computed, strict=False), start=1):
        for field, stored in one.items():
            if (place := _place(field, stored, other.get(field))) is not None:
                name, left, right = place
                return Divergence(number=number, field=name, issued=left, computed=right, line=line)
    if len(issued) != len(computed):
        return Divergence(number=number, field="number of lines", issued=len(issued), computed=len(computed))
    return None


def _place(name: str, issued: Any, computed: Any) -> tuple[str, Any, Any] | None:
    """The innermost field that differs, with both values; None where nothing does."""
    if isinstance(issued, dict) and isinstance(computed, dict):
        for key, value in issued.items():
            if (found := _place(f"{name}.{key}", value, computed.get(key))) is not None:
                return found
        return None
    if isinstance(issued, list) and isinstance(computed, list) and len(issued) == len(computed):
        for index, (one, other) in enumerate(zip(issued, computed, strict=True)):
            if (found := _place(f"{name}[{index}]", one, other)) is not None:
                return found
        return None
    return None if issued == computed else (name, issued, computed)


def _shown(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    return "nothing" if value is None else str(value)

"""What a customer sees of bills: what it owes and why, not who decided it on the vendor's side and what a clerk should look at.

What does not stand here is hidden, so whatever is added later is hidden until somebody decides. The page
``docs/reference/visibility.md`` is written from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from billing_service.domain.statement.charge_line import ChargeLine, Waived
from fristwerk_platform.auth import Principal

Line = TypeVar("Line", bound=ChargeLine)
_PREVIEW: Final = (
    "lines net vat gross payable taxes package_left_minutes packages held_minutes written_off_minutes not_rated"
    " never_charged proposed open_decisions to_invoice accounts"
)
_DOCUMENT: Final = (
    "number series type state account contract customer until issued_on issued_at recorded_at currency net vat gross payable"
    " corrects refers_to reason credited_by sent paid_on digest version event parties terms language timezone taxes lines"
)
PREVIEW_SHOWS: Final = frozenset(_PREVIEW.split())
"""The fields of a preview that a customer sees: not the remarks for a clerk, nor which rules the vendor broke."""
DOCUMENT_SHOWS: Final = frozenset(_DOCUMENT.split())
"""The fields of a document, or of its summary in a list, that a customer sees: not which clerk issued it."""
WAIVER_HIDES: Final = frozenset({"reason", "actor"})
"""What a customer does not see of a waiver: it stays empty."""
_NOTHING: Final = dict.fromkeys(WAIVER_HIDES, "")


def preview_seen_by(principal: Principal, preview: Mapping[str, Any]) -> Mapping[str, Any]:
    """A preview as it is shown to the caller."""
    return _seen_by(principal, preview, PREVIEW_SHOWS)


def document_seen_by(principal: Principal, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document or its summary as it is shown to the caller."""
    return _seen_by(principal, document, DOCUMENT_SHOWS)


def lines_seen_by(principal: Principal, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines or charges as they are shown to the caller."""
    return [_without_reasons(each) for each in lines] if principal.role == "customer" else lines


def line_seen_by(principal: Principal, line: Line) -> Line:
    """A line as it is explained to the caller."""
    if principal.role != "customer" or not isinstance(line.basis, Waived):
        return line
    return msgspec.structs.replace(line, basis=_without_reasons(line.basis))


def _seen_by(principal: Principal, body: Mapping[str, Any], shows: frozenset[str]) -> Mapping[str, Any]:
    if principal.role != "customer":
        return body
    return {name: _without_reasons(value) for name, value in body.items() if name in shows}


def _without_reasons(value: Any) -> Any:
    """The value with every waiver in it without what a customer does not see."""
    match value:
        case Waived():
            return msgspec.structs.replace(value, **_NOTHING)
        case ChargeLine(basis=Waived() as waived):
            return msgspec.structs.replace(value, basis=_without_reasons(waived))
        case dict():
            return {name: _without_reasons(each) for name, each in value.items()}
        case list() | tuple():
            return [_without_reasons(each) for each in value]
        case _:
            return value

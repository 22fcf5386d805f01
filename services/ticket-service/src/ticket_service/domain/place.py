"""Why a ticket of the worklist stands where it stands: what puts the one before it in front."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.worklist import Placed, sort_key

FIRST: Final = "Nothing stands before it."


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket at its present priority, the group of the contract that serves it now, and the agreement that orders it."""

    ticket: Placed
    group: str | None
    agreement: AgreementDocument


def why_there(own: Ranked, before: Ranked | None) -> str:
    """One sentence: which key of the agreement's order puts the one that stands directly ``before`` in front."""
    if before is None:
        return FIRST
    front, ours = _keys(before), _keys(own)
    differing = next((at for at, (one, other) in enumerate(zip(front, ours, strict=False)) if one != other), None)
    if differing is None:
        return f"{before.ticket.reference} stands before it by its reference alone: both are equal in all else."
    key, own_key = _named(before, differing), _named(own, differing)
    first, second = _value(key, before, front[differing]), _value(own_key, own, ours[differing])
    if key != own_key:
        return (
            f"{before.ticket.reference} stands before it by the orders of two agreements: {key} {first} comes before"
            f" {own_key} {second}."
        )
    return f"{before.ticket.reference} stands before it by {key}: {first} comes before {second}."


def _keys(ranked: Ranked) -> tuple[int, ...]:
    return sort_key(ranked.ticket, ranked.group, ranked.agreement)[0]


def _named(ranked: Ranked, place: int) -> str:
    """The name of a key; behind the agreement's own comes the receipt."""
    order = ranked.agreement.worklist.order
    return order[place] if place < len(order) else "received_at"


def _value(key: str, ranked: Ranked, value: int) -> str:
    match key:
        case "received_at":
            return _written(ranked.ticket.received_at)
        case "group":
            return ranked.group or "none"
        case "rank":
            lines = len(ranked.agreement.worklist.rank)
            return f"line {value + 1}" if value < lines else "no line"
        case "severity":
            return ranked.ticket.severity or "none yet"
        case _:
            return str(getattr(ranked.ticket, key))


def _written(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")

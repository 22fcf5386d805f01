"""One worked example of every event type, as the line that log, feed and export carry; nobody in them exists.

Used by tests, the OpenAPI descriptions and the documentation alike.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Final

from fristwerk_language.events import Recorded, decode, encode_line, type_name
from fristwerk_language.examples import agents, billing, calls, customers, notices, terms, tickets
from fristwerk_language.examples.subjects import Example, identity

SEALED: Final = "fw1.example.bm90aGluZyBpcyBzZWFsZWQgaGVyZSwgdGhpcyBpcyBhbiBleGFtcGxl"
"""What stands in the place of a sealed personal part; no key opens it."""

_TAKEN_AFTER: Final = timedelta(milliseconds=52)


def line(event_type: str) -> bytes:
    """The stored line of the example of that type, without ``position``. Raises KeyError for an unknown type."""
    return _lines()[event_type]


def fed_line(event_type: str, position: int = 1042) -> str:
    """The example of that type as a feed serves it, its position in front. Raises KeyError for an unknown type."""
    return f'{{"position":{position},{line(event_type)[1:].decode()}'


def example(event_type: str) -> Recorded:
    """The example of that type, as envelope and typed event. Raises KeyError for an unknown type."""
    return decode(line(event_type))


def examples() -> dict[str, Recorded]:
    """All examples by their type, in the order of the families."""
    return {event_type: decode(stored) for event_type, stored in _lines().items()}


@cache
def _lines() -> dict[str, bytes]:
    families = (terms, customers, agents, tickets, calls, notices, billing)
    return {type_name(each.event): _line(each) for family in families for each in family.all_examples()}


def _line(each: Example) -> bytes:
    name = type_name(each.event)
    recorded_at = (each.entered_at or each.at) + _TAKEN_AFTER
    return encode_line(
        event_id=identity(name, recorded_at),
        type=name,
        schema=1,
        provider=each.provider,
        stream=each.stream,
        version=each.version,
        occurred_at=each.at,
        recorded_at=recorded_at,
        actor=each.actor,
        correlation_id=identity(f"request that led to {name}", each.at),
        causation_id=None,
        data=each.event,
        personal=SEALED if each.personal else None,
    )

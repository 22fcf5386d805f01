"""What a subscription must know of an event; everything else about events is left to whoever decodes their lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
import structlog

from fristwerk_platform.event_log import FeedLine

_log = structlog.get_logger()


class FeedEvent(Protocol):
    """A decoded line of a feed."""

    @property
    def position(self) -> int: ...

    @property
    def id(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def stream(self) -> str: ...

    @property
    def version(self) -> int:
        """Counts inside the stream, from 1."""
        ...

    @property
    def recorded_at(self) -> datetime: ...

    @property
    def is_known(self) -> bool:
        """Whether the event's type is known; an unknown event is skipped, with a message in the service's log."""
        ...

    @property
    def is_readable(self) -> bool:
        """Whether the event's data can be read; ``apply`` gets an unreadable event all the same."""
        ...


EventT = TypeVar("EventT", bound=FeedEvent)
Decode = Callable[[bytes], EventT]
"""Decodes a line; raises only where not even the line's envelope can be read."""


class _Positioned(msgspec.Struct, frozen=True):
    position: int


_positioned = msgspec.json.Decoder(_Positioned)


def with_position(position: int, line: bytes) -> bytes:
    """The line as a feed serves it: the stored JSON object with ``position`` as its first member."""
    return b'{"position":%d,%s' % (position, line[1:])


def with_positions(lines: Sequence[FeedLine]) -> list[bytes]:
    """The lines of a page as a feed serves them; a call for each would take a sixth longer."""
    return [b'{"position":%d,%s' % (each.position, each.line[1:]) for each in lines]


def position_of(line: bytes) -> int:
    """The position of a line that a feed served."""
    return _positioned.decode(line).position


def decode_lines(lines: Sequence[bytes], decode: Decode[EventT]) -> list[EventT]:
    """The events of a page's lines; unknown and unreadable ones are reported in the service's log."""
    events = [decode(line) for line in lines]
    for event in events:
        if not event.is_known:
            _log.info("unknown_event_skipped", type=event.type, position=event.position)
        elif not event.is_readable:
            _log.error("unreadable_event", type=event.type, position=event.position)
    return events

"""From stored lines to typed events, tolerant of events that a newer version has written."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from fristwerk_language.events.envelope import Envelope, read_line
from fristwerk_language.events.event_types import EVENT_TYPES, Event


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a type that this version does not know. Readers ignore it; it is never an error."""

    type: str


class UnreadableEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a known type whose data this version cannot read. It stops the ticket or account it belongs to only."""

    type: str


DecodedEvent = Event | UnknownEvent | UnreadableEvent


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope together with its typed event, and the line both were read from."""

    envelope: Envelope
    event: DecodedEvent
    line: bytes = b""

    @property
    def position(self) -> int:
        return self.envelope.position

    @property
    def id(self) -> str:
        return self.envelope.id

    @property
    def type(self) -> str:
        return self.envelope.type

    @property
    def stream(self) -> str:
        return self.envelope.stream

    @property
    def version(self) -> int:
        return self.envelope.version

    @property
    def recorded_at(self) -> datetime:
        return self.envelope.recorded_at

    @property
    def is_known(self) -> bool:
        """Whether this version of the product knows the event's type."""
        return not isinstance(self.event, UnknownEvent)

    @property
    def is_readable(self) -> bool:
        """Whether this version of the product can read the event's data."""
        return not isinstance(self.event, UnreadableEvent)


_DECODERS: Final = {name: msgspec.json.Decoder(event_type) for name, event_type in EVENT_TYPES.items()}


def typed(envelope: Envelope) -> Event | UnknownEvent:
    """The event inside an envelope, or ``UnknownEvent`` for a type that this version does not know.

    Raises msgspec.DecodeError.
    """
    decoder = _DECODERS.get(envelope.type)
    return UnknownEvent(type=envelope.type) if decoder is None else decoder.decode(envelope.data)


def decode(line: bytes) -> Recorded:
    """The envelope and typed event of a line of a feed, an export or the log. Raises msgspec.DecodeError."""
    envelope = read_line(line)
    return Recorded(envelope=envelope, event=typed(envelope), line=line)


def decode_tolerantly(line: bytes) -> Recorded:
    """Like ``decode``, but returns ``UnreadableEvent`` when the payload cannot be decoded."""
    envelope = read_line(line)
    event: DecodedEvent
    try:
        event = typed(envelope)
    except msgspec.DecodeError:
        event = UnreadableEvent(type=envelope.type)
    return Recorded(envelope=envelope, event=event, line=line)

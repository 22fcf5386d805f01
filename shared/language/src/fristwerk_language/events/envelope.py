"""The envelope: what stands around every event, and the one line of JSON that the log stores and the feed serves.

The stored line has no ``position``; the feed puts it in front, so the bytes an auditor hashes never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from fristwerk_language.events.event_types import Event


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acted: the token's subject and role."""

    id: str
    role: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded event. ``version`` counts inside ``stream`` from 1; ``position`` orders the whole log (0: not known here).

    ``personal`` is the sealed part or null; ``data`` is kept as the bytes that were stored.
    """

    position: int = 0
    id: str
    type: str
    schema: int
    provider: str
    stream: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    data: msgspec.Raw
    personal: str | None


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """The field order of the stored line (contract, section 1)."""

    id: str
    type: str
    schema: int
    provider: str
    stream: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    data: Event
    personal: str | None


_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(Envelope)


def encode_line(  # noqa: PLR0913 - the envelope has this many parts
    *,
    event_id: str,
    type: str,  # noqa: A002 - the envelope's own word
    schema: int,
    provider: str,
    stream: str,
    version: int,
    occurred_at: datetime,
    recorded_at: datetime,
    actor: Actor,
    correlation_id: str | None,
    causation_id: str | None,
    data: Event,
    personal: str | None,
) -> bytes:
    """The stored bytes of an event: one line of JSON without ``position`` and without a line feed."""
    assert occurred_at.tzinfo is UTC, "instants are UTC"
    assert recorded_at.tzinfo is UTC, "instants are UTC"
    return _encoder.encode(
        _Line(
            id=event_id,
            type=type,
            schema=schema,
            provider=provider,
            stream=stream,
            version=version,
            occurred_at=occurred_at,
            recorded_at=recorded_at,
            actor=actor,
            correlation_id=correlation_id,
            causation_id=causation_id,
            data=data,
            personal=personal,
        )
    )


def read_line(line: bytes) -> Envelope:
    """The envelope of a stored or served line; fields this version does not know are ignored (additive changes)."""
    return _decoder.decode(line)


def as_json(line: bytes) -> Mapping[str, Any]:
    """The line as plain JSON data, for answers."""
    return msgspec.json.decode(line)  # type: ignore[no-any-return]


def new_event_id(now: datetime, randomness: bytes) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) from an instant and ten random bytes."""
    millis = int(now.timestamp() * 1000)
    value = (millis << 80) | int.from_bytes(randomness[:10], "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    value |= (0x7 << 76) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

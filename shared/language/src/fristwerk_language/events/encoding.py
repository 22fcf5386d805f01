"""Encoding: a new event's id, and the event with its metadata as the line of JSON that a log stores."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from fristwerk_language.events.envelope import Actor, Envelope
from fristwerk_language.events.event_types import TYPE_NAMES, Event


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


def encode_event(  # noqa: PLR0913 - the envelope has this many parts
    event: Event,
    *,
    event_id: str,
    provider: str,
    stream: str,
    version: int,
    occurred_at: datetime,
    recorded_at: datetime,
    actor: tuple[str, str],
    correlation_id: str,
    personal: str | None,
) -> tuple[str, bytes]:
    """The event type's name and the stored line.

    ``actor`` is the id and role of who acted, ``personal`` the sealed part.
    """
    name = TYPE_NAMES[type(event)]
    return name, encode_line(
        event_id=event_id,
        type=name,
        schema=1,
        provider=provider,
        stream=stream,
        version=version,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        actor=Actor(id=actor[0], role=actor[1]),
        correlation_id=correlation_id,
        causation_id=None,
        data=event,
        personal=personal,
    )


def encode_in_envelope(envelope: Envelope, event: Event) -> bytes:
    """The stored line of an event around which the envelope stands; the envelope's own ``data`` is left out."""
    return encode_line(
        event_id=envelope.id,
        type=envelope.type,
        schema=envelope.schema,
        provider=envelope.provider,
        stream=envelope.stream,
        version=envelope.version,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.causation_id,
        data=event,
        personal=envelope.personal,
    )


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


def new_event_id(now: datetime, randomness: bytes) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) from an instant and ten random bytes."""
    millis = int(now.timestamp() * 1000)
    value = (millis << 80) | int.from_bytes(randomness[:10], "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    value |= (0x7 << 76) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

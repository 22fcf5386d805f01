"""Encoding: an event and its metadata as the line of JSON that a log stores."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.events.envelope import Actor, encode_line
from fristwerk_language.events.event_types import TYPE_NAMES, Event


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

"""The line of an event as a log holds it, for tests that write what no command would have recorded."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.events import Actor, Event, encode_line, type_name

AGENT = Actor(id="agent-1", role="agent")


def stored_line(  # noqa: PLR0913 - the envelope has this many parts
    event: Event,
    stream: str,
    version: int,
    at: datetime,
    *,
    event_id: str,
    provider: str,
    actor: Actor = AGENT,
    recorded_at: datetime | None = None,
    type: str | None = None,  # noqa: A002 - the envelope's own word
    personal: str | None = None,
) -> bytes:
    """A line without a position: what occurred at an instant, and was recorded then unless said otherwise."""
    return encode_line(
        event_id=event_id,
        type=type or type_name(event),
        schema=1,
        provider=provider,
        stream=stream,
        version=version,
        occurred_at=at,
        recorded_at=recorded_at or at,
        actor=actor,
        correlation_id=None,
        causation_id=None,
        data=event,
        personal=personal,
    )

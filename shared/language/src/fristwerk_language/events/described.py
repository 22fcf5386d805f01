"""Events as interfaces answer them: for each type a struct of the envelope around its data. They describe, nothing decodes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any

import msgspec

from fristwerk_language.events.envelope import Actor
from fristwerk_language.events.event_types import TYPE_NAMES, Event


def described_events(types: Iterable[type[Event]]) -> Any:
    """One of the events of these types, told apart by ``type``.

    ``position`` is there where the log is read in order, as in feeds. ``personal`` is sealed (a text), opened, or null.
    """
    described: Any = reduce(or_, map(_described, types))
    return Annotated[described, msgspec.Meta(title="Event")]


def _described(event_type: type[Event]) -> Any:
    name = TYPE_NAMES[event_type]
    return msgspec.defstruct(
        f"{name}Event",
        [
            ("id", str),
            ("schema", int),
            ("provider", str),
            ("stream", str),
            ("version", int),
            ("occurred_at", datetime),
            ("recorded_at", datetime),
            ("actor", Actor),
            ("correlation_id", str | None),
            ("causation_id", str | None),
            ("data", event_type),
            ("personal", str | dict[str, Any] | None),
            ("position", int | msgspec.UnsetType, msgspec.UNSET),
        ],
        namespace={"__doc__": f"The event {name} in its envelope."},
        tag_field="type",
        tag=name,
    )

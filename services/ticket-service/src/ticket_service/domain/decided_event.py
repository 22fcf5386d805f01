"""An event that a decision produced, with the part of it that is personal and therefore sealed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from fristwerk_language.events import Event

PersonalPart = Mapping[str, object]
"""What of an event is about a person, by the names that the event's docstring gives."""


class DecidedEvent(msgspec.Struct, frozen=True):
    """``event`` is stored as it is; ``personal`` is sealed with the data subject's key before it is stored."""

    event: Event
    personal: PersonalPart | None = None

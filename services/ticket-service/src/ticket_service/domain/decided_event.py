"""A fact that a decision brings about: the event, and what of it is personal and therefore sealed."""

from __future__ import annotations

from typing import Any

import msgspec

from fristwerk_language.events import Event


class DecidedEvent(msgspec.Struct, frozen=True):
    """``event`` is stored as it is; ``personal`` is sealed with the data subject's key before it is stored."""

    event: Event
    personal: dict[str, Any] | None = None

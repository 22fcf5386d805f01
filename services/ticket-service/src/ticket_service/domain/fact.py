"""A fact that a decision brings about: the event, and what of it is personal and therefore sealed."""

from __future__ import annotations

from typing import Any

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """``event`` is stored as it is; ``personal`` is sealed with the data subject's key before it is stored."""

    event: msgspec.Struct
    personal: dict[str, Any] | None = None

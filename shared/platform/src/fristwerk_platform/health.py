"""What a service reports about the things it needs; ``http.health`` serves it."""

from __future__ import annotations

import msgspec


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a service needs: whether it is there, and a sentence where it is not."""

    ok: bool
    detail: str | None = None

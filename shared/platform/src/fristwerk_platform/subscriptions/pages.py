"""What a feed hands over."""

from __future__ import annotations

import msgspec


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines with their positions; go on after ``next``. ``last`` is the source's highest position at
    that time.
    """

    lines: list[bytes]
    next: int
    last: int

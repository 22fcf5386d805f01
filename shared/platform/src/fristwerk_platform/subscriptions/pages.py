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

    @property
    def is_last(self) -> bool:
        """Whether nothing more followed at that time; how many lines there are does not say it."""
        return self.next >= self.last

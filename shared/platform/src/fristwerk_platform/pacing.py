"""How long work in the background rests, so that it takes a small share of a processor only."""

from __future__ import annotations

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Rests between rounds of work, in seconds, by how long the round before took by the clock.

    On a busy machine a round takes longer, and so does its rest.
    """

    rests: int
    """A rest is so many times as long as the round before it, unless that is longer than ``long``."""
    least_rests: int
    """But at least so many times, however long the round took."""
    short: float
    long: float

    def rest_seconds(self, took: float) -> float:
        """The rest after a round of so many seconds."""
        return max(self.short, min(took * self.rests, self.long), took * self.least_rests)

"""How long whoever passes events on lets further ones gather: the longer, the more come."""

from __future__ import annotations

from typing import Final

import msgspec

FEW_EVENTS: Final = 8
SECONDS_AN_EVENT: Final = 0.002


class BatchDelay(msgspec.Struct, frozen=True):
    """Seconds after a batch, before the next one is read.

    A batch costs as much as many events, whatever is in it. After few events the delay is the
    shortest, so that what comes alone is passed on soon; each event more makes it two milliseconds
    longer, so that of a flood each batch takes more.
    """

    shortest: float = 0.0
    longest: float = 0.0

    def after(self, events: int) -> float:
        """The delay after a batch of so many events, in seconds."""
        longer = self.shortest + max(0, events - FEW_EVENTS) * SECONDS_AN_EVENT
        return max(self.shortest, min(longer, self.longest))

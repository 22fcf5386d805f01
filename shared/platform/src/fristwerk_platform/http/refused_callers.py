"""Counts refused tokens by address, so that somebody who tries out tokens leaves a trace in the
log.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import structlog

KNOWN_ADDRESSES: Final = 1_000
"""Addresses that are counted at a time; the one that was quiet longest is forgotten first."""
_log = structlog.get_logger()


class RefusedCallers:
    """Counts, and logs the 1st, 10th, 100th, … refusal of an address: countable, and no flood."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, int] = OrderedDict()

    def note(self, address: str, why: str) -> None:
        """One refusal; ``why`` is the sentence that was answered, which never repeats the token."""
        times = self._times.pop(address, 0) + 1
        self._times[address] = times
        if len(self._times) > KNOWN_ADDRESSES:
            self._times.popitem(last=False)
        if set(str(times)[1:]) <= {"0"} and str(times)[0] == "1":
            _log.warning("not_authenticated", address=address, times=times, why=why)

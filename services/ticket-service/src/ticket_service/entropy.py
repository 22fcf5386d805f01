"""Time-ordered ids, and the random bytes for them and for nonces, read from the operating system a
block at a time.

Each system call releases the interpreter's lock, and a busy service waits to get it back: for one
command that took longer than deciding it. Only the ticket service needs this, since every command
makes several ids and nonces. The SLA service makes an id per notice, on no command's path, and
billing a few per invoice, so both call ``os.urandom``.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Final

from fristwerk_language.events import new_event_id

BLOCK_BYTES: Final = 4_096


class Randomness:
    """Unpredictable bytes, none returned twice. A forked process does not reuse its parent's."""

    def __init__(self) -> None:
        self._block = b""
        self._used = 0
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self, number: int) -> bytes:
        """Return ``number`` random bytes, at most 4,096. Not thread-safe."""
        assert number <= BLOCK_BYTES, "taken from one block"
        if self._used + number > len(self._block):
            self._block, self._used = os.urandom(BLOCK_BYTES), 0
        self._used += number
        return self._block[self._used - number : self._used]

    def _forget(self) -> None:
        self._block, self._used = b"", 0


random_bytes: Final = Randomness()


def new_id(now: datetime) -> str:
    """A time-ordered id (UUIDv7)."""
    return new_event_id(now, random_bytes(10))

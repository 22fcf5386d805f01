"""Random bytes for ids and nonces, taken from the operating system by the block.

Each call to the system lets go of the interpreter's lock, and a busy service waits to get it back: for one command that took
longer than to decide it.
"""

from __future__ import annotations

import os
from typing import Final

BLOCK_BYTES: Final = 4_096


class Randomness:
    """Bytes that nobody can foresee, none given twice; a forked process has none of its parent's."""

    def __init__(self) -> None:
        self._block = b""
        self._used = 0
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self, number: int) -> bytes:
        """So many bytes, of a block's size at most; called from one thread."""
        assert number <= BLOCK_BYTES, "taken from one block"
        if self._used + number > len(self._block):
            self._block, self._used = os.urandom(BLOCK_BYTES), 0
        self._used += number
        return self._block[self._used - number : self._used]

    def _forget(self) -> None:
        self._block, self._used = b"", 0


random_bytes: Final = Randomness()

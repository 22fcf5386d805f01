"""The rest of refused requests, which is read and thrown away (RFC 9112, section 9.6): closed with
unread bytes, the client might never see the answer.

A read brings up to 256 KiB, and left to itself the event loop reads on while there is something to
read: a hundred refused heads of a mebibyte would be one turn of 60 ms. In each turn it accepts one
connection, so reading a little of the rests in every turn would hold up whoever stands behind a
hundred new connections just as long. So they are read a few at a time, every now and then.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

LINGER_SECONDS: Final = 2.0
"""For how long the rest is read."""
LINGER_BYTES: Final = 1024 * 1024
"""How much of one request's rest is read."""
EVERY_SECONDS: Final = 0.01
READS_AT_ONCE: Final = 8
"""Connections that are read once, of 0.1 ms each."""
MOST_WAITING: Final = 256
"""Connections that wait for their turn; beyond, the one that has waited for longest is closed."""


class RefusedRests:
    """Connections whose requests were refused, in the order in which they are read on."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[asyncio.Transport, None] = OrderedDict()
        self._is_due = False

    def close(self, transport: asyncio.Transport) -> None:
        """Close it for what is answered, and once its rest was read."""
        if transport.is_closing():
            return
        if not transport.can_write_eof():
            transport.close()
            return
        transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)
        self.wait(transport)

    def wait(self, transport: asyncio.Transport, thrown_away: int = 0) -> None:
        """Read nothing more of it until it is its turn; nothing at all once so many bytes are enough."""
        if thrown_away > LINGER_BYTES:
            transport.abort()
            return
        transport.pause_reading()
        self._waiting[transport] = None
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)[0].abort()
        self._be_due()

    def _be_due(self) -> None:
        if self._waiting and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(EVERY_SECONDS, self._read_on)

    def _read_on(self) -> None:
        self._is_due = False
        for _ in range(min(READS_AT_ONCE, len(self._waiting))):
            transport, _ = self._waiting.popitem(last=False)
            transport.resume_reading()
        self._be_due()

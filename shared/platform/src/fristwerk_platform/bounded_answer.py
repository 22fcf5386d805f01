"""The answer of a server that is not ours, whose length is not trusted. Its pace is bounded by ``asyncio.timeout`` around the
whole request: httpx's own time limits begin again with every byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

UNPACKED: Final[Mapping[str, str]] = {"Accept-Encoding": "identity"}
"""The header to ask with: nothing is unpacked, for a few bytes might become many."""


async def read_bounded(answer: httpx.Response, most: int) -> bytes:
    """The content of a streamed answer. Raises ValueError where it has more than ``most`` bytes, and httpx.HTTPError."""
    found = bytearray()
    async for part in answer.aiter_raw():
        found += part
        if len(found) > most:
            raise ValueError(f"longer than {most} bytes")
    return bytes(found)

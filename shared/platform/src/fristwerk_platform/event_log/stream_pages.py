"""A stream read to its end, a page at a time: see :mod:`fristwerk_platform.event_log.feed_pages`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fristwerk_platform.event_log.feed_pages import is_full_page
from fristwerk_platform.event_log.interface import ALL, EventLog, FeedLine


async def stream_pages(
    log: EventLog, stream: str, after_version: int = 0, limit: int = ALL
) -> AsyncIterator[list[FeedLine]]:
    """The lines with a higher version, at most ``limit`` at a time; no page is empty."""
    while lines := await log.read_stream(stream, after_version, limit):
        yield lines
        if not is_full_page(lines, limit):
            return
        after_version += len(lines)  # the versions of a stream have no gaps

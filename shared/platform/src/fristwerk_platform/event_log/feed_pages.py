"""How much of the feed is read at once: so many lines, and not much more than so many bytes of them.

A line may have more than a megabyte, where the fields of an event are long. A page of 1,000 such
lines would not fit into the memory of whoever serves or follows the feed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from fristwerk_platform.event_log.interface import FeedLine
from fristwerk_platform.event_log.stored_rows import StoredRow

PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page ends after the line with which its lines have so many bytes, so it always has one line at least."""


def is_full_page(lines: Sequence[FeedLine], limit: int) -> bool:
    """Whether the page had no room for more lines. One that is not full ends at the end of the log."""
    return len(lines) >= limit or sum(len(each.line) for each in lines) >= PAGE_BYTES


def first_page(rows: Iterable[StoredRow]) -> list[StoredRow]:
    """The rows of a page, of rows that are read one by one."""
    found, size = [], 0
    for row in rows:
        found.append(row)
        size += len(row[1])
        if size >= PAGE_BYTES:
            break
    return found


def harmless_bytes(limit: int) -> int:
    """How many bytes each line may have without so many of them making a page too large."""
    return PAGE_BYTES // limit


def all_harmless(rows: Sequence[Any]) -> bool:
    """Whether every row has its line: the statement leaves out those that have more than harmless bytes."""
    return None not in [row[1] for row in rows]

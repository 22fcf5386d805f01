"""What a row's line says and what its columns say must agree: a log changed by hand is noticed where it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fristwerk_platform.event_log.interface import FeedLine, LogUnavailableError

StoredRow = tuple[int, bytes, str, int, str]
"""A row as it is read: position and line, and the columns stream, version and type."""


class LineColumns(Protocol):
    """What stands in the columns of an event's row and in its line as well."""

    @property
    def stream(self) -> str:
        """The event's stream."""
        ...

    @property
    def version(self) -> int:
        """Its version in the stream."""
        ...

    @property
    def type(self) -> str:
        """Its type's name."""
        ...


ReadColumns = Callable[[Sequence[bytes]], Sequence[LineColumns]]
"""Reads them from lines; raises ValueError (msgspec's errors and UnicodeDecodeError are) where one cannot be read."""


class DamagedEventError(LogUnavailableError):
    """A row of the log was changed outside the log. The message is a sentence that names the event, without its data."""


def feed_lines(rows: Sequence[StoredRow], read: ReadColumns | None) -> list[FeedLine]:
    """The rows as lines of the feed. Raises DamagedEventError where a row's parts do not agree; ``None`` compares nothing."""
    if read is None:
        return [FeedLine(row[0], row[1]) for row in rows]
    try:
        found = read([row[1] for row in rows])
    except ValueError:
        raise _damage(rows, read) from None
    lines = [
        FeedLine(position, line)
        for (position, line, stream, version, type_name), said in zip(rows, found, strict=True)
        if said.version == version and said.stream == stream and said.type == type_name
    ]
    if len(lines) != len(rows):
        raise _damage(rows, read)
    return lines


def _damage(rows: Sequence[StoredRow], read: ReadColumns) -> DamagedEventError:
    """Names the first row whose parts do not agree."""
    for row in rows:
        _, line, stream, version, type_name = row
        try:
            (said,) = read([line])
        except ValueError as error:
            damaged = DamagedEventError(f"{_name(row)} is damaged: its line is not JSON of an event.")
            damaged.__cause__ = error
            return damaged
        if (said.stream, said.version, said.type) != (stream, version, type_name):
            found = f"its line says {said.type}, version {said.version} of {said.stream}"
            return DamagedEventError(f"{_name(row)} is damaged: {found}.")
    raise AssertionError("a row is damaged")


def _name(row: StoredRow) -> str:
    position, _, stream, version, type_name = row
    return f"The event at position {position} ({type_name}, version {version} of {stream})"

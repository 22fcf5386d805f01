"""What a row's line says and what its columns say must agree: a log changed by hand is noticed where it is read."""

from __future__ import annotations

from collections.abc import Callable

from fristwerk_platform.event_log.interface import FeedLine, LogUnavailableError

Columns = tuple[str, int, str]
"""An event's stream, version and type, which stand in the columns of its row and in its line."""
ReadColumns = Callable[[bytes], Columns]
"""Reads them from a line; raises ValueError (msgspec's errors and UnicodeDecodeError are) where it cannot be read."""


class DamagedEventError(LogUnavailableError):
    """A row of the log was changed outside the log. The message is a sentence that names the event, without its data."""


def feed_line(position: int, line: bytes, columns: Columns, read: ReadColumns | None) -> FeedLine:
    """The row as a line of the feed. Raises DamagedEventError where its parts do not agree; ``None`` compares nothing."""
    if read is None:
        return FeedLine(position, line)
    try:
        found = read(line)
    except ValueError as error:
        raise DamagedEventError(f"{_name(position, columns)} is damaged: its line is not JSON of an event.") from error
    if found != columns:
        stream, version, type_name = found
        said = f"its line says {type_name}, version {version} of {stream}"
        raise DamagedEventError(f"{_name(position, columns)} is damaged: {said}.")
    return FeedLine(position, line)


def _name(position: int, columns: Columns) -> str:
    stream, version, type_name = columns
    return f"The event at position {position} ({type_name}, version {version} of {stream})"

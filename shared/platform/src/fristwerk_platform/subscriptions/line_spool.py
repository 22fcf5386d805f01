"""A spool of lines by key in a plain temporary file: what an audit collects while it reads a log once."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

BUFFERED_BYTES: Final = 8 * 1024**2
"""Bytes of lines that wait in memory at most before they are written."""
_COST_OF_A_LINE: Final = 64
"""Bytes that a waiting line takes beside its own: the object around it, and its place in a list."""


class LineSpool:
    """Lines under keys, in the order in which they were added; in memory is only where they lie.

    Lines wait until there are enough of them. Then each key's lines are written side by side, so
    that reading a key takes one read for each time that was written, not one for each line.
    """

    def __init__(self, buffered_bytes: int = BUFFERED_BYTES) -> None:
        self._file = tempfile.TemporaryFile(buffering=1024**2)  # noqa: SIM115 - closed by __exit__
        self._limit = buffered_bytes
        self._waiting: dict[str, list[bytes]] = {}
        self._waiting_bytes = 0
        self._written: dict[str, array[int]] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, key: str, line: bytes) -> None:
        """Add a line, which has no line break in it."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = [line]
        else:
            waiting.append(line)
        self._waiting_bytes += len(line) + _COST_OF_A_LINE
        if self._waiting_bytes > self._limit:
            self._write()

    def lines(self, key: str) -> list[bytes]:
        """The lines of a key; none for a key that was never added to."""
        places = self._written.get(key, ())
        found: list[bytes] = []
        for start, length in zip(places[::2], places[1::2], strict=True):
            self._file.seek(start)
            found += self._file.read(length).split(b"\n")
        return found + self._waiting.get(key, [])

    def size(self, key: str) -> int:
        """The bytes of a key's lines, line breaks left out."""
        return sum(self._written.get(key, ())[1::2]) + sum(map(len, self._waiting.get(key, ())))

    def keys(self) -> Iterator[str]:
        """Every key that was added to, in no order."""
        return iter(self._written.keys() | self._waiting.keys())

    def _write(self) -> None:
        self._file.seek(self._end)
        for key, lines in self._waiting.items():
            text = b"\n".join(lines)
            self._file.write(text)
            self._written.setdefault(key, array("Q")).extend((self._end, len(text)))
            self._end += len(text)
        self._waiting.clear()
        self._waiting_bytes = 0

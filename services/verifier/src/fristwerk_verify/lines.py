"""The lines of one log, kept in a temporary file and found again by their streams: memory grows with their number only."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import msgspec

from fristwerk_language.events import Recorded, decode_tolerantly


class LineStore:
    """Lines by their place, which counts from 0; a line's position is its place and one."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fristwerk-verify-")  # noqa: SIM115 - closed by __exit__
        self._starts = array("Q", [0])
        self._streams: defaultdict[str, array[int]] = defaultdict(_places)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def add(self, line: bytes, stream: str) -> None:
        """Keep one more line."""
        self._streams[stream].append(len(self))
        self._file.write(line)
        self._starts.append(self._starts[-1] + len(line))

    def flush(self) -> None:
        """After the last line: from now on lines are read."""
        self._file.flush()

    def streams(self) -> Iterator[str]:
        """Every stream, in the order of its first line."""
        return iter(self._streams)

    def newest(self, stream: str) -> int:
        """How many lines a stream has so far."""
        return len(self._streams[stream]) if stream in self._streams else 0

    def line(self, place: int) -> bytes:
        """A line."""
        start = self._starts[place]
        return os.pread(self._file.fileno(), self._starts[place + 1] - start, start)

    def recorded(self, place: int) -> Recorded:
        """A line with its event, and its position."""
        found = decode_tolerantly(self.line(place))
        return msgspec.structs.replace(found, envelope=msgspec.structs.replace(found.envelope, position=place + 1))

    def first(self, stream: str) -> Recorded:
        """The first event of a stream that has one."""
        return self.recorded(self._streams[stream][0])

    def lines_of(self, stream: str) -> Iterator[bytes]:
        """A stream's lines in their order."""
        return map(self.line, self._streams.get(stream, ()))

    def history(self, stream: str) -> Sequence[Recorded]:
        """A stream's events in their order; none where it has none."""
        return [self.recorded(place) for place in self._streams.get(stream, ())]


def _places() -> array[int]:
    return array("I")

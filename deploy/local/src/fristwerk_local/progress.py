"""What was played of a story already: a line of JSON for each finished step, so that a start after a stop goes on there.

Commands carry a key of their own and would count once anyway; but a command that had to be *refused* in the middle of the
day might be taken at its end, so what is past is not tried again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

COMPLETE: Final = "complete"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A finished step: the ids it gave to names (``ticket:lohnlauf``), and what was not as the story says."""

    step: str
    names: dict[str, str] = {}
    differences: list[str] = []


class Journal:
    """The finished steps of one story, in a file, or in memory where there is none."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._done: dict[str, Done] = {}
        if file is not None and file.exists():
            written = file.read_bytes()
            for line in written.splitlines():
                self._read(line)
            if not written.endswith(b"\n"):
                file.write_bytes(written + b"\n")

    @property
    def started(self) -> bool:
        """Whether anything was played."""
        return bool(self._done)

    @property
    def complete(self) -> bool:
        """Whether the story was played to its end."""
        return COMPLETE in self._done

    @property
    def names(self) -> dict[str, str]:
        """The ids of everything that the story has named so far."""
        return {name: each_id for done in self._done.values() for name, each_id in done.names.items()}

    @property
    def differences(self) -> list[str]:
        """What was not as the story says while it was played."""
        return [each for done in self._done.values() for each in done.differences]

    def is_done(self, step: str) -> bool:
        """Whether the step was played."""
        return step in self._done

    def note(self, done: Done) -> None:
        """Remember a finished step."""
        self._done[done.step] = done
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(done) + b"\n")

    def forget(self) -> None:
        """Begin anew: what was noted tells of a log that is gone."""
        self._done.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _read(self, line: bytes) -> None:
        try:
            done = msgspec.json.decode(line, type=Done)
        except msgspec.MsgspecError:
            return  # the half line of a player that was killed while writing; its step is played again
        self._done[done.step] = done

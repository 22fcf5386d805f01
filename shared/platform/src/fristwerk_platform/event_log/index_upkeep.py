"""Keeps the index of a log complete: for events that were stored before it, by other rules, or by a program without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from fristwerk_platform.event_log.index import Entry, Filling
from fristwerk_platform.event_log.interface import LogUnavailableError
from fristwerk_platform.event_log.log import GroupCommitLog
from fristwerk_platform.event_log.stored_rows import DamagedEventError

AT_ONCE: Final = 500
"""Streams, or lines, whose entries are added to the index in one transaction."""
COMPLETE: Final = "complete until"
"""Under this name the index keeps the position up to which it is known to be complete."""
COMPLETE_SECONDS: Final = 60.0
EntriesOf = Callable[[Sequence[str]], Awaitable[tuple[Sequence[Entry], Sequence[Entry]]]]
"""The claims and labels of some streams."""
_log = structlog.get_logger()


class IndexUpkeep:
    """``rules`` names those by which entries are made, ``stream_of`` reads the stream of a line."""

    def __init__(self, log: GroupCommitLog, rules: str, entries: EntriesOf, stream_of: Callable[[bytes], str]) -> None:
        self._log = log
        self._rules = rules
        self._entries = entries
        self._stream_of = stream_of
        self._is_complete = False

    async def complete(self) -> None:
        """Fill what is missing. What was filled stays filled: after a crash it goes on behind what was done.

        Raises LogUnavailableError.
        """
        found = await self._log.filled(self._rules)
        position = await self._log.last_position()
        if found is None or found[0] is not None:
            await self._fill_all("" if found is None else found[0] or "")
        else:
            position = await self._fill_after(await self._complete_until(), position)
        await self._fill(COMPLETE, str(position), ((), ()))

    async def note(self) -> None:
        """Note every minute that all appends so far are in the index, until cancelled: the next start looks from there."""
        while True:
            await asyncio.sleep(COMPLETE_SECONDS)
            try:
                if self._is_complete:
                    await self._fill(COMPLETE, str(await self._log.last_position()), ((), ()))
            except LogUnavailableError as error:
                _log.warning("index_not_noted", error=str(error))

    async def _fill_all(self, after: str) -> None:
        until: str | None = after
        while until is not None:
            names = await self._log.stream_names(until, AT_ONCE)
            until = names[-1] if names else None
            await self._fill(self._rules, until, await self._entries(names))
        self._is_complete = True

    async def _fill_after(self, position: int, last: int) -> int:
        """What was appended after a position, perhaps without names. Returns how far it came.

        A damaged line ends it: what follows is looked at again at each start until it is repaired.
        """
        try:
            while position < last:
                lines = await self._log.read_feed(position, AT_ONCE)
                streams = sorted({self._stream_of(each.line) for each in lines})
                await self._fill(COMPLETE, str(position), await self._entries(streams))
                position = lines[-1].position
        except DamagedEventError as error:
            _log.error("index_not_complete", after=position, error=str(error))
        else:
            self._is_complete = True
        return position

    async def _complete_until(self) -> int:
        found = await self._log.filled(COMPLETE)
        return 0 if found is None else int(found[0] or 0)

    async def _fill(self, rules: str, until: str | None, entries: tuple[Sequence[Entry], Sequence[Entry]]) -> None:
        await self._log.fill(Filling(rules=rules, until=until, claims=entries[0], labels=entries[1]))

"""Compares a log with the trees over it, line by line, and names the event where they differ."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fristwerk_platform.event_log import FeedLine
from fristwerk_platform.read_models import Database
from fristwerk_platform.transparency import store
from fristwerk_platform.transparency.store import Leaf
from fristwerk_proof.merkle import leaf_hash
from fristwerk_proof.tiles import TILE_WIDTH


class LogContradictsTreeError(Exception):
    """The log is not the one whose hashes were kept.

    The message is a sentence that names the event.
    """


class LineIdentity(msgspec.Struct, frozen=True):
    """What is read of a line: whose it is, and what names it."""

    provider: str
    type: str
    stream: str
    version: int


read_line = msgspec.json.Decoder(LineIdentity)


class LogComparison:
    """Walks along the log and along each provider's leaves at the same time."""

    def __init__(self, database: Database, names: Sequence[str]) -> None:
        self._database = database
        self._taken = dict.fromkeys(names, 0)
        self._leaves: dict[str, list[Leaf]] = {name: [] for name in names}

    async def compare(self, lines: Sequence[FeedLine]) -> None:
        """Raises LogContradictsTreeError for a line that is not the leaf at its place."""
        for each in lines:
            provider = read_line.decode(each.line).provider
            expected = await self._next(provider)
            found = Leaf(each.position, leaf_hash(each.line))
            if expected is not None and found.position > expected.position:
                raise LogContradictsTreeError(await self._missing(provider, expected))
            if expected != found:
                raise LogContradictsTreeError(different(each) + await self._between(provider))
            self._taken[provider] += 1

    async def nothing_left(self, end: int) -> None:
        """Raises LogContradictsTreeError where a tree has a leaf up to ``end`` that the log does
        not have.
        """
        for provider in self._taken:
            expected = await self._next(provider)
            if expected is not None and expected.position <= end:
                raise LogContradictsTreeError(await self._missing(provider, expected))

    async def _next(self, provider: str) -> Leaf | None:
        number, place = divmod(self._taken.setdefault(provider, 0), TILE_WIDTH)
        leaves = self._leaves.get(provider, [])
        if place == 0 or place >= len(leaves):  # a tile that was read may have grown since
            async with self._database.reading() as connection:
                leaves = self._leaves[provider] = await store.read_leaves(connection, provider, number)
        return leaves[place] if place < len(leaves) else None

    async def _missing(self, provider: str, leaf: Leaf) -> str:
        return f"The event at position {leaf.position} is missing" + await self._between(provider)

    async def _between(self, provider: str) -> str:
        """Between which heads the event was taken into the tree: the second one proves what it was."""
        index = self._taken[provider]
        async with self._database.reading() as connection:
            before = await store.read_head(connection, provider, at_most=index) if index else None
            covering = await store.read_head(connection, provider, at_least=index + 1)
        older = f"the head of {before.size} events" if before else "the beginning"
        newer = "no head" if covering is None else f"that of {covering.size}, signed {covering.signed_at.isoformat()}"
        return f"; it stands between {older} and {newer}."


def different(line: FeedLine) -> str:
    read = read_line.decode(line.line)
    return (
        f"The event at position {line.position} ({read.type}, version {read.version} of {read.stream}) is not the one"
        " that was recorded there"
    )

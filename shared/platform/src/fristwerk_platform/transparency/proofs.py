"""What the trees can show: heads, tiles, bundles of events, and proofs as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from fristwerk_platform.event_log import PAGE_BYTES, EventLog
from fristwerk_platform.transparency import store
from fristwerk_platform.transparency.keeper import TreeKeeper
from fristwerk_platform.transparency.store import Head
from fristwerk_proof import checkpoints, notes, proofs
from fristwerk_proof.merkle import HASH_BYTES
from fristwerk_proof.proofs import SubtreeHash
from fristwerk_proof.tiles import LONGEST_ENTRY, TILE_WIDTH, bundle, subtree_hash, width_at

READ_AT_ONCE: Final = 1_000
"""Lines that are read at once for a bundle."""
MOST_BETWEEN: Final = 32
"""Other providers' events that are read with what is wanted. Where more lie between, they are passed over: in a large log
there may be millions between two events of a small provider.
"""
LARGEST_BUNDLE_BYTES: Final = TILE_WIDTH * LONGEST_ENTRY
"""Where lines have more, one of them is too long for a bundle."""
Made = TypeVar("Made")


def short_head(log: str, note: bytes) -> str:
    """A head as people and programs keep it: ``<log>:<size>:<16 digits>``. Raises NoteError."""
    return f"{log}:{checkpoints.unchecked(notes.parsed(note)).short}"


class NoSuchTreePartError(Exception):
    """A head, tile, event or size that the provider's tree does not have. The message is a sentence."""


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """That an event is in a tree: its place, the tree's head, and the hashes beside the way to the root, in hexadecimal."""

    position: int
    index: int
    leaf: str
    size: int
    root: str
    hashes: list[str]
    checkpoint: str


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """That a tree grew out of a smaller one: both sizes, and the hashes that show it, in hexadecimal."""

    from_size: int
    to_size: int
    hashes: list[str]


def close_by(positions: Sequence[int]) -> Sequence[int]:
    """The first of the growing positions with those behind it that are read together with it."""
    end = 1
    while (
        end < len(positions)
        and positions[end] - positions[end - 1] <= MOST_BETWEEN
        and positions[end] - positions[0] < READ_AT_ONCE
    ):
        end += 1
    return positions[:end]


class TreeReads:
    """Reads of the trees that a keeper keeps; each for one provider."""

    def __init__(self, log: EventLog, keeper: TreeKeeper) -> None:
        self.keeper = keeper
        self._log = log

    async def head(self, provider: str, at_least: int = 0) -> Head:
        """The newest head, or the first of at least a size. Raises NoSuchTreePartError."""
        async with self.keeper.database.reading() as connection:
            found = await store.read_head(connection, provider, at_least=at_least)
        if found is None:
            wanted = f"of {at_least} events or more " if at_least else ""
            raise NoSuchTreePartError(f"No head {wanted}has been signed yet.")
        return found

    async def head_over(self, provider: str, position: int) -> str | None:
        """The short form of the first head that covers the event at a position of the log; None while none does."""
        async with self.keeper.database.reading() as connection:
            newest = await store.read_head(connection, provider)
            index = None if newest is None else await store.index_of(connection, provider, position, newest.size)
            found = None if index is None else await store.read_head(connection, provider, at_least=index + 1)
        return None if found is None else short_head(self.keeper.name, found.note)

    async def newest_head(self, provider: str) -> str | None:
        """The short form of the newest head; None while there is none."""
        async with self.keeper.database.reading() as connection:
            found = await store.read_head(connection, provider)
        return None if found is None else short_head(self.keeper.name, found.note)

    async def heads(self, provider: str, after: int, limit: int) -> list[Head]:
        """Heads of more than ``after`` events, the smallest first."""
        async with self.keeper.database.reading() as connection:
            return await store.read_heads(connection, provider, after, limit)

    async def stamps(self, provider: str, heads: Sequence[Head]) -> dict[int, bytes]:
        """The time stamps of heads, by their sizes."""
        async with self.keeper.database.reading() as connection:
            return await store.read_stamps(connection, provider, [each.size for each in heads])

    async def tile(self, provider: str, level: int, number: int, width: int) -> bytes:
        """The hashes of a tile, as many as asked for. Raises NoSuchTreePartError."""
        async with self.keeper.database.reading() as connection:
            content = await store.read_tile(connection, provider, level, number)
        if len(content) < width * HASH_BYTES:
            raise NoSuchTreePartError(f"Tile {number} of level {level} has {len(content) // HASH_BYTES} hashes.")
        return content[: width * HASH_BYTES]

    async def entries(self, provider: str, number: int, width: int) -> bytes:
        """The stored lines of a tile of level 0, each behind its length. Raises NoSuchTreePartError.

        Also where a line has more than 65,535 bytes, which the format cannot hold: the feed has it.
        """
        async with self.keeper.database.reading() as connection:
            leaves = (await store.read_leaves(connection, provider, number))[:width]
        if len(leaves) < width:
            raise NoSuchTreePartError(f"Bundle {number} has {len(leaves)} events.")
        lines = await self._lines([each.position for each in leaves], LARGEST_BUNDLE_BYTES)
        try:
            return bundle(lines)
        except ValueError as error:
            raise NoSuchTreePartError(f"{error} The feed has it.") from error

    async def lines(self, provider: str, after: int, limit: int) -> list[bytes]:
        """The stored lines of the leaves from index ``after`` on, as far as the newest head covers them.

        Like a page of the feed they end where they have many bytes.
        """
        async with self.keeper.database.reading() as connection:
            head = await store.read_head(connection, provider)
            end = min(after + limit, 0 if head is None else head.size)
            positions = [
                each.position
                for number in range(after // TILE_WIDTH, -(-end // TILE_WIDTH))
                for index, each in enumerate(await store.read_leaves(connection, provider, number), number * TILE_WIDTH)
                if after <= index < end
            ]
        return await self._lines(positions, PAGE_BYTES) if positions else []

    async def inclusion(self, provider: str, position: int) -> Inclusion:
        """The proof that the event at a position of the log is in the newest tree. Raises NoSuchTreePartError."""
        head = await self.head(provider)
        checkpoint = checkpoints.unchecked(notes.parsed(head.note))
        async with self.keeper.database.reading() as connection:
            index = await store.index_of(connection, provider, position, head.size)
        if index is None:
            raise NoSuchTreePartError(f"No event at position {position} is in the tree of {head.size} events.")

        def make(subtree: SubtreeHash) -> tuple[bytes, list[bytes]]:
            return subtree(0, index), proofs.inclusion_proof(subtree, index, head.size)

        leaf, hashes = await self._proved(provider, head.size, make)
        return Inclusion(
            position=position,
            index=index,
            leaf=leaf.hex(),
            size=head.size,
            root=checkpoint.root.hex(),
            hashes=[each.hex() for each in hashes],
            checkpoint=head.note.decode(),
        )

    async def consistency(self, provider: str, from_size: int, to_size: int) -> Consistency:
        """The proof that the tree of one size grew out of that of another. Raises NoSuchTreePartError."""
        newest = await self.head(provider)
        if not 0 <= from_size <= to_size <= newest.size:
            raise NoSuchTreePartError(
                f"The size from must not be above to, nor to above {newest.size}, the newest head's size."
            )
        hashes = await self._proved(
            provider, newest.size, lambda subtree: proofs.consistency_proof(subtree, from_size, to_size)
        )
        return Consistency(from_size=from_size, to_size=to_size, hashes=[each.hex() for each in hashes])

    async def _lines(self, positions: Sequence[int], enough_bytes: int) -> list[bytes]:
        """The stored lines at positions of the log, which grow; nothing is read after so many bytes of them."""
        found, size, next_one = list[bytes](), 0, 0
        while next_one < len(positions) and size < enough_bytes:
            first = positions[next_one]
            near = close_by(positions[next_one:])
            lines = await self._log.read_feed(first - 1, near[-1] - first + 1)
            wanted, read_until = set(near), lines[-1].position if lines else near[-1]
            read = [each.line for each in lines if each.position in wanted]
            found += read
            size += sum(map(len, read))
            next_one += sum(each <= read_until for each in near)
        return found

    async def _proved(self, provider: str, size: int, make: Callable[[SubtreeHash], Made]) -> Made:
        """What ``make`` makes of the tree, whose tiles are read as it comes to need them."""
        known: dict[tuple[int, int], bytes] = {}

        def read(level: int, number: int) -> bytes:
            return known[level, number]

        while True:
            try:
                return make(subtree_hash(read))
            except KeyError as missing:
                level, number = missing.args[0]
                known[level, number] = await self.tile(provider, level, number, width_at(size, level, number))

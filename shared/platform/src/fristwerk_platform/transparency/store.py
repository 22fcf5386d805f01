"""Tiles and heads in a database: the right edge of each tree grows, everything else stays as it was
written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, desc, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Write, store, write
from fristwerk_platform.transparency.tables import heads, progress, stamps, tiles
from fristwerk_proof.merkle import HASH_BYTES, root_of_peaks
from fristwerk_proof.proofs import tree_peaks
from fristwerk_proof.tiles import TILE_WIDTH, new_hashes, split_hashes, subtree_hash

POSITION_BYTES: Final = 8


class Leaf(msgspec.Struct, frozen=True):
    """An event in its tree: where it stands in the log, and the hash of its stored line."""

    position: int
    hash: bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A head that was signed: the tree's size, the log's position that it reaches to, when, and the
    signed note.
    """

    provider: str
    size: int
    position: int
    signed_at: datetime
    as_found: bool
    note: bytes


class Edge:
    """The right edge of a tree: the last tile of each level, which is all that growing it needs."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []
        self.tiles: dict[tuple[int, int], bytes] = defaultdict(bytes)
        self.positions: dict[int, bytes] = defaultdict(bytes)

    def root(self) -> bytes:
        """The root of the whole tree."""
        return root_of_peaks(self.peaks)

    def add(self, leaves: Sequence[Leaf]) -> set[tuple[int, int]]:
        """Add leaves; returns the tiles that changed, by level and number."""
        added: dict[tuple[int, int], list[bytes]] = defaultdict(list)
        for level, at, hashed in new_hashes(self.peaks, self.size, [each.hash for each in leaves]):
            added[level, at // TILE_WIDTH].append(hashed)
        for place, hashes in added.items():
            self.tiles[place] += b"".join(hashes)
        for number, leaf in enumerate(leaves, start=self.size):
            self.positions[number // TILE_WIDTH] += leaf.position.to_bytes(POSITION_BYTES, "big")
        self.size += len(leaves)
        return set(added)

    def forget_what_is_full(self) -> None:
        """Keep the last tile of each level alone: nothing is added to the others any more."""
        last: dict[int, int] = {}
        for level, number in self.tiles:
            last[level] = max(number, last.get(level, 0))
        for place in [each for each in self.tiles if each[1] < last[each[0]]]:
            del self.tiles[place]
        for number in [each for each in self.positions if each < max(self.positions)]:
            del self.positions[number]


async def read_edge(connection: AsyncConnection, provider: str) -> Edge:
    """The edge of a provider's tree; that of the empty tree where there is none."""
    edge = Edge()
    level = 0
    while (row := await _last_tile(connection, provider, level)) is not None:
        edge.tiles[level, row.number] = row.hashes
        if level == 0:
            edge.positions[row.number] = row.positions
            edge.size = row.number * TILE_WIDTH + len(row.hashes) // HASH_BYTES
        level += 1
    edge.peaks = tree_peaks(subtree_hash(lambda level, number: edge.tiles[level, number]), edge.size)
    return edge


async def _last_tile(connection: AsyncConnection, provider: str, level: int) -> Row[Any] | None:
    wanted = select(tiles).where(tiles.c.provider == provider, tiles.c.level == level)
    return (await connection.execute(wanted.order_by(desc(tiles.c.number)).limit(1))).first()


def tile_rows(provider: str, edge: Edge, changed: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """The tiles that grew, as they are stored."""
    return [
        {
            "provider": provider,
            "level": level,
            "number": number,
            "hashes": edge.tiles[level, number],
            "positions": edge.positions[number] if level == 0 else b"",
        }
        for level, number in changed
    ]


async def write_growth(
    connection: AsyncConnection,
    log: str,
    position: int,
    found_until: int,
    grown: Sequence[dict[str, Any]],
    signed: Sequence[Head],
) -> None:
    """Store the tiles and heads of all trees that grew, and how far the log was taken into them.

    Raises IntegrityError where a head of the same size was signed already.
    """
    await write(
        connection,
        Write("store", tiles, grown),
        Write("add", heads, [msgspec.structs.asdict(each) for each in signed]),
        Write("store", progress, [{"log": log, "position": position, "found_until": found_until}]),
    )


async def read_tile(connection: AsyncConnection, provider: str, level: int, number: int) -> bytes:
    """The hashes of a tile; empty where there is none."""
    statement = select(tiles.c.hashes).where(
        tiles.c.provider == provider, tiles.c.level == level, tiles.c.number == number
    )
    return (await connection.execute(statement)).scalar() or b""


async def read_leaves(connection: AsyncConnection, provider: str, number: int) -> list[Leaf]:
    """The leaves of a tile of level 0."""
    statement = select(tiles.c.hashes, tiles.c.positions).where(
        tiles.c.provider == provider, tiles.c.level == 0, tiles.c.number == number
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return []
    hashes = split_hashes(row.hashes)
    positions = [
        int.from_bytes(row.positions[at : at + POSITION_BYTES], "big")
        for at in range(0, len(row.positions), POSITION_BYTES)
    ]
    return [Leaf(*each) for each in zip(positions, hashes, strict=True)]


async def index_of(connection: AsyncConnection, provider: str, position: int, size: int) -> int | None:
    """The place in its tree of the event at a position of the log: found by halving the tiles of
    level 0.
    """
    low, high = 0, max(0, -(-size // TILE_WIDTH))
    while low < high:
        middle = (low + high) // 2
        leaves = await read_leaves(connection, provider, middle)
        if leaves and leaves[-1].position < position:
            low = middle + 1
        else:
            high = middle
    for offset, each in enumerate(await read_leaves(connection, provider, low)):
        if each.position == position:
            return low * TILE_WIDTH + offset
    return None


async def read_head(
    connection: AsyncConnection, provider: str, *, at_least: int = 0, at_most: int | None = None
) -> Head | None:
    """The newest head, or the first of at least a size, or the last of at most one."""
    wanted = select(heads).where(heads.c.provider == provider, heads.c.size >= at_least)
    if at_most is not None:
        wanted = wanted.where(heads.c.size <= at_most)
    order = heads.c.size if at_least else desc(heads.c.size)
    row = (await connection.execute(wanted.order_by(order).limit(1))).mappings().first()
    return None if row is None else Head(**row)


async def read_heads(connection: AsyncConnection, provider: str, after: int, limit: int) -> list[Head]:
    """Heads of more than ``after`` entries, the smallest first."""
    wanted = select(heads).where(heads.c.provider == provider, heads.c.size > after)
    return [Head(**row) for row in (await connection.execute(wanted.order_by(heads.c.size).limit(limit))).mappings()]


async def read_stamps(connection: AsyncConnection, provider: str, sizes: Sequence[int]) -> dict[int, bytes]:
    """Time stamps by the sizes of the heads that they are of; none for a head that has none."""
    wanted = select(stamps.c.size, stamps.c.response).where(stamps.c.provider == provider, stamps.c.size.in_(sizes))
    return {row.size: row.response for row in await connection.execute(wanted)}


async def last_stamped(connection: AsyncConnection, provider: str) -> datetime | None:
    """When a head of the provider was last stamped."""
    found: datetime | None = (
        await connection.execute(select(func.max(stamps.c.stamped_at)).where(stamps.c.provider == provider))
    ).scalar()
    return found


async def write_stamp(connection: AsyncConnection, provider: str, size: int, at: datetime, response: bytes) -> None:
    """Store a stamp; of several processes that asked at once the last one's stays."""
    await store(connection, stamps, [{"provider": provider, "size": size, "stamped_at": at, "response": response}])


async def read_progress(connection: AsyncConnection, log: str) -> tuple[int, int] | None:
    """How far the log was taken into its trees, and how far it went when they began; None where
    they have not begun.
    """
    row = (await connection.execute(select(progress).where(progress.c.log == log))).first()
    return None if row is None else (row.position, row.found_until)


async def write_progress(connection: AsyncConnection, log: str, position: int, found_until: int) -> None:
    """Store how far the log was taken."""
    await store(connection, progress, [{"log": log, "position": position, "found_until": found_until}])


async def providers(connection: AsyncConnection) -> list[str]:
    """Whose trees there are."""
    wanted = select(tiles.c.provider).where(tiles.c.level == 0, tiles.c.number == 0).order_by(tiles.c.provider)
    return list((await connection.execute(wanted)).scalars())

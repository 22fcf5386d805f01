"""The tree as static files, C2SP ``tlog-tiles``: each holds up to 256 hashes of one level; its last one may be partial.

A tile's hash stands in the tile above it once it is full. The seven levels between two tiles are
not stored: they are hashed again from the tile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fristwerk_proof.merkle import HASH_BYTES, complete_root, node_hash
from fristwerk_proof.proofs import SubtreeHash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
LONGEST_ENTRY: Final = 0xFFFF
"""Bytes of an entry in a bundle at most: its length has two bytes there."""
_LEVELS: Final = 64
_TILES: Final = 1 << 55
"""Of a level at most: their hashes are numbered in 63 bits, which is what databases count with."""
_INDEX: Final = re.compile(r"(?:x\d{3}/)*\d{3}")


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile: its level, its place in the level, and how many hashes it has; 256 where it is full."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it is served below the prefix of a log: ``0/x001/234.p/5``."""
        return f"{self.level}/{numbered_path(self.index, self.width)}"


def numbered_path(index: int, width: int = TILE_WIDTH) -> str:
    """The end of a tile's or a bundle's path: groups of three digits, and how wide it is where it is partial."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return "".join(f"x{each}/" for each in groups[:-1]) + groups[-1] + partial


def parsed_path(path: str) -> tuple[int, int]:
    """The index and width that ``numbered_path`` has written. Raises ValueError for any other text."""
    digits, partial, width = path.partition(".p/")
    if not _INDEX.fullmatch(digits):
        raise ValueError(f"{path!r} names no tile.")
    index = int(digits.replace("x", "").replace("/", ""))
    if partial and not (width.isascii() and width.isdecimal() and 0 < int(width) < TILE_WIDTH):
        raise ValueError(f"{path!r} names no tile.")
    wide = int(width) if partial else TILE_WIDTH
    if index >= _TILES or numbered_path(index, wide) != path:
        raise ValueError(f"{path!r} names no tile.")
    return index, wide


def parsed_level(text: str) -> int:
    """A level as paths name it. Raises ValueError for any other text."""
    if not (text.isascii() and text.isdecimal() and text == str(int(text)) and int(text) < _LEVELS):
        raise ValueError(f"{text!r} is no level of tiles.")
    return int(text)


def width_at(size: int, level: int, index: int) -> int:
    """How many hashes that tile of a tree of ``size`` leaves has: 0 to 256."""
    return max(0, min(TILE_WIDTH, (size >> level * TILE_HEIGHT) - index * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of a tree, full and partial, level by level from the leaves up."""
    level = 0
    while hashes := size >> level * TILE_HEIGHT:
        full, rest = divmod(hashes, TILE_WIDTH)
        yield from (Tile(level, index) for index in range(full))
        if rest:
            yield Tile(level, full, rest)
        level += 1


def new_hashes(peaks: list[bytes], size: int, leaves: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """What adding leaves to a tree of ``size`` adds to tiles: level, place in the level, hash.

    ``peaks`` are the tree's, from left to right, and the larger tree's once everything was taken.
    """
    for index, leaf in enumerate(leaves, size):
        yield 0, index, leaf
        hashed, left, height = leaf, index, 0
        while left & 1:
            hashed, left, height = node_hash(peaks.pop(), hashed), left >> 1, height + 1
            if height % TILE_HEIGHT == 0:
                yield height // TILE_HEIGHT, left, hashed
        peaks.append(hashed)


def subtree_hash(read_tile: Callable[[int, int], bytes]) -> SubtreeHash:
    """Subtrees' hashes out of tiles; ``read_tile`` gives a tile's bytes by level and index, as many as there are."""

    def subtree(height: int, index: int) -> bytes:
        level, rest = divmod(height, TILE_HEIGHT)
        tile, place = divmod(index << rest, TILE_WIDTH)
        content = read_tile(level, tile)
        hashes = split_hashes(content[place * HASH_BYTES : (place + (1 << rest)) * HASH_BYTES])
        if len(hashes) != 1 << rest:
            raise ValueError(f"Tile {level}/{tile} is shorter than the tree.")
        return complete_root(hashes)

    return subtree


def split_hashes(content: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as they are served together, each behind its length. Raises ValueError for one above 65,535 bytes."""
    parts = []
    for each in entries:
        if len(each) > LONGEST_ENTRY:
            raise ValueError(f"An entry of {len(each)} bytes does not fit into a bundle.")
        parts += [len(each).to_bytes(2, "big"), each]
    return b"".join(parts)


def unbundled(content: bytes) -> Iterator[bytes]:
    """The entries of a bundle. Raises ValueError where it breaks off."""
    at = 0
    while at < len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if end > len(content) or at + 2 > len(content):
            raise ValueError("The bundle breaks off inside an entry.")
        yield content[at + 2 : end]
        at = end

"""The hash tree of RFC 6962, section 2.1, as it grows: only its peaks are needed to add a leaf and to know its root."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry: 32 bytes. A leaf and a node of the same bytes differ by their first byte."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: 32 bytes."""
    return sha256(b"\1" + left + right).digest()


def peak_heights(size: int) -> list[int]:
    """The heights of the complete subtrees that a tree of ``size`` leaves falls into, the largest first."""
    return [height for height in range(size.bit_length() - 1, -1, -1) if size >> height & 1]


class Peaks:
    """A tree by the roots of its complete subtrees, from left to right: at most one of each height."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Go on with a tree of ``size`` leaves. Raises ValueError where it cannot have so many peaks."""
        if len(hashes) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves has {size.bit_count()} peaks, not {len(hashes)}.")
        self.size = size
        self.hashes = list(hashes)

    def add(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        height, hashed = 0, leaf
        while self.size >> height & 1:
            hashed = node_hash(self.hashes.pop(), hashed)
            height += 1
        self.hashes.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the whole tree: 32 bytes."""
        return root_of_peaks(self.hashes)


def root_of_peaks(hashes: Sequence[bytes]) -> bytes:
    """The root over peaks, from left to right; that of the empty tree where there is none."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for each in reversed(hashes[:-1]):
        root = node_hash(each, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a whole tree by the hashes of its leaves."""
    peaks = Peaks()
    for each in leaves:
        peaks.add(each)
    return peaks.root()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree by hashes of one level; their number is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]

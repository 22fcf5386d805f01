"""The hash tree of RFC 6962, section 2.1: hashes of leaves and nodes, and the root by its peaks, the complete subtrees."""

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


def root_of_peaks(hashes: Sequence[bytes]) -> bytes:
    """The root over peaks, from left to right; that of the empty tree where there is none."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for each in reversed(hashes[:-1]):
        root = node_hash(each, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a whole tree by the hashes of its leaves; at most one peak of each height is kept meanwhile."""
    peaks: list[bytes] = []
    for size, leaf in enumerate(leaves):
        peaks = grown(peaks, size, leaf)
    return root_of_peaks(peaks)


def grown(peaks: list[bytes], size: int, leaf: bytes) -> list[bytes]:
    """The peaks of a tree of ``size`` leaves once it has one more; those that are given are used up."""
    hashed, complete = leaf, size
    while complete & 1:
        hashed = node_hash(peaks.pop(), hashed)
        complete >>= 1
    peaks.append(hashed)
    return peaks


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree by hashes of one level; their number is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]

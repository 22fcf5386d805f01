"""That an entry is in a tree, and that a tree grew out of a smaller one: making such proofs, and checking them.

Made as RFC 6962, sections 2.1.1 and 2.1.2, say; checked as RFC 9162, sections 2.1.3.2 and 2.1.4.2, say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fristwerk_proof.merkle import EMPTY_ROOT, node_hash, root_of_peaks

SubtreeHash = Callable[[int, int], bytes]
"""The root of the complete subtree of a height, by how many of that height stand to its left."""


class ProofError(Exception):
    """A proof does not show what it claims to."""


def tree_peaks(subtree: SubtreeHash, size: int) -> list[bytes]:
    """The roots of the complete subtrees that a tree of ``size`` leaves consists of, from left to right."""
    return _range_peaks(subtree, 0, size)


def _range_root(subtree: SubtreeHash, start: int, end: int) -> bytes:
    """The root over the leaves from ``start`` on to before ``end``; ``start`` divides by the next power of two."""
    return root_of_peaks(_range_peaks(subtree, start, end))


def _range_peaks(subtree: SubtreeHash, start: int, end: int) -> list[bytes]:
    peaks = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append(subtree(height, start >> height))
        start += 1 << height
    return peaks


def _split(size: int) -> int:
    """The largest power of two below ``size``: so many leaves stand in the left subtree."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(subtree: SubtreeHash, index: int, size: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root of a tree of ``size`` leaves. ``index`` counts from 0.

    Raises ValueError where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(subtree, middle, end))
            end = middle
        else:
            path.append(_range_root(subtree, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(subtree: SubtreeHash, old: int, new: int) -> list[bytes]:
    """The hashes that show that the tree of ``new`` leaves begins with that of ``old``; none where there is nothing to show.

    Raises ValueError where the old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"A tree of {new} leaves cannot have grown out of one of {old}.")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(subtree, middle, end))
            end = middle
        else:
            path.append(_range_root(subtree, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_range_root(subtree, start, end))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raises ProofError unless the hash of a leaf stands at ``index`` in the tree of ``size`` leaves with that root."""
    if not 0 <= index < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {index}.")
    hashed = leaf
    for is_left, each in _climbed(index, size - 1, proof):
        hashed = node_hash(each, hashed) if is_left else node_hash(hashed, each)
    if hashed != root:
        raise ProofError(f"Entry {index} is not in the tree of {size} entries.")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises ProofError unless the tree of ``new`` leaves begins with the tree of ``old``."""
    if not 0 <= old <= new:
        raise ProofError(f"A tree of {new} entries cannot have grown out of one of {old}.")
    if old in (0, new):
        if proof or old_root != (new_root if old else EMPTY_ROOT):
            raise ProofError(f"The tree of {new} entries is not the one that was seen with {old}.")
        return
    is_complete = old & (old - 1) == 0
    hashes = [old_root, *proof] if is_complete else proof  # a complete tree stands in the proof by itself
    if not hashes:
        raise ProofError("The proof is empty.")
    height = _trailing_ones(old - 1)
    first = second = hashes[0]
    for is_left, each in _climbed((old - 1) >> height, (new - 1) >> height, hashes[1:]):
        first = node_hash(each, first) if is_left else first
        second = node_hash(each, second) if is_left else node_hash(second, each)
    if first != old_root or second != new_root:
        raise ProofError(f"The tree of {new} entries did not grow out of the one that was seen with {old}.")


def _climbed(at: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """The hashes of a proof from the bottom up, and whether each stands to the left of the way to the root.

    ``at`` is the place in its level where the way begins, ``last`` the last place there. Raises ProofError where the
    proof is not as long as the way.
    """
    for each in proof:
        if last == 0:
            raise ProofError("The proof is longer than the way to the root.")
        is_left = bool(at & 1) or at == last
        yield is_left, each
        if is_left:
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if last:
        raise ProofError("The proof is shorter than the way to the root.")


def _trailing_ones(number: int) -> int:
    return (~number & (number + 1)).bit_length() - 1

"""Trees to prove things about, kept as a plain list of leaves."""

from __future__ import annotations

from collections.abc import Sequence

from fristwerk_proof.merkle import complete_root, leaf_hash
from fristwerk_proof.proofs import SubtreeHash


def leaves(number: int) -> list[bytes]:
    """The hashes of so many entries."""
    return [leaf_hash(b"entry %d" % each) for each in range(number)]


def subtree_of(hashes: Sequence[bytes]) -> SubtreeHash:
    """Subtrees hashed again out of the leaves each time."""

    def subtree(height: int, index: int) -> bytes:
        found = hashes[index << height : (index + 1) << height]
        assert len(found) == 1 << height, "the subtree is complete"
        return complete_root(found)

    return subtree

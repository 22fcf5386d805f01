"""Every proof of every tree up to 70 leaves holds, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fristwerk_proof.merkle import EMPTY_ROOT, root_of
from fristwerk_proof.proofs import (
    ProofError,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
)
from tests.proof.trees import leaves, subtree_of

SIZES = range(1, 71)
LEAVES = leaves(300)


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_shown_to_be_in_its_tree_and_at_no_other_place(size: int) -> None:
    hashes = LEAVES[:size]
    root = root_of(hashes)
    for index in range(size):
        proof = inclusion_proof(subtree_of(hashes), index, size)
        check_inclusion(hashes[index], index, size, proof, root)
        for other in {(index + 1) % size, size // 2} - {index}:
            with pytest.raises(ProofError):
                check_inclusion(hashes[index], other, size, proof, root)


@pytest.mark.parametrize("new", SIZES)
def test_every_smaller_tree_is_shown_to_be_the_beginning(new: int) -> None:
    hashes = LEAVES[:new]
    for old in range(new + 1):
        proof = consistency_proof(subtree_of(hashes), old, new)
        check_consistency(old, root_of(hashes[:old]), new, root_of(hashes), proof)


@given(st.integers(1, 300), st.data())
def test_a_proof_with_one_changed_hash_shows_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes, root = LEAVES[:size], root_of(LEAVES[:size])
    proof = inclusion_proof(subtree_of(hashes), index, size)
    changed = _changed(data, [hashes[index], *proof])

    with pytest.raises(ProofError):
        check_inclusion(changed[0], index, size, changed[1:], root)


@given(st.integers(2, 300), st.data())
def test_a_tree_with_one_changed_leaf_did_not_grow_out_of_the_old_one(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    hashes = LEAVES[:new]
    forked = [*hashes]
    forked[data.draw(st.integers(0, old - 1))] = b"\xff" * 32
    proof = consistency_proof(subtree_of(forked), old, new)

    with pytest.raises(ProofError):
        check_consistency(old, root_of(hashes[:old]), new, root_of(forked), proof)


@given(st.integers(2, 300), st.data())
def test_a_proof_that_is_cut_or_too_long_shows_nothing(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    hashes = LEAVES[:new]
    proof = consistency_proof(subtree_of(hashes), old, new)
    roots = root_of(hashes[:old]), root_of(hashes)

    for wrong in (proof[:-1], [*proof, EMPTY_ROOT], []):
        with pytest.raises(ProofError):
            check_consistency(old, roots[0], new, roots[1], wrong)


@given(st.integers(1, 300), st.data())
def test_an_inclusion_that_is_cut_or_too_long_shows_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes, root = LEAVES[:size], root_of(LEAVES[:size])
    proof = inclusion_proof(subtree_of(hashes), index, size)

    for wrong in ([*proof, EMPTY_ROOT], *([proof[:-1]] if proof else [])):
        with pytest.raises(ProofError):
            check_inclusion(hashes[index], index, size, wrong, root)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"has no leaf {index}"):
        inclusion_proof(subtree_of(LEAVES), index, size)
    with pytest.raises(ProofError, match=f"has no leaf {index}"):
        check_inclusion(LEAVES[0], index, size, [], EMPTY_ROOT)


def test_a_larger_tree_is_no_beginning() -> None:
    with pytest.raises(ValueError, match="cannot have grown"):
        consistency_proof(subtree_of(LEAVES), 4, 3)
    with pytest.raises(ProofError, match="cannot have grown"):
        check_consistency(4, EMPTY_ROOT, 3, EMPTY_ROOT, [])


def test_every_tree_begins_with_the_empty_one_and_with_no_other_of_its_size() -> None:
    check_consistency(0, EMPTY_ROOT, 5, root_of(LEAVES[:5]), [])
    with pytest.raises(ProofError):
        check_consistency(0, LEAVES[0], 5, root_of(LEAVES[:5]), [])
    with pytest.raises(ProofError):
        check_consistency(5, root_of(LEAVES[:5]), 5, root_of(LEAVES[1:6]), [])


def _changed(data: st.DataObject, hashes: list[bytes]) -> list[bytes]:
    """The same with one bit turned."""
    at = data.draw(st.integers(0, len(hashes) - 1))
    bit = data.draw(st.integers(0, 255))
    number = int.from_bytes(hashes[at], "big") ^ (1 << bit)
    return [*hashes[:at], number.to_bytes(32, "big"), *hashes[at + 1 :]]

"""Tiles by the specification's own examples, and every proof out of tiles alone."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fristwerk_proof.merkle import root_of, root_of_peaks
from fristwerk_proof.proofs import (
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    tree_peaks,
)
from fristwerk_proof.tiles import (
    Tile,
    bundle,
    new_hashes,
    numbered_path,
    parsed_level,
    parsed_path,
    subtree_hash,
    tiles_of,
    unbundled,
    width_at,
)
from tests.proof.trees import leaves

LEAVES = leaves(1_100)


class Tiles:
    """Tiles that grow, kept in memory."""

    def __init__(self) -> None:
        self.hashes: dict[tuple[int, int], bytes] = defaultdict(bytes)
        self.size = 0
        self.peaks: list[bytes] = []

    def read(self, level: int, index: int) -> bytes:
        return self.hashes[level, index]

    def add(self, added: list[bytes]) -> None:
        for level, at, each in new_hashes(self.peaks, self.size, added):
            assert len(self.hashes[level, at // 256]) == at % 256 * 32
            self.hashes[level, at // 256] += each
        self.size += len(added)


def test_a_tree_of_70000_has_the_tiles_that_the_specification_names() -> None:
    tiles = list(tiles_of(70_000))

    assert tiles == [
        *(Tile(0, index) for index in range(273)),
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "000"),
        (7, 5, "007.p/5"),
        (999, 256, "999"),
        (1000, 256, "x001/000"),
        (1_234_067, 1, "x001/x234/067.p/1"),
    ],
)
def test_a_tile_is_named_by_groups_of_three_digits(index: int, width: int, path: str) -> None:
    assert numbered_path(index, width) == path
    assert parsed_path(path) == (index, width)
    assert Tile(2, index, width).path == f"2/{path}"


@pytest.mark.parametrize(
    "path",
    [
        "x999/" * 6 + "999",
        "",
        "1",
        "x001/x000",
        "x000/001",
        "001.p/0",
        "001.p/256",
        "001.p/01",
        "001.p/",
        "1000",
        "٠٠١",
    ],
)
def test_another_spelling_names_no_tile(path: str) -> None:
    with pytest.raises(ValueError, match="names no tile"):
        parsed_path(path)


@pytest.mark.parametrize("text", ["", "-1", "01", "64", "x", "٣"])
def test_another_spelling_is_no_level(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int's own sentence where it is no number
        parsed_level(text)
    assert [parsed_level(each) for each in ("0", "63")] == [0, 63]


@given(st.lists(st.integers(0, 600), min_size=1, max_size=4), st.data())
def test_what_tiles_prove_is_what_the_tree_is(parts: list[int], data: st.DataObject) -> None:
    tiles, taken = Tiles(), 0
    for each in parts:
        tiles.add(LEAVES[taken : taken + each])
        taken = tiles.size
    if taken == 0:
        return
    old, index = data.draw(st.integers(0, taken)), data.draw(st.integers(0, taken - 1))
    hashes, subtree = LEAVES[:taken], subtree_hash(tiles.read)

    check_inclusion(hashes[index], index, taken, inclusion_proof(subtree, index, taken), root_of(hashes))
    check_consistency(old, root_of(hashes[:old]), taken, root_of(hashes), consistency_proof(subtree, old, taken))
    assert root_of_peaks(tree_peaks(subtree, taken)) == root_of_peaks(tiles.peaks) == root_of(hashes)
    for tile in tiles_of(taken):
        assert len(tiles.read(tile.level, tile.index)) == tile.width * 32
        assert width_at(taken, tile.level, tile.index) == tile.width


def test_a_tile_that_is_shorter_than_the_tree_is_noticed() -> None:
    tiles = Tiles()
    tiles.add(LEAVES[:10])

    with pytest.raises(ValueError, match="Tile 0/0 is shorter"):
        inclusion_proof(subtree_hash(tiles.read), 3, 12)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert list(unbundled(bundle(entries))) == entries


def test_a_bundle_that_breaks_off_and_an_entry_that_is_too_long_are_refused() -> None:
    whole = bundle([b"one", b"two"])

    for cut in (whole[:-1], whole[:6]):
        with pytest.raises(ValueError, match="breaks off"):
            list(unbundled(cut))
    with pytest.raises(ValueError, match="65536 bytes"):
        bundle([b"x" * 65_536])

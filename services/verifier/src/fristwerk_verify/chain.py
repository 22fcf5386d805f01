"""The chain of one log: heads that were signed, one tree that all of them are of, every line in it, streams without gaps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec

from fristwerk_language.events import EVENT_TYPES
from fristwerk_proof import bundles, checkpoints, notes
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import HASH_BYTES, complete_root, leaf_hash, node_hash, root_of, root_of_peaks
from fristwerk_proof.notes import NoteError, VerifierKey
from fristwerk_proof.tiles import TILE_WIDTH, split_hashes, tiles_of
from fristwerk_verify.findings import BadInputError, CheckStep
from fristwerk_verify.lines import LineStore
from fristwerk_verify.reading import Bundle

KNOWN_SCHEMA: Final = 1


class KeptHead(msgspec.Struct, frozen=True, kw_only=True):
    """A head that was signed, as the bundle has it."""

    size: int
    signed_at: datetime
    as_found: bool
    note: str
    stamp: str | None = None
    """An authority's time stamp over the note, in base64."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """What of a line says whose it is and where it stands."""

    type: str
    schema: int
    provider: str
    stream: str
    version: int


class Chain(msgspec.Struct, kw_only=True):
    """What is known of a log once its chain was checked."""

    log: str
    keys: Sequence[VerifierKey] = ()
    heads: Sequence[KeptHead] = ()
    newest: Checkpoint | None = None
    unknown: dict[str, int] = {}
    """Types of events that this version does not know, and how many there are."""
    leaves: bytearray = msgspec.field(default_factory=bytearray)

    def between(self, place: int) -> dict[str, object]:
        """Between which heads a line was taken into the tree."""
        before = max((each.size for each in self.heads if each.size <= place), default=0)
        after = next((each for each in self.heads if each.size > place), None)
        signed = after.signed_at.isoformat(timespec="seconds") if after else "-"
        return {"before": before, "after": after.size if after else 0, "signed_at": signed}


_line: Final = msgspec.json.Decoder(Line)
_head: Final = msgspec.json.Decoder(KeptHead)


def published_keys(bundle: Bundle, log: str, pinned: Sequence[VerifierKey], step: CheckStep) -> list[VerifierKey]:
    """The keys that heads are checked with: the pinned ones of that origin where there are any, else those published."""
    origin = bundle.manifest.logs[log].origin
    own = [each for each in pinned if each.name == origin]
    if own:
        return own
    try:
        content = json.loads(bundle.whole(bundles.keys_of(log)))
        keys = [VerifierKey.parsed(each) for each in content["keys"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, NoteError) as error:
        step.found("keys-unreadable", log=log, error=str(error))
        return []
    foreign = [each.name for each in keys if each.name != origin]
    if foreign or not keys:
        step.found("keys-foreign", log=log, name=foreign[0] if foreign else "-", origin=origin)
        return []
    return keys


def check_heads(bundle: Bundle, chain: Chain, step: CheckStep) -> None:
    """Every head is signed, they grow, and the newest one is of as many events as the manifest says."""
    entry = bundle.manifest.logs[chain.log]
    heads: list[KeptHead] = []
    for number, line in enumerate(bundle.lines(bundles.checkpoints_of(chain.log)), start=1):
        step.count("heads")
        try:
            head = _head.decode(line)
            found = checkpoints.opened(head.note.encode(), chain.keys, entry.origin)
        except (msgspec.MsgspecError, NoteError, UnicodeEncodeError) as error:
            step.found("head-wrong", log=chain.log, number=number, error=str(error))
            continue
        if found.size != head.size or (heads and head.size <= heads[-1].size):
            step.found("head-order", log=chain.log, number=number, size=found.size)
            continue
        heads.append(head)
        chain.newest = found
    chain.heads = heads
    if (heads[-1].size if heads else 0) != entry.size:
        step.found("head-missing", log=chain.log, size=entry.size)


def read_lines(bundle: Bundle, chain: Chain, store: LineStore, step: CheckStep) -> None:
    """Keep every line with the hash of its leaf; each belongs to the provider and continues its stream."""
    provider = bundle.manifest.provider
    for place, line in enumerate(bundle.lines(bundles.events_of(chain.log))):
        chain.leaves += leaf_hash(line)
        number = place + 1
        step.count("events")
        try:
            read = _line.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            step.found("line-unreadable", log=chain.log, number=number, error=str(error))
            store.add(line, "")
            continue
        if read.provider != provider:
            step.found("line-foreign", log=chain.log, number=number, provider=read.provider)
        if read.version != store.newest(read.stream) + 1:
            expected = store.newest(read.stream) + 1
            step.found(
                "line-version",
                log=chain.log,
                number=number,
                stream=read.stream,
                version=read.version,
                expected=expected,
            )
        if read.type not in EVENT_TYPES or read.schema > KNOWN_SCHEMA:
            chain.unknown[read.type] = chain.unknown.get(read.type, 0) + 1
        store.add(line, read.stream)
    store.flush()


def check_tree(bundle: Bundle, chain: Chain, step: CheckStep) -> None:
    """Every head is of the tree over these lines, and the tiles are its nodes; what differs first is named."""
    size = len(chain.leaves) // HASH_BYTES
    if chain.newest is None:
        if size:
            step.found("lines-without-head", log=chain.log, events=size)
        return
    if size != chain.newest.size:
        step.found("lines-number", log=chain.log, events=size, size=chain.newest.size)
    roots = _roots(chain.leaves, {each.size for each in chain.heads})
    wrong = [each for each in chain.heads if roots.get(each.size) != _root(each)]
    level_0 = _level_0(bundle, chain)
    if level_0 != chain.leaves:
        _name_difference(chain, level_0, step)
    elif wrong:
        first = wrong[0]
        before = max((each.size for each in chain.heads if each.size < first.size), default=0)
        step.found("head-other-tree", log=chain.log, size=first.size, before=before, signed_at=_at(first))
    if not step.findings:
        _check_tiles(bundle, chain, size, step)
        step.count("hashes", size)


def _name_difference(chain: Chain, level_0: bytes, step: CheckStep) -> None:
    """The first leaf that differs from the stored hashes: which of the two the newest head is of says what was changed."""
    assert chain.newest is not None, "there is a head"
    pairs = zip(split_hashes(bytes(chain.leaves)), split_hashes(level_0), strict=False)
    shorter = min(len(chain.leaves), len(level_0)) // HASH_BYTES
    place = next((place for place, (one, other) in enumerate(pairs) if one != other), shorter)
    stored_is_signed = root_of(split_hashes(level_0)) == chain.newest.root
    key = "line-changed" if stored_is_signed else "tile-changed"
    step.found(key, log=chain.log, number=place + 1, **chain.between(place))


def _level_0(bundle: Bundle, chain: Chain) -> bytes:
    """The hashes of leaves as the bundle has them; what is missing or too long is left out."""
    assert chain.newest is not None, "there is a head"
    found = bytearray()
    for tile in tiles_of(chain.newest.size):
        name = bundles.tile_of(chain.log, tile.path)
        if tile.level == 0 and bundle.has(name):
            found += bundle.whole(name)
    return bytes(found)


def _check_tiles(bundle: Bundle, chain: Chain, size: int, step: CheckStep) -> None:
    """Every tile above the leaves is what the tiles below give."""
    level, below = 0, split_hashes(bytes(chain.leaves))
    for tile in tiles_of(size):
        while tile.level > level:
            full = len(below) // TILE_WIDTH
            below = [complete_root(below[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(full)]
            level += 1
        name = bundles.tile_of(chain.log, tile.path)
        expected = b"".join(below[tile.index * TILE_WIDTH : tile.index * TILE_WIDTH + tile.width])
        if not bundle.has(name) or bundle.whole(name) != expected:
            step.found("tile-wrong", log=chain.log, tile=tile.path)
    named = {bundles.tile_of(chain.log, tile.path) for tile in tiles_of(size)}
    for name in bundle.names(f"{chain.log}/tile/"):
        if name not in named:
            step.found("tile-of-no-tree", log=chain.log, tile=name)


def _roots(leaves: bytearray, sizes: set[int]) -> dict[int, bytes]:
    """The roots of the trees of so many leaves, of one pass over the leaves."""
    found: dict[int, bytes] = {}
    for size, peaks in _peaks(leaves):
        if size in sizes:
            found[size] = root_of_peaks(peaks)
    return found


def _peaks(leaves: bytearray) -> Iterator[tuple[int, list[bytes]]]:
    """After each leaf how many there are, and the peaks of the tree over them."""
    peaks: list[bytes] = []
    for size in range(len(leaves) // HASH_BYTES):
        hashed, complete = bytes(leaves[size * HASH_BYTES : (size + 1) * HASH_BYTES]), size
        while complete & 1:
            hashed = node_hash(peaks.pop(), hashed)
            complete >>= 1
        peaks.append(hashed)
        yield size + 1, peaks


def _root(head: KeptHead) -> bytes:
    return checkpoints.unchecked(notes.parsed(head.note.encode())).root


def _at(head: KeptHead) -> str:
    return head.signed_at.isoformat(timespec="seconds")


def check_origins(bundle: Bundle) -> str:
    """The installation that both logs are of. Raises BadInputError where they are not of one, or of another provider."""
    found = set()
    for log, entry in bundle.manifest.logs.items():
        parts = entry.origin.split("/")
        if (
            len(parts) != len(("fristwerk", "installation", "provider", "log"))
            or parts[0] != "fristwerk"
            or parts[3] != log
        ):
            raise BadInputError("origin-unreadable", origin=entry.origin[:200])
        found.add((parts[1], parts[2]))
    if len(found) != 1 or found != {(parts[1], quote(bundle.manifest.provider, safe=""))}:
        raise BadInputError(
            "origins-differ", origins=", ".join(sorted(each.origin for each in bundle.manifest.logs.values()))
        )
    return found.pop()[0]

"""Heads that somebody kept, such as a witness or whoever got an invoice: the bundle's log must have grown out of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from fristwerk_proof import checkpoints, notes
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import HASH_BYTES, root_of
from fristwerk_proof.notes import NoteError
from fristwerk_proof.tiles import split_hashes
from fristwerk_verify.chain import Chain
from fristwerk_verify.findings import BadInputError, CheckStep


class SeenHead(msgspec.Struct, frozen=True):
    """A head that was kept: a whole note, or the short form of one (size and the root's first digits)."""

    source: str
    origin: str | None
    size: int
    digits: str
    """The root in hexadecimal, or its beginning."""


def seen_in(path: Path) -> list[SeenHead]:
    """The heads in a file or a folder of notes. Raises BadInputError."""
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    return [_head_of(each) for each in files if path.is_file() or each.suffix == ".checkpoint"]


def seen_short(text: str) -> SeenHead:
    """The short form as it stands on invoices: ``<log>:<size>:<16 digits>``. Raises BadInputError."""
    log, _, rest = text.partition(":")
    size, _, digits = rest.partition(":")
    if not (size.isascii() and size.isdecimal() and digits and all(each in "0123456789abcdef" for each in digits)):
        raise BadInputError("head-unreadable", path=text, error="it is no <log>:<size>:<digits>")
    return SeenHead(text, log, int(size), digits)


def _head_of(path: Path) -> SeenHead:
    try:
        found: Checkpoint = checkpoints.unchecked(notes.parsed(path.read_bytes()))
    except (OSError, NoteError) as error:
        raise BadInputError("head-unreadable", path=str(path), error=str(error)) from error
    return SeenHead(path.name, found.origin, found.size, found.root.hex())


def check_seen(chains: Mapping[str, Chain], seen: Sequence[SeenHead], step: CheckStep) -> None:
    """The tree of as many lines as each kept head covers has that head's root."""
    for head in seen:
        chain = next((each for each in chains.values() if _is_of(head, each)), None)
        if chain is None:
            step.found("head-of-another", source=head.source, origin=head.origin or "-")
            continue
        step.count("seen")
        have = len(chain.leaves) // HASH_BYTES
        if head.size > have:
            step.found("head-beyond", source=head.source, log=chain.log, size=head.size, events=have)
        elif not _root(chain, head.size).startswith(head.digits):
            step.found("head-forked", source=head.source, log=chain.log, size=head.size)


def _is_of(head: SeenHead, chain: Chain) -> bool:
    return head.origin == chain.log or (chain.newest is not None and head.origin == chain.newest.origin)


def _root(chain: Chain, size: int) -> str:
    return root_of(split_hashes(bytes(chain.leaves[: size * HASH_BYTES]))).hex()

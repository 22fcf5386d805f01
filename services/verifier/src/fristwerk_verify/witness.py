"""A witness: keeps the newest head of each log on a machine of its own, and says loudly when history forked.

It trusts the keys that it saw first. What it signs is C2SP's ``cosignature/v1``: this head was the newest one that it saw,
and the log had grown out of every head that it signed before.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_proof import checkpoints
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.collecting import CollectError
from fristwerk_proof.merkle import EMPTY_ROOT, leaf_hash, root_of
from fristwerk_proof.notes import COSIGNATURE, NoteError, SigningKey, VerifierKey, is_key_name, parsed
from fristwerk_proof.proofs import ProofError, check_consistency
from fristwerk_proof.tiles import TILE_WIDTH, split_hashes, tiles_of
from fristwerk_verify.findings import BadInputError
from fristwerk_verify.online import get

_KEY: Final = "witness-key.json"
_SEED_BYTES: Final = 32
_PAGE: Final = 1_000
_OK: Final = 200
_NOT_FOUND: Final = 404


class WitnessError(Exception):
    """A log is not what it was. The message is a sentence, and what was seen lies beside the heads."""


class Witness:
    """Keeps heads in a folder. Raises BadInputError where that cannot be used."""

    def __init__(self, folder: Path, name: str, token: str) -> None:
        if not is_key_name(name):
            raise BadInputError("not-reached", error=f"{name!r} cannot sign: no spaces, no plus.")
        self._folder = folder
        self._token = token
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._key = SigningKey(name, _private_key(folder / _KEY))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInputError("not-reached", error=f"The folder {folder} cannot be used: {error}.") from error

    @property
    def verifier(self) -> VerifierKey:
        """The key that its cosignatures are checked with."""
        return self._key.verifier(COSIGNATURE)

    def visit(self, log: str, address: str, *, events: bool = True) -> str:
        """Look at a log once; returns what was seen. ``events``: hash every event again, not only compare heads.

        Raises WitnessError where the log is not what it was, CollectError where it does not answer.
        """
        prefix = f"{address}/v1/audit/{log}"
        published = json.loads(self._read(f"{prefix}/key"))
        keys = self._trusted(log, published)
        answer = get(f"{prefix}/checkpoint", self._token)
        kept = self._kept(log)
        if answer.status == _NOT_FOUND:
            if kept is not None:
                raise WitnessError(f"{log} has no head any more; it had one of {kept.size} events.")
            return f"{log} has no head yet."
        note = _checked(answer.status, answer.content, f"{prefix}/checkpoint")
        try:
            found = checkpoints.opened(note, keys, keys[0].name)
        except NoteError as error:
            raise self._evidence(
                log, note, f"The head of {log} is not signed by a key that was seen before: {error}"
            ) from error
        self._learn(log, published, keys, note)
        if kept is not None:
            self._compare(log, prefix, kept, found, note)
        if events:
            self._check_events(log, prefix, found, note)
        self._keep(log, found, note)
        return f"{log} {found.short} grew out of {kept.short if kept else 'nothing that was seen before'}."

    def _compare(self, log: str, prefix: str, kept: Checkpoint, found: Checkpoint, note: bytes) -> None:
        if found.size < kept.size:
            sentence = (
                f"{log} went back: its head covers {found.size} events, {kept.size} were seen before ({kept.short})."
            )
            raise self._evidence(log, note, sentence)
        hashes: list[bytes] = []
        if 0 < kept.size < found.size:
            shown = json.loads(self._read(f"{prefix}/consistency?from={kept.size}&to={found.size}"))
            hashes = [bytes.fromhex(each) for each in shown["hashes"]]
        try:
            check_consistency(kept.size, kept.root if kept.size else EMPTY_ROOT, found.size, found.root, hashes)
        except ProofError as error:
            sentence = f"HISTORY FORKED: {log} {found.short} did not grow out of {kept.short}, which was signed before. {error}"
            raise self._evidence(log, note, sentence) from error

    def _check_events(self, log: str, prefix: str, found: Checkpoint, note: bytes) -> None:
        """Hash the events as they are served now; the first one that is not in the signed tree is named."""
        leaves: list[bytes] = []
        names: list[str] = []
        while len(leaves) < found.size:
            limit = min(_PAGE, found.size - len(leaves))
            lines = self._read(f"{prefix}/export?after={len(leaves)}&limit={limit}").splitlines()
            if not lines:
                sentence = f"{log} serves {len(leaves)} events, its signed head covers {found.size}."
                raise self._evidence(log, note, sentence)
            leaves += map(leaf_hash, lines)
            names += map(_name, lines)
        if root_of(leaves) != found.root:
            place = self._first_other(prefix, found.size, leaves)
            sentence = f"Event {place + 1} of {log} ({names[place]}) is not the one that was signed{self._heads(prefix, place)}."
            raise self._evidence(log, note, sentence)

    def _first_other(self, prefix: str, size: int, leaves: list[bytes]) -> int:
        """The place of the first event whose hash is not the stored one; the last place where none differs."""
        for tile in tiles_of(size):
            if tile.level == 0:
                stored = split_hashes(self._read(f"{prefix}/tile/{tile.path}"))
                start = tile.index * TILE_WIDTH
                for place, one in enumerate(stored, start):
                    if one != leaves[place]:
                        return place
        return size - 1

    def _heads(self, prefix: str, place: int) -> str:
        """Between which heads an event was taken into the tree."""
        before, after = 0, 0
        while not after:
            page = json.loads(self._read(f"{prefix}/heads?after={before}&limit=200"))["items"]
            if not page:
                return ""
            for each in page:
                if each["size"] > place:
                    after = each["size"]
                    break
                before = each["size"]
        return f"; it was taken into the tree between the head of {before} events and that of {after}"

    def _trusted(self, log: str, published: Any) -> list[VerifierKey]:
        """The keys that were seen first; those that are published later are not believed."""
        path = self._folder / f"{log}.keys"
        if not path.exists():
            keys = [VerifierKey.parsed(each) for each in published["keys"]]
            path.write_text("".join(f"{each}\n" for each in keys))
        return [VerifierKey.parsed(each) for each in path.read_text().splitlines()]

    def _learn(self, log: str, published: Any, trusted: list[VerifierKey], note: bytes) -> None:
        """Trust a key that is published and has signed the same head as a trusted one: so keys are rotated."""
        signed = {(each.name, each.key_id) for each in parsed(note).signatures}
        for each in map(VerifierKey.parsed, published["keys"]):
            if each not in trusted and (each.name, each.id) in signed:
                checkpoints.opened(note, [each])
                with (self._folder / f"{log}.keys").open("a") as file:
                    file.write(f"{each}\n")

    def _kept(self, log: str) -> Checkpoint | None:
        path = self._folder / f"{log}.checkpoint"
        if not path.exists():
            return None
        try:
            content = path.read_bytes()
            checkpoints.check_cosigned(content, self.verifier)
            return checkpoints.opened(content, self._trusted(log, None))
        except NoteError as error:
            raise WitnessError(f"The head that was kept in {path} is damaged: {error}") from error

    def _keep(self, log: str, found: Checkpoint, note: bytes) -> None:
        signed = checkpoints.cosigned(note, self._key, int(time.time()))
        for path in (self._folder / f"{log}-{found.size}.checkpoint", self._folder / f"{log}.checkpoint"):
            draft = path.with_suffix(".part")
            draft.write_bytes(signed)
            draft.replace(path)

    def _evidence(self, log: str, note: bytes, sentence: str) -> WitnessError:
        path = self._folder / f"{log}-fork-{int(time.time())}.evidence"
        path.write_bytes(note)
        return WitnessError(f"{sentence} The head is kept in {path}.")

    def _read(self, address: str) -> bytes:
        answer = get(address, self._token)
        return _checked(answer.status, answer.content, address)


def _name(line: bytes) -> str:
    """How an event is named in a sentence."""
    try:
        event = json.loads(line)
        return f"{event['type']}, version {event['version']} of {event['stream']}"
    except (ValueError, KeyError, TypeError):
        return "unreadable"


def _checked(status: int, content: bytes, address: str) -> bytes:
    if status != _OK:
        raise CollectError(f"{address.partition('?')[0]} answers {status}.")
    return content


def _private_key(path: Path) -> Ed25519PrivateKey:
    """The witness's own key, made on its first visit."""
    if not path.exists():
        seed = base64.b64encode(secrets.token_bytes(_SEED_BYTES)).decode()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"seed": seed}, file)
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(json.loads(path.read_bytes())["seed"]))

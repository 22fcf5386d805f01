"""Go's own implementation of notes and transparency logs and ours give the same verdict on every head, proof and tile."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_proof import checkpoints, notes
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import root_of
from fristwerk_proof.notes import NoteError, VerifierKey
from fristwerk_proof.proofs import ProofError, check_consistency, check_inclusion, consistency_proof, inclusion_proof
from tests.proof.trees import leaves, subtree_of
from tests.verifier.bundling import Files
from tests.verifier.mutations import LOGS

SOURCE: Final = Path(__file__).parent / "oracle" / "main.go"
PACKAGES: Final = Path("/usr/share/gocode")
"""Where Debian puts the sources of Go's packages: nothing is downloaded."""
LEAVES: Final = leaves(70)
Case = dict[str, Any]


class Oracle:
    """The program, built once."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def verdicts(self, cases: Sequence[Case]) -> list[bool]:
        """Of each case whether Go accepts it."""
        given = "\n".join(json.dumps(each, default=_encoded) for each in cases)
        done = subprocess.run([self._program], input=given.encode(), capture_output=True, check=True, timeout=120)  # noqa: S603 - built by the fixture
        lines = done.stdout.decode().splitlines()
        assert len(lines) == len(cases)
        return [each == "accepted" for each in lines]


def _encoded(value: object) -> str:
    """Bytes as Go's JSON reads them."""
    assert isinstance(value, bytes), "nothing else is left over"
    return base64.b64encode(value).decode()


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    go = shutil.which("go")
    if go is None or not (PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go and its tlog package are not installed: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("oracle")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(PACKAGES),
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOCACHE": str(folder / "cache"),
    }
    subprocess.run(  # noqa: S603 - Go's own compiler
        [go, "build", "-o", folder / "oracle", SOURCE.name],
        cwd=SOURCE.parent,
        env=environment,
        check=True,
        timeout=300,
    )
    return Oracle(folder / "oracle")


def inclusion_case(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> tuple[Case, bool]:
    case = {"kind": "inclusion", "leaf": leaf, "index": index, "size": size, "proof": list(proof), "root": root}
    try:
        check_inclusion(leaf, index, size, proof, root)
    except ProofError:
        return case, False
    return case, True


def consistency_case(old: int, old_root: bytes, new: int, root: bytes, proof: Sequence[bytes]) -> tuple[Case, bool]:
    case = {
        "kind": "consistency",
        "old_size": old,
        "old_root": old_root,
        "size": new,
        "root": root,
        "proof": list(proof),
    }
    try:
        check_consistency(old, old_root, new, root, proof)
    except ProofError:
        return case, False
    return case, True


def head_case(note: bytes, keys: Sequence[VerifierKey]) -> tuple[Case, bool]:
    origin = keys[0].name
    case = {"kind": "head", "note": note, "origin": origin, "keys": [str(each) for each in keys]}
    try:
        checkpoints.opened(note, keys, origin)
    except NoteError:
        return case, False
    return case, True


def agree(oracle: Oracle, judged: Sequence[tuple[Case, bool]]) -> tuple[int, int]:
    """Both say the same of everything; how much of it both accept, and refuse."""
    found = oracle.verdicts([case for case, _ in judged])
    ours = [verdict for _, verdict in judged]
    assert found == ours, [case for (case, verdict), go in zip(judged, found, strict=True) if verdict != go][:3]
    return ours.count(True), ours.count(False)


def turned(content: bytes, drawn: random.Random) -> bytes:
    """The same with one bit turned."""
    changed = bytearray(content)
    changed[drawn.randrange(len(changed))] ^= 1 << drawn.randrange(8)
    return bytes(changed)


def test_on_every_proof_that_an_event_is_in_a_tree(oracle: Oracle) -> None:
    drawn = random.Random(20)  # noqa: S311 - the same ones each time
    judged = []
    for size in range(1, len(LEAVES) + 1):
        hashes, root = LEAVES[:size], root_of(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(subtree_of(hashes), index, size)
            judged.append(inclusion_case(hashes[index], index, size, proof, root))
            judged.append(inclusion_case(turned(hashes[index], drawn), index, size, proof, root))
            judged.append(inclusion_case(hashes[index], (index + 1) % size, size, proof, root))
            judged.append(inclusion_case(hashes[index], index, size, proof[:-1] or [root], root))
            judged.append(inclusion_case(hashes[index], index, size, proof, turned(root, drawn)))

    accepted, refused = agree(oracle, judged)

    assert accepted == 2_485 + 1  # every proof, and that of a tree of one leaf at "the next" place, which is the same
    assert refused == 4 * 2_485 - 1


def test_on_every_proof_that_a_tree_grew_out_of_another(oracle: Oracle) -> None:
    drawn = random.Random(21)  # noqa: S311 - the same ones each time
    judged = []
    for new in range(1, len(LEAVES) + 1):
        root = root_of(LEAVES[:new])
        for old in range(1, new + 1):
            old_root, proof = root_of(LEAVES[:old]), consistency_proof(subtree_of(LEAVES[:new]), old, new)
            judged.append(consistency_case(old, old_root, new, root, proof))
            judged.append(consistency_case(old, turned(old_root, drawn), new, root, proof))
            judged.append(consistency_case(old, old_root, new, turned(root, drawn), proof))
            judged.append(consistency_case(old, old_root, new, root, [*proof, root]))
            if proof:
                place = drawn.randrange(len(proof))
                wrong = [*proof[:place], turned(proof[place], drawn), *proof[place + 1 :]]
                judged.append(consistency_case(old, old_root, new, root, wrong))

    accepted, refused = agree(oracle, judged)

    assert (accepted, refused) == (2_485, 3 * 2_485 + 2_415)


def test_on_every_head_of_the_bundle_whoever_signed_it(
    oracle: Oracle, files: Files, operator_keys: CheckpointKeys
) -> None:
    drawn = random.Random(22)  # noqa: S311 - the same ones each time
    judged = []
    for log in LOGS:
        keys = [VerifierKey.parsed(each) for each in json.loads(files[f"{log}/keys.json"])["keys"]]
        stranger = VerifierKey(keys[0].name, drawn.randbytes(32))
        for line in files[f"{log}/checkpoints.ndjson"].splitlines():
            note = json.loads(line)["note"].encode()
            judged += [head_case(note, keys), head_case(note, [stranger])]
            judged += [head_case(_changed(note, drawn), keys) for _ in range(20)]
        other = operator_keys.origin("somebody-else", log)
        judged.append(head_case(operator_keys.signed(Checkpoint(other, 3, LEAVES[0])), keys))

    accepted, refused = agree(oracle, judged)

    heads = sum(len(files[f"{log}/checkpoints.ndjson"].splitlines()) for log in LOGS)
    assert accepted == heads
    assert refused == 21 * heads + len(LOGS)


def test_on_the_tiles_and_every_line_of_the_bundle(oracle: Oracle, files: Files, tmp_path: Path) -> None:
    drawn = random.Random(23)  # noqa: S311 - the same ones each time
    for log in LOGS:
        folder = tmp_path / log
        _write(folder, log, files)
        lines = files[f"{log}/events.ndjson"].splitlines()
        note = json.loads(files[f"{log}/checkpoints.ndjson"].splitlines()[-1])["note"].encode()
        case = {
            "kind": "tiles",
            "note": note,
            "origin": json.loads(files[f"{log}/keys.json"])["origin"],
            "keys": json.loads(files[f"{log}/keys.json"])["keys"],
            "folder": str(folder),
            "lines": lines,
        }
        place = drawn.randrange(len(lines))
        changed = [*lines[:place], turned(lines[place], drawn), *lines[place + 1 :]]

        assert oracle.verdicts([case, case | {"lines": changed}, case | {"lines": lines[:-1]}]) == [True, False, False]

        tile = drawn.choice([each for each in files if each.startswith(f"{log}/tile/0/")])
        _write(folder, log, files | {tile: turned(files[tile], drawn)})
        assert oracle.verdicts([case]) == [False]


def _changed(note: bytes, drawn: random.Random) -> bytes:
    """A note with one bit of its text or of a signature turned; the rest is written as before."""
    parsed = notes.parsed(note)
    if drawn.randrange(2):
        place = drawn.randrange(len(parsed.text) - 1)
        other = drawn.choice([each for each in "0123456789abcdef" if each != parsed.text[place]])
        return notes.encoded(parsed._replace(text=parsed.text[:place] + other + parsed.text[place + 1 :]))
    first, *rest = parsed.signatures
    return notes.encoded(parsed._replace(signatures=[first._replace(content=turned(first.content, drawn)), *rest]))


def _write(folder: Path, log: str, files: Files) -> None:
    for name, content in files.items():
        if name.startswith(f"{log}/tile/"):
            path = folder / name.removeprefix(f"{log}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

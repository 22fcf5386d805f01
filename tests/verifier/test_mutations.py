"""Whatever is changed in a bundle is found, in the step it belongs to and at the line that was changed; nothing else is."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_proof.notes import VerifierKey
from fristwerk_verify.findings import Report
from fristwerk_verify.seen import SeenHead
from fristwerk_verify.verification import verify
from tests.verifier.bundling import Files, write
from tests.verifier.mutations import LOGS, Mutation, Mutations, heads_of

SHORT, LONG = 10, 667
"""Of each of fifteen kinds."""
SEED: Final = 20261128


@pytest.fixture
def each_kind(request: pytest.FixtureRequest) -> int:
    return LONG if request.config.getoption("faults") == "long" else SHORT


@pytest.fixture
def pinned(files: Files) -> list[VerifierKey]:
    """The keys as whoever checks has kept them."""
    return [VerifierKey.parsed(json.loads(files[f"{log}/keys.json"])["keys"][0]) for log in LOGS]


def missed(mutation: Mutation, report: Report) -> str | None:
    """Why a mutation was not found as it should be."""
    failed = {step.key: step for step in report.steps if step.outcome == "fails"}
    if not mutation.steps & failed.keys():
        return f"{mutation.kind}: found in {sorted(failed)}, expected in {sorted(mutation.steps)}"
    if mutation.line is not None:
        named = [
            (each.values["log"], each.values["number"])
            for each in failed["tree"].findings
            if each.key in {"line-changed", "tile-changed"}
        ]
        if mutation.line not in named:
            return f"{mutation.kind}: named {named}, expected {mutation.line}"
    return None


def test_every_change_is_found_where_it_was_made(
    files: Files, operator_keys: CheckpointKeys, pinned: list[VerifierKey], tmp_path: Path, each_kind: int
) -> None:
    mutations = Mutations(files, operator_keys, SEED)
    kept = [SeenHead(f"{log} {size}", log, size, root) for log, size, root in heads_of(files)]
    found: Counter[str] = Counter()
    wrong: list[str] = []
    for kind in mutations.kinds:
        for _ in range(each_kind):
            mutation = mutations.draw(kind)
            path = write(mutation.files, tmp_path / "changed.zip", sealed=mutation.sealed)
            seen = kept if "seen" in mutation.steps else []
            problem = missed(mutation, verify(path, keys=pinned, seen=seen))
            found[kind] += problem is None
            wrong += [problem] if problem else []
    table = "\n".join(f"{kind:<36} {found[kind]:>6} of {each_kind:>6} found" for kind in mutations.kinds)
    sys.stdout.write(f"\n{table}\n")
    assert wrong == []


def test_an_unchanged_bundle_is_never_blamed(files: Files, tmp_path: Path, pinned: list[VerifierKey]) -> None:
    kept = [SeenHead(log, log, size, root) for log, size, root in heads_of(files)]
    for number in range(3):
        path = write(dict(sorted(files.items(), reverse=bool(number % 2))), tmp_path / "same.zip")
        assert verify(path, keys=pinned, seen=kept).outcome == "holds"

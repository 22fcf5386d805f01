"""A witness signs what grew, and says loudly when a log is not the one that it saw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_proof import checkpoints
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import complete_root, leaf_hash, root_of
from fristwerk_proof.notes import Note, SigningKey, encoded, parsed
from fristwerk_proof.proofs import SubtreeHash, consistency_proof
from fristwerk_verify.cli import main
from fristwerk_verify.seen import seen_in
from fristwerk_verify.witness import Witness

ORIGIN: Final = "fristwerk/0123456789abcdef/infoniqa/"


class Operator:
    """The audit routes of both services as an operator may serve them, honest or not."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.before: Ed25519PrivateKey | None = None
        """The key before a rotation, which signs as well."""
        self.lines: dict[str, list[bytes]] = {"tickets": [b"one", b"two", b"three"], "billing": []}
        self.served: dict[str, list[bytes]] = {}
        """What is served in place of the lines that were hashed."""

    def answer(self, path: str) -> tuple[int, bytes]:
        """What a path answers."""
        parts = urlsplit(path)
        log, what = parts.path.split("/")[3:5]
        asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        leaves = [leaf_hash(each) for each in self.lines[log]]
        signing = SigningKey(ORIGIN + log, self.key)
        match what:
            case "key":
                content = json.dumps({"origin": signing.name, "keys": [str(signing.verifier())]}).encode()
            case "checkpoint" if leaves:
                content = Checkpoint(signing.name, len(leaves), root_of(leaves)).signed(signing)
                if self.before is not None:
                    older = SigningKey(signing.name, self.before).sign(parsed(content).text).signatures
                    content = encoded(Note(parsed(content).text, [*parsed(content).signatures, *older]))
            case "consistency":
                hashes = consistency_proof(_subtree(leaves), asked["from"], asked["to"])
                content = json.dumps({"hashes": [each.hex() for each in hashes]}).encode()
            case "export":
                served = self.served.get(log, self.lines[log])[asked["after"] :]
                return 200, b"".join(each + b"\n" for each in served)
            case "heads":
                sizes = [{"size": size} for size in (2, len(leaves)) if size > asked["after"]]
                content = json.dumps({"items": sizes}).encode()
            case "tile":
                content = b"".join(leaves)
            case _:
                content = b""
        return (200, content) if content else (404, b"{}")


def _subtree(leaves: list[bytes]) -> SubtreeHash:
    return lambda height, at: complete_root(leaves[at << height : (at + 1) << height])


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def address(operator: Operator) -> Iterator[str]:
    """Where the operator serves both services."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = operator.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, str]]:
    """Visit once; the exit code, and what was said."""

    def visit_once() -> tuple[int, str]:
        code = main(["witness", address, "--billing", address, "--store", str(tmp_path / "kept"), "--name", "auditor"])
        said = capsys.readouterr()
        return code, said.out + said.err

    return visit_once


Visit = Callable[[], tuple[int, str]]


def test_a_log_that_grows_is_signed_at_every_visit(operator: Operator, visit: Visit, tmp_path: Path) -> None:
    code, said = visit()
    assert code == 0
    assert "tickets 3:" in said
    assert "nothing that was seen before" in said
    assert "billing has no head yet" in said

    operator.lines["tickets"] += [b"four", b"five"]
    code, said = visit()
    assert code == 0
    assert "tickets 5:" in said
    assert "grew out of 3:" in said

    kept = tmp_path / "kept"
    witness = Witness(kept, "auditor", "")
    for size in (3, 5):
        assert checkpoints.check_cosigned((kept / f"tickets-{size}.checkpoint").read_bytes(), witness.verifier) > 0
    assert {head.size for head in seen_in(kept)} == {3, 5}


def test_a_rewritten_log_is_a_fork(operator: Operator, visit: Visit, tmp_path: Path) -> None:
    visit()
    operator.lines["tickets"] = [b"one", b"TWO", b"three", b"four"]

    code, said = visit()

    assert code == 1
    assert "HISTORY FORKED" in said
    assert "4:" in said
    assert "3:" in said
    assert len(list((tmp_path / "kept").glob("*.evidence"))) == 1
    assert visit()[0] == 1, "it is not forgotten"


def test_a_fork_of_the_same_size_and_a_log_that_went_back(operator: Operator, visit: Visit) -> None:
    visit()
    operator.lines["tickets"] = [b"one", b"TWO", b"three"]
    assert "HISTORY FORKED" in visit()[1]

    operator.lines["tickets"] = [b"one", b"two"]
    code, said = visit()
    assert code == 1
    assert "went back: its head covers 2 events, 3 were seen" in said

    operator.lines["tickets"] = []
    assert visit()[0] == 1


def test_a_head_signed_with_another_key_is_not_believed(operator: Operator, visit: Visit) -> None:
    visit()
    operator.key = Ed25519PrivateKey.generate()

    code, said = visit()

    assert code == 1
    assert "not signed by a key that was seen before" in said


def test_a_kept_head_that_was_changed_is_said(visit: Visit, tmp_path: Path) -> None:
    visit()
    path = tmp_path / "kept" / "tickets.checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n3\n", b"\n2\n"))

    code, said = visit()

    assert code == 1
    assert "is damaged" in said


def test_nobody_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = "http://127.0.0.1:9"
    assert main(["witness", nobody, "--billing", nobody, "--store", str(tmp_path)]) == 2
    assert main([nobody]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_an_event_that_was_changed_under_its_tree_is_named(operator: Operator, visit: Visit) -> None:
    changed = b'{"type":"TimeLogged","stream":"ticket-1","version":3,"minutes":900}'
    operator.served["tickets"] = [b"one", b"two", changed]

    code, said = visit()

    assert code == 1
    assert "Event 3 of tickets (TimeLogged, version 3 of ticket-1) is not the one that was signed" in said
    assert "between the head of 2 events and that of 3" in said

    operator.served["tickets"] = [b"one", b"two"]
    assert "serves 2 events, its signed head covers 3" in visit()[1]


def test_a_key_that_the_one_before_vouches_for_is_trusted_from_then_on(operator: Operator, visit: Visit) -> None:
    visit()
    operator.before, operator.key = operator.key, Ed25519PrivateKey.generate()
    assert visit()[0] == 0
    operator.before = None
    operator.lines["tickets"].append(b"four")
    assert visit()[0] == 0

    operator.key = Ed25519PrivateKey.generate()
    assert visit()[0] == 1

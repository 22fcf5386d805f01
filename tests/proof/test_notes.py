"""Notes and checkpoints by the examples of their specifications, and what they refuse."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fristwerk_proof import checkpoints, notes
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import EMPTY_ROOT, leaf_hash
from fristwerk_proof.notes import COSIGNATURE, Note, NoteError, SigningKey, VerifierKey

KEY = SigningKey("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
WITNESS = SigningKey("witness.example.org/1", Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34))))
HEAD = Checkpoint("example.org/log", 20_852_163, leaf_hash(b"head"))

SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
"""The key of Go's checksum database, which every Go installation carries."""


def test_a_published_key_of_another_log_carries_its_own_id() -> None:
    key = VerifierKey.parsed(SUMDB_KEY)

    assert key.name == "sum.golang.org"
    assert key.id.hex() == "033de0ae"
    assert str(key) == SUMDB_KEY


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    lines = HEAD.signed(KEY).decode().split("\n")

    assert lines[:4] == ["example.org/log", "20852163", base64.b64encode(HEAD.root).decode(), ""]
    assert lines[4].startswith("\u2014 example.org/log ")
    assert lines[5:] == [""]
    assert checkpoints.opened(HEAD.signed(KEY), [KEY.verifier()]) == HEAD
    assert HEAD.short == f"20852163:{HEAD.root.hex()[:16]}"


def test_another_key_of_the_same_name_does_not_open_it() -> None:
    with pytest.raises(NoteError, match="No key that is known"):
        checkpoints.opened(HEAD.signed(KEY), [OTHER.verifier()])


def test_during_a_rotation_either_key_opens_it() -> None:
    for key in (KEY, OTHER):
        assert checkpoints.opened(HEAD.signed(key), [OTHER.verifier(), KEY.verifier()]) == HEAD


def test_a_checkpoint_of_another_log_is_refused_though_the_key_is_known() -> None:
    foreign = Checkpoint("example.org/other", 1, HEAD.root).signed(KEY)

    with pytest.raises(NoteError, match=r"is of example\.org/other"):
        checkpoints.opened(foreign, [KEY.verifier()])
    assert checkpoints.opened(foreign, [KEY.verifier()], "example.org/other").size == 1


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_checkpoint_with_one_bit_turned_is_refused(at: int, bit: int) -> None:
    content = bytearray(HEAD.signed(KEY))
    content[at % len(content)] ^= 1 << bit

    with pytest.raises(NoteError):
        checkpoints.opened(bytes(content), [KEY.verifier()])


def test_a_wrong_signature_of_a_known_key_refuses_a_note_that_another_key_signed_well() -> None:
    good = KEY.sign(HEAD.text).signatures[0]
    bad = OTHER.sign("something else\n").signatures[0]

    with pytest.raises(NoteError, match="is wrong"):
        notes.check_signed(Note(HEAD.text, [good, bad]), [KEY.verifier(), OTHER.verifier()])


@pytest.mark.parametrize(
    "text",
    [
        "example.org/log\n1\n",
        f"example.org/log\n01\n{base64.b64encode(EMPTY_ROOT).decode()}\n",
        f"example.org/log\n-1\n{base64.b64encode(EMPTY_ROOT).decode()}\n",
        "example.org/log\n1\nAAAA\n",
        "example.org/log\n1\nnot base64\n",
        f"example.org/log\n0\n{base64.b64encode(HEAD.root).decode()}\n",
        f"\n1\n{base64.b64encode(HEAD.root).decode()}\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        checkpoints.opened(notes.encoded(KEY.sign(text)), [KEY.verifier()])


def test_lines_that_we_do_not_know_may_follow() -> None:
    text = HEAD.text + "an extension\n"

    assert checkpoints.opened(notes.encoded(KEY.sign(text)), [KEY.verifier()]) == HEAD


@pytest.mark.parametrize(
    "content", [b"", b"text\n", b"text\n\n", b"\xff\n\n\xe2\x80\x94 a AAAAAAAA\n", b"a\tb\n\n\xe2\x80\x94 a AAAAAAAA\n"]
)
def test_what_is_no_note_is_refused(content: bytes) -> None:
    with pytest.raises(NoteError):
        notes.parsed(content)


def test_a_note_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(NoteError, match="too long"):
        notes.parsed(b"x" * 70_000)


@pytest.mark.parametrize("text", ["no end", "a\tb\n", "a\rb\n"])
def test_text_that_cannot_be_signed_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        KEY.sign(text)


@pytest.mark.parametrize(
    "text", ["", "a+b+c", "name", SUMDB_KEY.replace("033de0ae", "033de0af"), SUMDB_KEY.replace("+Ac4", "+Bc4")]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parsed(text)


def test_a_witness_signs_when_it_saw_the_head() -> None:
    seen = checkpoints.cosigned(HEAD.signed(KEY), WITNESS, 1_679_315_147)

    assert checkpoints.check_cosigned(seen, WITNESS.verifier(COSIGNATURE)) == 1_679_315_147
    assert checkpoints.opened(seen, [KEY.verifier()]) == HEAD
    assert VerifierKey.parsed(str(WITNESS.verifier(COSIGNATURE))) == WITNESS.verifier(COSIGNATURE)


def test_a_witness_did_not_sign_another_time_and_another_did_not_sign_at_all() -> None:
    seen = checkpoints.cosigned(HEAD.signed(KEY), WITNESS, 1_679_315_147)
    line = seen.decode().splitlines()[-1]
    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    raw[11] ^= 1
    later = seen.replace(line.split(" ")[2].encode(), base64.b64encode(raw))

    with pytest.raises(NoteError, match="is wrong"):
        checkpoints.check_cosigned(later, WITNESS.verifier(COSIGNATURE))
    with pytest.raises(NoteError, match="has not signed"):
        checkpoints.check_cosigned(HEAD.signed(KEY), WITNESS.verifier(COSIGNATURE))

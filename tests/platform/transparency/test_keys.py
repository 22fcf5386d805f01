"""The key that signs heads is made once, kept, and never taken from a file that is damaged."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.transparency.keys import FILE, load_or_make_checkpoint_keys, rotate_checkpoint_key
from fristwerk_proof.checkpoints import Checkpoint, opened
from fristwerk_proof.merkle import EMPTY_ROOT
from fristwerk_proof.notes import NoteError


def test_the_file_is_made_once_for_its_owner_alone_and_its_content_holds(tmp_path: Path) -> None:
    made = load_or_make_checkpoint_keys(tmp_path / FILE)

    assert load_or_make_checkpoint_keys(tmp_path / FILE) == made
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert made != load_or_make_checkpoint_keys(tmp_path / "other" / FILE)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"installation": "a", "seeds": []}', b'{"installation": "a", "seeds": ["AAAA"]}', b"\xff"],
    ids=["empty", "nothing in it", "no key", "a short key", "no text"],
)
def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / FILE
    file.write_bytes(content)

    with pytest.raises(KeyFileError, match=f"The key file .*{FILE} is damaged: ") as refusal:
        load_or_make_checkpoint_keys(file)
    assert str(refusal.value).count("\n") == 0


def test_a_rotated_key_signs_with_the_one_before_and_keeps_all(tmp_path: Path) -> None:
    before = load_or_make_checkpoint_keys(tmp_path / FILE)
    rotate_checkpoint_key(tmp_path / FILE)
    after = rotate_checkpoint_key(tmp_path / FILE)
    origin = after.origin("hamburg", "tickets")

    note = after.signed(Checkpoint(origin, 0, EMPTY_ROOT))

    assert load_or_make_checkpoint_keys(tmp_path / FILE) == after
    assert after.seeds[2:] == before.seeds
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    newest, second, first = after.verifiers(origin)
    assert [opened(note, [key]).size for key in (newest, second)] == [0, 0]
    with pytest.raises(NoteError):
        opened(note, [first])
    with pytest.raises(KeyFileError, match="There is no key file"):
        rotate_checkpoint_key(tmp_path / "nowhere" / FILE)

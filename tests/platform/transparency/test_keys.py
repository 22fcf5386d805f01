"""The key that signs heads is made once, kept, and never taken from a file that is damaged."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.transparency.keys import FILE, load_or_make_checkpoint_keys


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

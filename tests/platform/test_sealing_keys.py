"""The key that wraps persons' keys: in a file of its own, found where earlier versions kept it, moved without being lost."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Final

import pytest

from fristwerk_platform import sealing_keys
from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.key_rotation import rotate
from fristwerk_platform.sealing_keys import SealingKey, load_or_make_sealing_key, load_sealing_key, move_sealing_key
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import Keys, load_keys, load_or_make_keys
from tests.platform.test_token_keys import NOW

KEY: Final = bytes(range(32))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a folder with the key file of today."""
    load_or_make_keys(tmp_path / "keys.json")
    return Settings(var=tmp_path)


@pytest.fixture
def earlier(settings: Settings) -> Settings:
    """Of a folder as earlier versions made it: the sealing key stands in the key file."""
    give_to_key_file(settings, KEY)
    return settings


def give_to_key_file(settings: Settings, key: bytes) -> None:
    content = json.loads(settings.keys.read_text("utf-8"))
    settings.keys.write_text(json.dumps(content | {"sealing_key": base64.b64encode(key).decode()}), "utf-8")


def test_it_is_made_once_and_the_key_file_that_all_services_read_holds_none(settings: Settings) -> None:
    made = load_or_make_sealing_key(settings)

    assert load_or_make_sealing_key(settings) == load_sealing_key(settings) == made
    assert len(made) == 32
    assert stat.S_IMODE(settings.sealing_key.stat().st_mode) == 0o600
    assert set(json.loads(settings.keys.read_text("utf-8"))) == {"key_id", "signing_seed"}


def test_it_lies_where_the_setting_says_and_needs_no_key_file_there(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path / "none", sealing_key_file=tmp_path / "apart" / "key.json")

    made = load_or_make_sealing_key(settings)

    assert [each.name for each in tmp_path.iterdir()] == ["apart"]
    assert load_sealing_key(settings) == made


def test_where_an_earlier_version_kept_it_it_is_found_and_stays_through_a_rotation(earlier: Settings) -> None:
    rotate(earlier.keys, now=NOW)

    assert load_or_make_sealing_key(earlier) == load_sealing_key(earlier) == KEY
    assert not earlier.sealing_key.exists()


def test_it_is_moved_once_and_tokens_are_signed_as_before(earlier: Settings) -> None:
    before = load_keys(earlier.keys)

    assert move_sealing_key(earlier)
    assert not move_sealing_key(earlier)

    assert load_sealing_key(earlier) == KEY
    assert load_keys(earlier.keys) == Keys(key_id=before.key_id, signing_seed=before.signing_seed)
    assert "sealing_key" not in earlier.keys.read_text("utf-8")


def test_a_move_that_was_interrupted_half_way_is_finished(earlier: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise KeyFileError("The power is gone.")

    with monkeypatch.context() as during:
        during.setattr(sealing_keys, "replace_key_file", lost)
        with pytest.raises(KeyFileError):
            move_sealing_key(earlier)
    assert load_sealing_key(earlier) == KEY

    assert move_sealing_key(earlier)

    assert load_keys(earlier.keys).sealing_key is None
    assert load_sealing_key(earlier) == KEY


def test_two_keys_are_refused_and_none_of_them_is_lost(settings: Settings) -> None:
    own = load_or_make_sealing_key(settings)
    give_to_key_file(settings, KEY)

    for attempt in (load_sealing_key, load_or_make_sealing_key, move_sealing_key):
        with pytest.raises(KeyFileError, match="hold two sealing keys"):
            attempt(settings)

    assert load_keys(settings.keys).sealing_key == base64.b64encode(KEY).decode()
    settings.keys.unlink()
    assert load_sealing_key(settings) == own


def test_a_key_of_another_length_is_damage_in_either_file(settings: Settings) -> None:
    give_to_key_file(settings, b"short")
    with pytest.raises(KeyFileError, match=r"keys\.json is damaged: the sealing key has 5 bytes, not 32\.$"):
        load_sealing_key(settings)

    settings.sealing_key.write_text(json.dumps({"sealing_key": base64.b64encode(b"short").decode()}), "utf-8")
    with pytest.raises(KeyFileError, match=r"sealing-key\.json is damaged: the sealing key has 5 bytes, not 32\.$"):
        load_sealing_key(settings)


def test_it_is_in_no_traceback() -> None:
    key = SealingKey(sealing_key=base64.b64encode(KEY).decode())

    assert key.sealing_key not in repr(key)

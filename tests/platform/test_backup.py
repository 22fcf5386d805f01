"""What a backup copies in which order, and each way in which one is damaged, that a restore refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from fristwerk_platform.backup import BackupError, Manifest, make_backup, remove_older, restore_backup
from fristwerk_platform.backup.copying import UNFINISHED, in_order
from fristwerk_platform.backup.manifest import FILE, described, state_of_log
from fristwerk_platform.event_log import NewEvent, open_log
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency.keys import CheckpointKeys, load_or_make_checkpoint_keys
from fristwerk_platform.transparency.trees import open_trees
from fristwerk_proof.merkle import leaf_hash

NOW = datetime(2026, 6, 3, 14, 30, tzinfo=UTC)
KEY = "a key"


def clock() -> datetime:
    return NOW


async def filled(folder: Path, fact: Callable[..., NewEvent], events: int = 30) -> CheckpointKeys:
    """A folder with a log, its tree, and a database of keys; returns the keys of the heads."""
    settings = Settings(var=folder, key_file=folder.parent / "keys" / "keys.json")
    folder.mkdir()
    log = open_log(settings, "things-log")
    for number in range(events):
        await log.append([fact(f"thing-{number}", 1)])
    trees = open_trees(settings, log, "things", clock)
    await trees.database.create()
    await trees.keeper.finish()
    await trees.database.close()
    await log.close()
    with closing(sqlite3.connect(folder / "persons.db")) as persons:
        persons.execute("CREATE TABLE keys (key)")
        persons.commit()
    return load_or_make_checkpoint_keys(settings.keys.with_name("checkpoint-keys.json"))


def backed_up(folder: Path, out: Path, now: datetime = NOW) -> Path:
    made, _ = make_backup(folder, out, last=("persons",), now=now, version="1", token_key=KEY)
    return made


def signed_anew(backup: Path) -> None:
    """Make the manifest agree with files that were changed: whoever changes the one may change the other."""
    manifest = msgspec.json.decode((backup / FILE).read_bytes(), type=Manifest)
    files = [described(backup / each.name) for each in manifest.files]
    logs = [state_of_log(backup / f"{each.name}.db") for each in manifest.logs]
    (backup / FILE).unlink()
    msgspec.structs.replace(manifest, files=files, logs=logs).write(backup)


def altered(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(statement)
        database.commit()


def test_what_is_derived_comes_before_the_logs_and_the_keys_of_persons_at_the_end(tmp_path: Path) -> None:
    names = [
        "aa-log.db",
        "things.db",
        "persons.db",
        "things-log.db",
        "things-trees.db",
        "things.generation",
        "keys.json",
    ]
    for name in names:
        (tmp_path / name).touch()

    files = [file.name for file in in_order(tmp_path, ("things-log", "persons"))]

    assert files == ["things-trees.db", "things.db", "things.generation", "aa-log.db", "things-log.db", "persons.db"]


async def test_a_backup_comes_back_as_it_was(tmp_path: Path, fact: Callable[..., NewEvent]) -> None:
    keys = await filled(tmp_path / "var", fact)
    backup = backed_up(tmp_path / "var", tmp_path / "backups")

    manifest, sentences = await restore_backup(
        backup, tmp_path / "again", token_key=KEY, checkpoint_keys=keys, now=clock
    )

    assert manifest.logs[0].position == 30
    assert len(sentences) == 1
    assert "/things: 30 events under the head" in sentences[0]
    assert state_of_log(tmp_path / "again" / "things-log.db") == state_of_log(tmp_path / "var" / "things-log.db")
    assert {file.name for file in (tmp_path / "again").iterdir()} >= {"things-log.db", "things-trees.db", "persons.db"}


def without_an_event(backup: Path) -> None:
    altered(backup / "things-log.db", "DELETE FROM stored_events WHERE rowid = 7")


def without_an_event_and_signed_anew(backup: Path) -> None:
    without_an_event(backup)
    signed_anew(backup)


def with_other_heads_and_signed_anew(backup: Path) -> None:
    altered(backup / "things-trees.db", "UPDATE tree_heads SET size = size - 1")
    signed_anew(backup)


def with_another_event_in_log_and_tree(backup: Path) -> None:
    """Whoever changes log, tree and manifest lacks only the key that signs heads."""
    altered(
        backup / "things-log.db", "UPDATE stored_events SET state = state WHERE rowid = 0"
    )  # lets go of the triggers
    with closing(sqlite3.connect(backup / "things-log.db")) as log:
        [(line,)] = log.execute("SELECT CAST(state AS BLOB) FROM stored_events WHERE rowid = 7").fetchall()
        other = line.replace(b"email", b"phone")
        log.execute("UPDATE stored_events SET state = ? WHERE rowid = 7", (other,))
        log.commit()
    with closing(sqlite3.connect(backup / "things-trees.db")) as trees:
        [(hashes,)] = trees.execute("SELECT hashes FROM tree_tiles WHERE level = 0").fetchall()
        trees.execute(
            "UPDATE tree_tiles SET hashes = ? WHERE level = 0", (hashes.replace(leaf_hash(line), leaf_hash(other)),)
        )
        trees.commit()
    assert other != line
    signed_anew(backup)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda backup: (backup / FILE).unlink(), "There is no whole backup"),
        (lambda backup: (backup / "persons.db").unlink(), "is missing"),
        (lambda backup: (backup / "persons.db").write_bytes(b"x"), "its digest differs"),
        (without_an_event, "its digest differs"),
        (without_an_event_and_signed_anew, "contradicts its hash tree"),
        (with_other_heads_and_signed_anew, "is not the one under its signed head"),
        (with_another_event_in_log_and_tree, "is not the one under its signed head"),
    ],
    ids=["no manifest", "no file", "another file", "log", "log and manifest", "heads and manifest", "all but the key"],
)
async def test_a_damaged_backup_is_refused_and_the_folder_stays_empty(
    damage: Callable[[Path], object], sentence: str, tmp_path: Path, fact: Callable[..., NewEvent]
) -> None:
    keys = await filled(tmp_path / "var", fact)
    backup = backed_up(tmp_path / "var", tmp_path / "backups")
    damage(backup)

    with pytest.raises(BackupError, match=sentence):
        await restore_backup(backup, tmp_path / "again", token_key=KEY, checkpoint_keys=keys, now=clock)

    assert not list((tmp_path / "again").glob("*")) or not (tmp_path / "again").exists()


async def test_other_keys_and_a_folder_in_use_are_refused(tmp_path: Path, fact: Callable[..., NewEvent]) -> None:
    keys = await filled(tmp_path / "var", fact)
    backup = backed_up(tmp_path / "var", tmp_path / "backups")
    others = load_or_make_checkpoint_keys(tmp_path / "others.json")
    empty = tmp_path / "again"

    with pytest.raises(BackupError, match="holds databases already"):
        await restore_backup(backup, tmp_path / "var", token_key=KEY, checkpoint_keys=keys, now=clock)
    with pytest.raises(BackupError, match="belongs to the key file with key a key; here is b"):
        await restore_backup(backup, empty, token_key="b", checkpoint_keys=keys, now=clock)
    with pytest.raises(BackupError, match="was signed with another checkpoint key"):
        await restore_backup(
            backup,
            empty,
            token_key=KEY,
            checkpoint_keys=msgspec.structs.replace(others, installation=keys.installation),
            now=clock,
        )


def test_an_interrupted_backup_is_no_backup_and_older_ones_are_removed(tmp_path: Path) -> None:
    out, folder = tmp_path / "backups", tmp_path / "var"
    folder.mkdir()
    sqlite3.connect(folder / "persons.db").close()
    (out / f"2026-01-01T00-00-00Z{UNFINISHED}").mkdir(parents=True)

    made = [backed_up(folder, out, NOW + timedelta(days=day)) for day in range(4)]

    assert remove_older(out, 3) == [made[0].name]
    assert sorted(each.name for each in out.iterdir()) == [each.name for each in made[1:]]
    with pytest.raises(BackupError, match="already"):
        backed_up(folder, out, NOW + timedelta(days=3))
    with pytest.raises(BackupError, match="There is no database"):
        backed_up(tmp_path / "nothing", out)

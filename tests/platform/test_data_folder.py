"""Nobody but the user that runs the services reads what lies in the data folder."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.cli import run_command_line, serve_command
from fristwerk_platform.data_folder import protect_data_folder


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_from_now_on_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "var"

    protect_data_folder(folder)
    with closing(sqlite3.connect(folder / "log.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE facts (line BLOB)")
        found = {path.name: mode(path) for path in folder.iterdir()}

    assert found == {"log.db": 0o600, "log.db-wal": 0o600, "log.db-shm": 0o600}
    assert mode(folder) == 0o700


def test_files_of_an_earlier_version_are_closed_and_an_open_folder_is_named(
    tmp_path: Path, logged: list[MutableMapping[str, Any]]
) -> None:
    tmp_path.chmod(0o755)
    for name in ("tickets-log.db", "personal-keys.db", "keys.json", "notes.txt"):
        (tmp_path / name).touch(mode=0o644)

    protect_data_folder(tmp_path)

    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
        "tickets-log.db": 0o600,
        "personal-keys.db": 0o600,
        "keys.json": 0o600,
        "notes.txt": 0o644,
    }
    assert [each["sentence"] for each in logged] == [f"Other users may enter {tmp_path}; chmod 700 closes it."]


def test_a_service_does_so_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "var"
    monkeypatch.setenv("FRISTWERK_VAR", str(folder))

    def create_app(*_: object) -> Any:
        assert mode(folder) == 0o700
        raise OSError("so far and no further")

    monkeypatch.setattr("fristwerk_platform.logs.configure_logs", lambda *_: None)
    serve = serve_command("some-service", 9999, create_app)

    assert run_command_line(service="some-service", description="", commands=[serve], given=["serve"]) == 1
    assert mode(folder) == 0o700

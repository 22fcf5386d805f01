"""The line that a service logs when it starts, and that no password is in it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fristwerk_platform.settings import Settings
from fristwerk_platform.startup_report import report_start
from fristwerk_platform.token_keys import load_or_make_keys


def started(logged: list[dict[str, Any]], settings: Settings) -> dict[str, Any]:
    load_or_make_keys(settings.keys)
    report_start(settings, service="sla-service", port=8002, schema={"sla": "0007"})
    return next(each for each in logged if each["event"] == "starting")


def test_the_line_says_what_runs_where_on_what(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    line = started(logged, Settings(var=tmp_path, customers_may_date=True))

    assert line["version"] == version("fristwerk-sla-service")
    assert line["listens"] == "http://127.0.0.1:8002"
    assert line["database"] == f"SQLite files in {tmp_path}"
    assert line["schema"] == {"sla": "0007"}
    assert line["keys"] == {
        "file": str(tmp_path / "keys.json"),
        "tokens": load_or_make_keys(tmp_path / "keys.json").key_id,
    }
    assert line["on"] == ["customers_may_date"]


def test_the_line_holds_no_password_and_no_key(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    url = "postgresql://fristwerk:hunter2@db.example:5433/fristwerk?sslmode=require"

    line = started(logged, Settings(var=tmp_path, database_url=url))

    keys = load_or_make_keys(tmp_path / "keys.json")
    assert line["database"] == "postgresql://db.example:5433/fristwerk"
    assert not any(secret in str(line) for secret in ("hunter2", keys.signing_seed))

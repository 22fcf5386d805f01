"""The scripts for PostgreSQL with its own tools: dumped, restored into an empty database, compared; damage is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from fristwerk_local.postgres import binaries
from tests.deploy.tools import DEPLOY

SCRIPTS = DEPLOY / "postgres"


def run(script: str, url: str, argument: Path) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.removeprefix("/"),
    }
    done = subprocess.run(  # noqa: S603 - our own script
        [SCRIPTS / script, argument],
        capture_output=True,
        check=False,
        text=True,
        env=connection | {"PATH": f"{binaries()}:/usr/bin:/bin"},
    )
    return done.returncode, done.stdout + done.stderr


def rows(url: str) -> list[tuple[str, str]]:
    """Schemas and tables with what is in two of them."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_catalog|information_schema)$' ORDER BY 1, 2"
        ).fetchall()
        keys = connection.execute(
            "SELECT subject, encode(wrapped_key, 'hex') FROM personal_keys.subject_keys"
        ).fetchall()
        return [*tables, *keys]


def test_a_database_is_dumped_and_restored_and_a_damaged_dump_is_refused(
    migrated_postgres_url: str, postgres_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(migrated_postgres_url) as connection:
        connection.execute("INSERT INTO personal_keys.subject_keys VALUES ('someone', '\\x0102')")
    code, said = run("backup.sh", migrated_postgres_url, tmp_path)
    assert code == 0, said
    backup = Path(said.strip())

    assert run("restore.sh", migrated_postgres_url, backup)[0] == 1  # it holds data already
    code, said = run("restore.sh", postgres_url, backup)

    assert code == 0, said
    assert rows(postgres_url) == rows(migrated_postgres_url)
    assert ("someone", "0102") in rows(postgres_url)
    assert [file.name for file in sorted(backup.iterdir())] == ["SHA256SUMS", "fristwerk.dump", "personal-keys.dump"]
    with (backup / "fristwerk.dump").open("ab") as dump:
        dump.write(b"x")
    code, said = run("restore.sh", postgres_url, backup)
    assert code == 1
    assert "nothing was restored" in said


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_a_script_names_its_argument(script: str) -> None:
    done = subprocess.run([SCRIPTS / script], capture_output=True, check=False, text=True)  # noqa: S603

    assert done.returncode == 2
    assert "usage:" in done.stderr

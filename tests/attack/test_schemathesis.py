"""Schemathesis over the three descriptions with every role, against services on real sockets: never a 5xx."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fristwerk_language.roles import ROLES, TOKEN_ROLES
from fristwerk_local.services import urls
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.token_keys import load_keys
from tests.journeys.conftest import RunningStack, _free_ports
from tests.promises import Promise

SECONDS_EACH = 20
"""For a role at a service; 24 of them take eight minutes."""


@pytest.fixture
def stack(tmp_path: Path, long: bool) -> Iterator[tuple[Path, int]]:
    """The three services as processes: their folder and the first of their ports."""
    if not long or importlib.util.find_spec("schemathesis") is None:
        pytest.skip("at length only, with what requirements-attack.txt names: make attack")
    port = _free_ports()
    running = RunningStack("serve", tmp_path / "var", port, {})
    try:
        running.wait_for("ready: ")
        yield tmp_path / "var", port
    finally:
        running.close()


def test_schemathesis_finds_no_server_error(stack: tuple[Path, int], promise: Promise, tmp_path: Path) -> None:
    folder, port = stack
    tokens = Tokens(load_keys(folder / "keys.json"), TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")
    failed = []
    for service, url in urls(port).items():
        for role in ROLES:
            who = Principal(sub=role, role=role, provider="infoniqa", belongs_to="c-1" if role == "customer" else None)
            token = tokens.issue(who, now=datetime.now(UTC))
            ended = subprocess.run(  # noqa: S603 - our own arguments
                [
                    *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
                    *("--header", f"Authorization: Bearer {token}", "--checks", "not_a_server_error"),
                    *("--max-time", str(SECONDS_EACH), "--phases", "examples,coverage,fuzzing", "--no-color"),
                    *("--exclude-path-regex", "^/v1/events", "--request-timeout", "20", "--no-shrink"),
                    *("--suppress-health-check", "all", "--generation-database", "none"),
                ],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=SECONDS_EACH * 6,
                check=False,
            )
            if ended.returncode != 0:
                failed.append((service, role, ended.stdout[-3_000:] + ended.stderr[-1_000:]))

    assert failed == []
    promise.figures = f"3 services x {len(ROLES)} roles, {SECONDS_EACH} s each"

"""What a command does not need is not imported: HTTP's framework costs a second of a processor, migrations half of one."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVING = {"alembic", "fastapi", "prometheus_client", "starlette", "uvicorn"}
DATABASES = {"asyncpg", "eventsourcing", "httpx", "sqlalchemy"}


def imported(*modules: str) -> set[str]:
    """The top-level modules that a new process has once it has imported these."""
    script = f"import {', '.join(modules)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return set(done.stdout.split())


@pytest.mark.parametrize("service", ["billing", "sla"])
def test_a_command_line_without_a_command_imports_neither_http_nor_databases(service: str) -> None:
    assert imported(f"{service}_service.cli") & (SERVING | DATABASES) == set()


@pytest.mark.parametrize(
    "modules",
    [
        ("billing_service.cli", "billing_service.replay"),
        ("billing_service.cli", "billing_service.rebuild"),
        ("sla_service.cli.commands",),
        ("sla_service.cli", "sla_service.rebuild"),
        ("sla_service.replay.parts", "sla_service.replay.source"),
    ],
    ids=lambda modules: modules[-1],
)
def test_audits_and_rebuilds_import_nothing_that_serves_http(modules: tuple[str, ...]) -> None:
    assert imported(*modules) & SERVING == set()


def test_what_serves_is_found_where_it_is_imported() -> None:
    assert {"fastapi", "starlette"} <= imported("billing_service.app")

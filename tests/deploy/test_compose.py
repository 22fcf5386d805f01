"""The compose file: as its schema wants it, with settings that exist, and services that may do nothing they need not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from fristwerk_platform.settings import read_settings
from tests.deploy.tools import DEPLOY, run, spoiled

COMPOSE: Final = DEPLOY / "compose" / "compose.yaml"
CADDYFILE: Final = DEPLOY / "compose" / "Caddyfile"
OURS: Final = ("ticket-service", "sla-service", "billing-service", "relay")
PORTS: Final = {"ticket-service": 8001, "sla-service": 8002, "billing-service": 8003}
INSIDE: Final = {"relay": 8004}
"""Ports that no proxy knows."""


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return found


def test_the_file_is_what_its_schema_says() -> None:
    assert run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)[0] == 0


def test_the_schema_would_refuse_a_misspelt_key(tmp_path: Path) -> None:
    copy = spoiled(COMPOSE, tmp_path, "read_only: true", "read-only: true")

    code, said = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", copy)

    assert code == 1
    assert "read-only" in said


@pytest.mark.parametrize("name", OURS)
def test_a_service_starts_with_settings_that_exist(name: str) -> None:
    given = {
        key: re.sub(r"\$\{\w+(?::[?-]([^}]*))?\}", "info", value)
        for key, value in services()[name]["environment"].items()
    }

    settings = read_settings(given)

    assert settings.port == (PORTS | INSIDE)[name]
    assert "healthcheck" not in services()[name]  # the image's own asks that port
    assert settings.database_url is not None
    assert (settings.nats_url is not None) == (name == "relay")


@pytest.mark.parametrize("name", OURS)
def test_a_service_may_do_nothing_that_it_need_not(name: str) -> None:
    service = services()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    assert "ports" not in service  # only Caddy is reached from outside


def test_nats_and_what_publishes_to_it_run_only_where_they_are_asked_for() -> None:
    assert {name for name, each in services().items() if each.get("profiles") == ["nats"]} == {"relay", "nats"}


def test_caddy_understands_its_file(tmp_path: Path) -> None:
    arguments = ("validate", "--adapter", "caddyfile", "--config")

    code, said = run("caddy", *arguments, CADDYFILE, HOME=str(tmp_path))
    spoilt_code, spoilt_said = run(
        "caddy", *arguments, spoiled(CADDYFILE, tmp_path, "flush_interval", "flush_intervall"), HOME=str(tmp_path)
    )

    assert code == 0, said
    assert spoilt_code == 1
    assert "flush_intervall" in spoilt_said


def test_caddy_sends_each_name_to_its_service() -> None:
    sent = dict(re.findall(r"import service (\S+):(\d+)", CADDYFILE.read_text("utf-8")))

    assert {name: int(port) for name, port in sent.items()} == PORTS

"""Each service gets the keys that the page of keys says it needs, and none beside them, however it is installed."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from tests.deploy.test_compose import services as compose_services
from tests.deploy.test_kubernetes import OVERLAYS, manifests
from tests.deploy.tools import DEPLOY

SERVICES: Final = ("ticket-service", "sla-service", "billing-service")
KEY_FILES: Final = {"keys.json", "sealing-key.json", "checkpoint-keys.json"}
PAGE: Final = DEPLOY.parent / "docs" / "operations" / "keys.md"
SEALING: Final = "sealing-key.json"


def needed(service: str) -> set[str]:
    """The key files that a service needs, as the page has it."""
    rows = re.findall(r"^\| `([\w.-]+)` \| .* \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in rows} >= KEY_FILES
    return {name for name, who in rows if name in KEY_FILES and (who == "all three services" or service in who)}


def test_only_the_ticket_service_needs_the_sealing_key() -> None:
    assert [name for name in SERVICES if SEALING in needed(name)] == ["ticket-service"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_the_key_files_that_it_needs_and_no_other(service: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"{service.replace('-', '_')}.app")

    module.create_app(Settings(var=tmp_path), Stopping())

    assert {each.name for each in tmp_path.glob("*.json")} == needed(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_of_compose_has_the_volumes_of_its_keys_alone(service: str) -> None:
    described = compose_services()[service]
    mounted = {each["source"]: each["target"] for each in described["volumes"]}
    file = described["environment"].get("FRISTWERK_SEALING_KEY_FILE")

    assert set(mounted) == ({"fristwerk", "persons"} if SEALING in needed(service) else {"fristwerk"})
    assert (file is not None) == (SEALING in needed(service))
    assert file is None or Path(file).parent == Path(mounted["persons"])


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_has_the_secrets_of_its_keys_alone(overlay: str, service: str) -> None:
    pod = manifests(overlay, "Deployment")[service]["spec"]["template"]["spec"]
    secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    copied = {Path(each).name for step in pod["initContainers"] for each in step["command"] if each.endswith(".json")}

    assert copied == needed(service)
    assert set(secrets.values()) == {"fristwerk-keys"} | (
        {"fristwerk-sealing-key"} if SEALING in needed(service) else set()
    )
    if SEALING in needed(service):
        assert copies_of_the_sealing_key(pod) == [setting(pod, "FRISTWERK_SEALING_KEY_FILE")]


def copies_of_the_sealing_key(pod: dict[str, Any]) -> list[str]:
    """Where the service's own container finds what was copied for it."""
    [step] = [each for each in pod["initContainers"] if each["name"] == "sealing-key"]
    target = next(each for each in step["volumeMounts"] if step["command"][-1].rstrip("/") == each["mountPath"])
    seen = [each["mountPath"] for each in pod["containers"][0]["volumeMounts"] if each["name"] == target["name"]]
    return [f"{each}/{SEALING}" for each in seen]


def setting(pod: dict[str, Any], name: str) -> str:
    return str(next(each["value"] for each in pod["containers"][0]["env"] if each["name"] == name))


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_does_not_see_what_opens_personal_data_unless_it_needs_it(service: str) -> None:
    file = DEPLOY / "systemd" / f"fristwerk@{service.removesuffix('-service')}.service.d" / "keys.conf"
    hidden = (
        set(re.findall(r"-/var/lib/fristwerk/([\w.-]+)", file.read_text("utf-8").split("InaccessiblePaths=")[1]))
        if file.exists()
        else set()
    )

    assert hidden == (set() if SEALING in needed(service) else {SEALING, "personal-keys.db", "forgotten.txt"})


def test_the_relay_does_not_see_what_opens_personal_data() -> None:
    unit = (DEPLOY / "systemd" / "fristwerk-relay.service").read_text("utf-8")
    relay = compose_services()["relay"]

    assert f"InaccessiblePaths=-/var/lib/fristwerk/{SEALING} " in unit
    assert [each["source"] for each in relay["volumes"]] == ["fristwerk"]


def test_the_ticket_services_volume_of_persons_is_its_own_in_the_image_too() -> None:
    recipe = (DEPLOY / "containers" / "Containerfile").read_text("utf-8")
    volumes = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))["volumes"]
    [target] = [
        each["target"] for each in compose_services()["ticket-service"]["volumes"] if each["source"] == "persons"
    ]

    assert "persons" in volumes
    assert f'"-o", "10001", "-g", "10001", "-m", "0700", "/var/lib/fristwerk", "{target}"]' in recipe

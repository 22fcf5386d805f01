"""The Kubernetes overlays: built by kubectl, strictly what the cluster's schema says, and with nothing open that need not be."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from fristwerk_platform.settings import read_settings
from tests.deploy.tools import DEPLOY, run

KUBERNETES: Final = DEPLOY / "kubernetes"
OVERLAYS: Final = ("trial", "trial-nats", "production")
PORTS: Final = {"ticket-service": 8001, "sla-service": 8002, "billing-service": 8003}
RELAY: Final = "trial-nats"
"""The overlay that has the relay."""
PODS: Final = [*((overlay, name, port) for overlay in OVERLAYS for name, port in PORTS.items()), (RELAY, "relay", 8004)]
FROM_SECRETS: Final = {
    "FRISTWERK_DATABASE_URL": "postgresql://user:password@host:5432/name",
    "FRISTWERK_NATS_URL": "nats://nats:4222",
}
Manifest = dict[str, Any]


@cache
def built(overlay: str) -> str:
    code, said = run("kubectl", "kustomize", KUBERNETES / "overlays" / overlay)
    assert code == 0, said
    return said


def manifests(overlay: str, kind: str) -> dict[str, Manifest]:
    found = [each for each in yaml.safe_load_all(built(overlay)) if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in found}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_strictly_what_the_schema_says(overlay: str, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(built(overlay), "utf-8")

    code, said = run("kubernetes-validate", "--strict", file)

    assert code == 0, said
    assert said.count("passed") == len(list(yaml.safe_load_all(built(overlay))))


def test_the_schema_would_refuse_a_misspelt_key(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(built("production").replace("readinessProbe:", "readynessProbe:", 1), "utf-8")

    code, said = run("kubernetes-validate", "--strict", file)

    assert code != 0
    assert "readynessProbe" in said


def test_kubectl_would_refuse_a_base_whose_file_is_missing(tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    (tmp_path / "kubernetes" / "base" / "sla-service.yaml").unlink()

    code, said = run("kubectl", "kustomize", tmp_path / "kubernetes" / "overlays" / "production")

    assert code != 0
    assert "sla-service.yaml" in said


@pytest.mark.parametrize(("overlay", "name", "port"), PODS)
def test_a_service_starts_with_settings_that_exist_and_is_asked_how_it_is(overlay: str, name: str, port: int) -> None:
    container = manifests(overlay, "Deployment")[name]["spec"]["template"]["spec"]["containers"][0]
    config = next(iter(each for key, each in manifests(overlay, "ConfigMap").items() if key.startswith("fristwerk-")))
    from_secret = {each["name"]: FROM_SECRETS[each["name"]] for each in container["env"] if "value" not in each}
    own = {each["name"]: each["value"] for each in container["env"] if "value" in each}

    settings = read_settings({**config["data"], **own, **from_secret})

    assert settings.port == port
    assert list(from_secret) == ["FRISTWERK_NATS_URL" if name == "relay" else "FRISTWERK_DATABASE_URL"]
    assert (
        container["startupProbe"]["httpGet"]["path"] == container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    )
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


@pytest.mark.parametrize(("overlay", "name", "port"), PODS)
def test_a_pod_keeps_to_the_restricted_standard(overlay: str, name: str, port: int) -> None:
    pod = manifests(overlay, "Deployment")[name]["spec"]["template"]["spec"]

    assert pod["containers"][0]["ports"] == [{"name": "http", "containerPort": port}]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for each in [*pod["initContainers"], *pod["containers"]]:
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert each["resources"]["limits"]["memory"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_talks_to_anything_unless_a_policy_says_so(overlay: str) -> None:
    policies = manifests(overlay, "NetworkPolicy")

    assert policies["nothing-by-default"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert "services-reach-the-database" in policies


def test_the_relay_has_its_config_the_key_of_tokens_and_nothing_that_opens_or_stores_data() -> None:
    pod = manifests(RELAY, "Deployment")["relay"]["spec"]["template"]["spec"]
    [config] = [each["configMapRef"]["name"] for each in pod["containers"][0]["envFrom"]]
    [nats] = [each["valueFrom"]["secretKeyRef"]["name"] for each in pod["containers"][0]["env"] if "valueFrom" in each]
    [secret] = [each["secret"] for each in pod["volumes"] if "secret" in each]

    assert config in manifests(RELAY, "ConfigMap")
    assert nats in manifests(RELAY, "Secret")
    assert (secret["secretName"], [each["key"] for each in secret["items"]]) == ("fristwerk-keys", ["keys.json"])
    assert {each["image"] for each in [*pod["initContainers"], *pod["containers"]]} == {"localhost/fristwerk:latest"}


def test_who_does_not_want_nats_has_no_relay() -> None:
    assert "relay" not in manifests("trial", "Deployment")
    assert "relay" not in manifests("production", "Deployment")


def test_the_list_of_forgotten_persons_outlives_a_pod() -> None:
    pod = manifests("production", "Deployment")["ticket-service"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    [file] = [Path(each["value"]) for each in container["env"] if each["name"] == "FRISTWERK_FORGOTTEN_FILE"]
    [volume] = [each["name"] for each in container["volumeMounts"] if each["mountPath"] == str(file.parent)]

    [claim] = [each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if each["name"] == volume]

    assert claim in manifests("production", "PersistentVolumeClaim")


@pytest.mark.parametrize("name", PORTS)
def test_a_service_is_never_two_processes(name: str) -> None:
    deployment = manifests("production", "Deployment")[name]["spec"]

    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}

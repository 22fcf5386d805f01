"""The image is built from a base made on the spot, twice with the same layers, and a service in it runs. Only in the long run."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.deploy.tools import COMES_WITH, DEPLOY, done

READY_SECONDS = 30
HEALTHCHECK = "/usr/local/lib/fristwerk/healthcheck.py"
SBOM = "/usr/local/lib/fristwerk/sbom.cdx.json"


@pytest.fixture
def buildah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """buildah with a storage of its own in a folder, or a skip."""
    if request.config.getoption("faults") != "long":
        pytest.skip("Builds the image twice, which takes minutes: only with --faults=long.")
    for tool in ("buildah", "mmdebstrap"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing; {COMES_WITH[tool]}.")
    storage = tmp_path / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
    monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
    return tmp_path


def test_the_image_is_built_twice_with_the_same_layers_and_a_service_in_it_is_ready(
    buildah: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = str(buildah / "base.tar")
    done("mmdebstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm", base)
    empty = done("buildah", "from", "scratch")
    done("buildah", "add", "--quiet", empty, base, "/")
    done("buildah", "commit", "--quiet", "--rm", empty, "localhost/fristwerk-base")
    monkeypatch.setenv("BASE", "localhost/fristwerk-base")
    monkeypatch.setenv("TWICE", "yes")
    # The index may be known under a certificate of the machine's own.
    monkeypatch.setenv("BUILD_OPTIONS", "--volume /etc/ssl/certs:/etc/ssl/certs:ro")

    assert done(str(DEPLOY / "containers" / "build.sh")).endswith("Built again it has the same.")

    container = done("buildah", "from", "localhost/fristwerk")
    inside = ["buildah", "run", "--user", "10001:10001", "--env", "FRISTWERK_PORT=18471", container, "--", "python"]
    service = subprocess.Popen([*inside, "-m", "ticket_service", "serve"])  # noqa: S603
    try:
        end = time.monotonic() + READY_SECONDS
        while subprocess.run([*inside, HEALTHCHECK], check=False, capture_output=True).returncode:  # noqa: S603
            assert time.monotonic() < end, "not ready"
    finally:
        service.terminate()
        service.wait()
    assert '"bomFormat": "CycloneDX"' in done("buildah", "run", container, "--", "cat", SBOM)

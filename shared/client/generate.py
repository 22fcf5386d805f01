"""Generates the three packages of operations: ``python shared/client/generate.py [FOLDER]``.

They are made of the stored descriptions in ``tests/contracts/openapi``, by openapi-python-client, and never edited. A warning of
the generator is an error here: a piece that it leaves out would be missing in the client without anybody noticing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
DESCRIPTIONS: Final = HERE.parents[1] / "tests" / "contracts" / "openapi"
PACKAGE: Final = HERE / "src" / "fristwerk_client"
MADE_OF: Final = "made_of.sha256"
"""Lies in each package and says what it was made of, so that it is made anew only when that has changed."""
SERVICES: Final = ("ticket", "sla", "billing")
YAML: Final = "application/yaml"
SETTINGS: Final[dict[str, Any]] = {
    "literal_enums": True,
    "post_hooks": [],  # nobody reads it as a diff, so it is not formatted
    "content_type_overrides": {
        "application/x-ndjson": "text/plain",
        "application/zip": "application/octet-stream",
        YAML: "application/octet-stream",
    },
}


class GeneratorError(Exception):
    """The generator cannot make a whole client of a description; the message says why."""


def generate(folder: Path = PACKAGE) -> None:
    """Make those of the three packages anew inside the folder that are not current. Raises GeneratorError."""
    for service in SERVICES:
        if not is_current(service, folder / service):
            generate_package(service, folder / service)


def is_current(service: str, package: Path) -> bool:
    """Whether the package was made of what the service's description says now, by this generator with these settings."""
    made_of = package / MADE_OF
    return made_of.exists() and made_of.read_text("utf-8") == digest(service)


def digest(service: str) -> str:
    """Of all that decides what is generated, as hexadecimal digits of SHA-256."""
    parts = [prepared(service), SETTINGS, version("openapi-python-client")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def generate_package(service: str, package: Path) -> None:
    """Make one service's package at that path, in place of what is there. Raises GeneratorError."""
    # imported here, as a build from an archive of the sources has what was generated and needs no generator
    from openapi_python_client import generate as run_generator  # noqa: PLC0415
    from openapi_python_client.config import Config, ConfigFile, MetaType  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as temporary:
        source, made = Path(temporary, f"{service}.json"), Path(temporary, service)
        source.write_text(json.dumps(prepared(service)), "utf-8")
        config = Config.from_sources(ConfigFile(**SETTINGS), MetaType.NONE, source, "utf-8", False, made)
        if errors := run_generator(config=config):
            raise GeneratorError("\n".join(f"{service}: {each.header} {each.detail or ''}" for each in errors))
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(made, package)
        (package / MADE_OF).write_text(digest(service), "utf-8")


def prepared(service: str) -> dict[str, Any]:
    """A service's description as the generator can make types of it.

    It wants the version, which the stored description leaves out. A document of terms can be sent as YAML or as JSON; the
    generator would take YAML from a file object alone, which cannot be sent a second time, so it gets the JSON alone.
    """
    description: dict[str, Any] = json.loads((DESCRIPTIONS / f"{service}.json").read_text("utf-8"))
    description["info"]["version"] = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    for operations in description["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            if len(content) > 1:
                content.pop(YAML, None)
    return description


if __name__ == "__main__":
    generate(*map(Path, sys.argv[1:]))

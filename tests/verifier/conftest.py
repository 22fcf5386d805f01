"""One bundle for all tests of a process, made from the three services in this process."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency.keys import CheckpointKeys, load_or_make_checkpoint_keys
from tests.conftest import OpenServices
from tests.verifier.bundling import Files, export, files_of, play_a_day


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """The folder of the services that the bundle is of; they do not run."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def bundle(installation: Path, open_services: OpenServices) -> Path:
    """A bundle of the recorded day with its invoices. Services that were stopped have signed a head of everything."""
    settings = Settings(var=installation / "var")
    out = installation / "bundle.zip"

    async def make() -> None:
        await play_a_day(settings, open_services)
        async with open_services(settings) as stack:
            await export(stack, out)

    asyncio.run(make())
    return out


@pytest.fixture(scope="session")
def files(bundle: Path) -> Files:
    """What is in the bundle."""
    return files_of(bundle)


@pytest.fixture(scope="session")
def operator_keys(bundle: Path) -> CheckpointKeys:
    """The key of the operator, who can sign whatever they like."""
    return load_or_make_checkpoint_keys(bundle.parent / "var" / "checkpoint-keys.json")

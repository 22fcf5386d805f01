"""Which services there are, where each answers on a folder and three ports in a row, and what settings they start with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from fristwerk_platform.settings import Settings, read_settings

HOST: Final = "127.0.0.1"
ServiceName = Literal["ticket", "sla", "billing"]
SERVICE_NAMES: Final[tuple[ServiceName, ...]] = ("ticket", "sla", "billing")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service: its module, its port and the file its log goes to."""

    name: ServiceName
    port: int
    log: Path

    @property
    def title(self) -> str:
        """The name people use."""
        return f"{self.name}-service"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it left no message")


def services_on(folder: Path, first_port: int) -> tuple[Service, ...]:
    """The three services on a folder and three ports in a row."""
    return tuple(
        Service(name=name, port=first_port + number, log=folder / "log" / f"{name}-service.log")
        for number, name in enumerate(SERVICE_NAMES)
    )


def urls(first_port: int) -> dict[ServiceName, str]:
    """Where each service answers."""
    return {service.name: service.url for service in services_on(Path(), first_port)}


def environment(given: Mapping[str, str], folder: Path, first_port: int) -> dict[str, str]:
    """What services start with, but for each one's port: the environment given, on this folder and these ports."""
    addresses = {f"FRISTWERK_{name.upper()}_URL": url for name, url in urls(first_port).items()}
    stories = {"FRISTWERK_CUSTOMERS_MAY_DATE": "true"}  # they play the past
    return stories | dict(given) | addresses | {"FRISTWERK_VAR": str(folder.absolute()), "FRISTWERK_HOST": HOST}


def settings_on(folder: Path, first_port: int) -> Settings:
    """The settings that the services have on this folder and these ports. Raises SettingsError."""
    return read_settings(environment(os.environ, folder, first_port))

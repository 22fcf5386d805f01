"""Optimistic concurrency: a command is carried out only on the version that its sender knew (``If-Match``)."""

from __future__ import annotations

from fristwerk_platform.commands.errors import VersionMismatchError
from fristwerk_platform.commands.metadata import CommandMetadata


def check_version(meta: CommandMetadata, version: int) -> None:
    """Raises VersionMismatchError if the client decided on another version than the present one."""
    if meta.if_match is not None and meta.if_match != version:
        raise VersionMismatchError(f"The version is {version} now, not {meta.if_match}.")

"""Which roles may do what, apart from ticket commands, where the agreement has a say (contract, section 3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from starlette.requests import Request

from fristwerk_platform.auth import ROLES
from fristwerk_platform.commands import CommandMetadata
from fristwerk_platform.http import allowed, command_metadata
from ticket_service.application.application import Application

ADMIN: Final = frozenset({"admin"})
SERVICES: Final = frozenset({"service"})
READERS: Final = frozenset(ROLES) - {"customer"}
"""Who reads everything of the provider; a customer reads what is the own company's."""


async def authorise_command(
    request: Request,
    application: Application,
    roles: Collection[str],
    doing: str,
    occurred_at: datetime | None = None,
) -> CommandMetadata:
    """The metadata of a command that only these roles may give. Raises Problem 403 and what ``command_metadata`` raises."""
    allowed(request, roles, doing)
    return await command_metadata(request, application.log, application.now(), occurred_at)

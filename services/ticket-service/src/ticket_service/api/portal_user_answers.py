"""What the operations on portal users answer, as types that describe it for OpenAPI; no answer passes through them."""

from __future__ import annotations

import msgspec

from ticket_service.api.answers import CommandAnswer
from ticket_service.domain.customer.state import PortalUser


class PortalUserChanged(CommandAnswer):
    """The portal user after the command."""

    portal_user: PortalUser


class PortalUserRead(PortalUser, frozen=True, kw_only=True):
    """A portal user with what the invitation sealed; null once the customer was forgotten."""

    email: str | None
    name: str | None


class PortalUserPage(msgspec.Struct):
    """Portal users."""

    items: list[PortalUserRead]

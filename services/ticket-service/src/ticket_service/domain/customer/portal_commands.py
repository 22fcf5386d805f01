"""The commands about who at a customer has access to its portal."""

from __future__ import annotations

import msgspec


class InvitePortalUser(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody shall have access; ``user`` is the subject of that person's tokens, ``administrator`` as in the event."""

    user: str
    email: str
    name: str | None = None
    administrator: bool = False


class EndPortalAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The user's access is over."""

    user: str
    reason: str | None = None

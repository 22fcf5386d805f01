"""Whose account it is."""

from __future__ import annotations

import msgspec


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account: ``kind`` is ``contract`` or ``customer``."""

    account: str
    provider: str
    customer: str
    kind: str

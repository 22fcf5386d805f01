"""Metadata of a command: who gives it, when the fact occurred, under which key, on which version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands.errors import InTheFutureError, VersionMismatchError
from fristwerk_platform.event_log import IdempotencyKey

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""How far a client's clock may be ahead of ours."""


class CommandMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Who, when (``now`` it is recorded, ``occurred_at`` it happened), under which key, on which
    version.

    ``occurred_at_given``: the client has dated the fact; else it is dated now. ``if_match`` is the
    version that the client decided on, None if it does not matter.
    """

    principal: Principal
    now: datetime
    occurred_at: datetime
    occurred_at_given: bool = True
    correlation_id: str
    key: IdempotencyKey | None = None
    if_match: int | None = None


def check_not_in_the_future(occurred_at: datetime, now: datetime) -> None:
    """Raises InTheFutureError for a fact dated more than ``CLOCK_TOLERANCE`` ahead of our clock."""
    if occurred_at > now + CLOCK_TOLERANCE:
        raise InTheFutureError(f"{occurred_at.isoformat()} lies in the future")


def check_version(meta: CommandMetadata, version: int) -> None:
    """Optimistic concurrency (``If-Match``).

    Raises VersionMismatchError if the client decided on another version than the present one.
    """
    if meta.if_match is not None and meta.if_match != version:
        raise VersionMismatchError(f"The version is {version} now, not {meta.if_match}.")

"""A call as its events tell it, on a ticket or without one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class SealedPart(msgspec.Struct, frozen=True):
    """What an event of the call sealed, and that event's id."""

    event: str
    text: str


class TransferTry(msgspec.Struct, frozen=True):
    """Whether the caller was put through to the role ``to``."""

    to: str
    result: Literal["connected", "failed"]


class LoggedCall(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound call. ``ticket`` is the id of the one it is about, ``taken_by`` who entered it, ``dismissed_at`` when
    somebody saw that nothing has to be done. ``for_agent`` is the dedicated agent whom it was for, or who stood in. ``said`` is
    the sealed number, ``voicemail`` the sealed words.
    """

    id: str
    started_at: datetime
    minutes: int | None = None
    to: str | None = None
    automatic: bool = False
    waited_seconds: int | None = None
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    abandoned: bool = False
    dedicated: bool = False
    for_agent: str | None = None
    taken_by: str
    ticket: str | None = None
    dismissed_at: datetime | None = None
    transfers: tuple[TransferTry, ...] = ()
    said: SealedPart | None = None
    voicemail: SealedPart | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has said yet what becomes of it."""
        return self.ticket is None and self.dismissed_at is None

"""Facts about how tickets belong together: merged, split, linked. Each stands in the stream of both tickets.

``ticket`` is the id of the other ticket, ``reference`` the one people know it by. What the other ticket contributes is part
of the event, so that whoever derives something from one stream need not read another.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

LinkKind = Literal["related", "causes", "caused_by", "blocks", "blocked_by", "part_of", "has_part"]
"""What another ticket is to this one; of the directed kinds the other ticket has the opposite one."""


TimeSource = Literal["agent", "call", "remote_session"]
"""What a time entry comes from: somebody's word, a call, or a remote session."""


class CarriedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A time entry that counts with this ticket from now on, with the minutes of its last correction.

    ``performer`` is who did the work, where the entry or the ticket it was logged on says.
    """

    entry: str
    start: datetime
    minutes: int
    activity: str
    agent: str
    source: TimeSource = "agent"
    performer: Literal["employee", "partner"] | None = None


class MergedInto(msgspec.Struct, frozen=True, kw_only=True):
    """This ticket is a duplicate: it is closed, and its time and later messages count with the other one.

    Preparation of an appointment stays, as its price hangs on that appointment. Personal: ``{"reason"}``.
    """

    ticket: str
    reference: str


class DuplicateMerged(msgspec.Struct, frozen=True, kw_only=True):
    """A duplicate was merged into this ticket, and brought its time ``entries``."""

    ticket: str
    reference: str
    entries: list[CarriedEntry] = []


class SplitOff(msgspec.Struct, frozen=True, kw_only=True):
    """A second matter became a ticket of its own, with the time ``entries`` named by id. Personal: ``{"reason"}``."""

    ticket: str
    reference: str
    entries: list[str] = []


class SplitFrom(msgspec.Struct, frozen=True, kw_only=True):
    """This ticket was part of another one, received with it, and brought its time ``entries``."""

    ticket: str
    reference: str
    entries: list[CarriedEntry] = []


class TicketLinked(msgspec.Struct, frozen=True, kw_only=True):
    """This ticket ``kind`` the other one; it moves no clock and no charge."""

    ticket: str
    reference: str
    kind: LinkKind


class TicketUnlinked(msgspec.Struct, frozen=True, kw_only=True):
    """The link is no more."""

    ticket: str
    reference: str
    kind: LinkKind


class TicketMoved(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket was filed for the wrong customer or contract: from now on it is under these terms, and its work is
    billed there, also what was done before.

    The fields are as in ``TicketCreated``: entitlement is decided anew for the day of receipt. ``sealed_for`` is whose key
    seals what is personal from now on. Personal: ``{"reason"}``.
    """

    reference: str
    from_customer: str
    from_contract: str | None = None
    customer: str
    sealed_for: str
    contract: str | None = None
    plan: str | None = None
    site: str | None = None
    addons: list[str] = []
    agreement: str
    agreement_version: int
    calendar: str
    calendar_version: int
    line_calendars: dict[str, int] = {}
    type: str
    severity: str | None = None
    group: str | None = None
    entitled: bool
    entitled_by: Literal["contract", "warranty"] | None = None
    entitled_why: str


TakingOver = DuplicateMerged | SplitFrom
"""The events with which time of another ticket counts with this one."""
RelationEvent = MergedInto | DuplicateMerged | SplitOff | SplitFrom | TicketLinked | TicketUnlinked

"""Inbound calls and callbacks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from fristwerk_language.terms.agreement import CALL
from fristwerk_language.terms.billing import Performer
from ticket_service.domain.ticket.commands.source import MessageSource
from ticket_service.domain.ticket.commands.ticket_command import TicketCommand


class CallTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """``to`` is the role to which the caller was put through, or not."""

    to: str
    result: Literal["connected", "failed"]


class AttachCall(TicketCommand, frozen=True, kw_only=True):
    """An inbound call about this ticket. ``to`` is the vendor's number; ``voicemail`` the words left on it.

    ``entry`` is the id of the time entry that ``minutes`` above zero become, under ``activity`` and of
    ``performer``. ``automatic``: a machine called. ``waited_seconds`` is how long the caller stood in the queue, from
    ``queued_at`` until ``answered_at``, unless the call was ``abandoned``. ``dedicated``: the number called is the
    contract's own. ``callers`` are the customers who have the caller's number; ``confirmed``: the call is about this ticket
    although another customer has it.
    """

    word = "calls"
    call: str
    entry: str
    from_number: str
    to: str | None = None
    started_at: datetime
    minutes: int | None = None
    activity: str = CALL
    performer: Performer | None = None
    transfer: CallTransfer | None = None
    voicemail: str | None = None
    automatic: bool = False
    waited_seconds: int | None = None
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    abandoned: bool = False
    dedicated: bool = False
    source: MessageSource | None = None
    callers: tuple[str, ...] = ()
    confirmed: bool = False


class RequestCallback(TicketCommand, frozen=True, kw_only=True):
    word = "callbacks"
    purpose: str | None = None


class AttemptCallback(TicketCommand, frozen=True, kw_only=True):
    word = "callbacks/{n}/attempts"
    number: int
    reached: bool


class CompleteCallback(TicketCommand, frozen=True, kw_only=True):
    word = "callbacks/{n}/completion"
    number: int
    text: str


CallbackCommand = RequestCallback | AttemptCallback | CompleteCallback

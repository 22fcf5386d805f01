"""Opening a ticket."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ticket_service.domain.ticket.commands.source import MessageSource


class CreateTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a customer becomes a ticket. ``reference`` is short, human and not guessable.

    ``contract`` names one of several contracts in force. ``severity`` is set by staff, ``suggested_severity`` is a wish.
    ``severity_reason`` says why it is set against the ``circumstances``. ``follows`` is the ticket that could not be reopened
    any more. ``category`` is what is asked for, ``circumstances`` what the criteria of severities ask about.
    """

    reference: str
    customer: str
    received_at: datetime
    channel: str
    type: str
    subject: str
    description: str
    fields: dict[str, str] = {}
    severity: str | None = None
    suggested_severity: str | None = None
    contract: str | None = None
    follows: str | None = None
    source: MessageSource | None = None
    category: str | None = None
    circumstances: dict[str, bool] = {}
    severity_reason: str | None = None

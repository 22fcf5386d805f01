"""The end of a ticket, and its move to other terms."""

from __future__ import annotations

from collections.abc import Sequence

from ticket_service.domain.ticket.commands.ticket_command import TicketCommand


class Resolve(TicketCommand, frozen=True, kw_only=True):
    word = "resolution"
    text: str


class Reopen(TicketCommand, frozen=True, kw_only=True):
    word = "reopening"
    reason: str


class Close(TicketCommand, frozen=True, kw_only=True):
    """``accept`` names what is unsettled and may stay so."""

    word = "closing"
    accept: Sequence[str] = ()


class MigrateTerms(TicketCommand, frozen=True, kw_only=True):
    """From now on other versions of the ticket's agreement or calendar; a version not given stays."""

    word = "terms"
    agreement_version: int | None = None
    calendar_version: int | None = None
    reason: str


ClosingCommand = Resolve | Reopen | Close

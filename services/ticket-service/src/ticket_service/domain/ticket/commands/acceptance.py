"""Delivery, acceptance and release."""

from __future__ import annotations

from typing import Literal

from ticket_service.domain.ticket.commands.ticket_command import AgreementRecord, DecisionRecord, TicketCommand


class Deliver(TicketCommand, frozen=True, kw_only=True):
    """``agreed`` is the customer's consent to a delivery to the live system without a test system."""

    word = "delivery"
    system: Literal["test", "live"]
    text: str
    agreed: AgreementRecord | None = None


class Accept(TicketCommand, frozen=True, kw_only=True):
    """The customer accepts what was delivered, or (``accepted`` false) refuses it."""

    word = "acceptance"
    accepted: bool
    text: str | None = None
    on_behalf: DecisionRecord | None = None


class Release(TicketCommand, frozen=True, kw_only=True):
    word = "release"


AcceptanceCommand = Deliver | Accept | Release

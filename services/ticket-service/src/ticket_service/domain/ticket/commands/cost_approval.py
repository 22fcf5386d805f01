"""The customer's consent to what work costs: asked for, and decided."""

from __future__ import annotations

from ticket_service.domain.ticket.commands.ticket_command import DecisionRecord, TicketCommand


class RequestCostApproval(TicketCommand, frozen=True, kw_only=True):
    word = "cost-approvals"
    estimate_minutes: int
    text: str


class DecideCost(TicketCommand, frozen=True, kw_only=True):
    """An approval covers the estimate that it answers, or ``extra_minutes``; without end only where
    it says so.
    """

    word = "cost-approvals/{n}/decision"
    number: int
    approved: bool
    extra_minutes: int | None = None
    open_ended: bool = False
    on_behalf: DecisionRecord | None = None


CostCommand = RequestCostApproval | DecideCost

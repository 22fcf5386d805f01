"""Complaints that are about no ticket: each becomes a ticket that is escalated from the start."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fristwerk_platform.commands import CommandMetadata, CommandResult
from ticket_service.application.customers import Customers
from ticket_service.application.intake import Intake, Request
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.ticket.commands import Escalate


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """If ``to`` is None, the complaint goes to the agreement's escalation contact.

    ``fields`` are those that the agreement's normal tickets require.
    """

    customer: str
    channel: str
    text: str
    to: str | None = None
    fields: dict[str, str] = {}
    received_at: datetime


class Complaints:
    """Records complaints."""

    def __init__(self, customers: Customers, intake: Intake) -> None:
        self._customers = customers
        self._intake = intake

    async def receive(self, meta: CommandMetadata, complaint: Complaint) -> CommandResult:
        """Ticket and escalation in one transaction; the answer's escalation says to whom it went.

        Raises NotAcceptable where the agreement takes complaints on tickets only
        (``escalation.at_any_time``).
        """
        principal = meta.principal
        if principal.role == "customer" and complaint.customer != principal.belongs_to:
            raise NotFound("customer-not-found", f"There is no customer {complaint.customer}.")
        customer = (await self._customers.customer(principal.provider, complaint.customer)).state
        request = Request(
            received_at=complaint.received_at,
            channel=complaint.channel,
            subject="Escalation",
            description=complaint.text,
            fields=complaint.fields,
        )
        ground = await self._intake.ground(meta, customer, request)
        terms = ground.context.agreement.escalation
        if terms is None or not terms.at_any_time:
            sentence = f"the agreement {ground.context.agreement.agreement} takes escalations on tickets only"
            raise NotAcceptable(
                f"Nothing was escalated: {sentence} (escalation.at_any_time).",
                [("/customer", sentence)],
                code="escalation-needs-ticket",
            )
        escalation = Escalate(to=complaint.to or terms.contact, text=complaint.text)
        return await self._intake.conclude(meta, ground, following=[escalation])

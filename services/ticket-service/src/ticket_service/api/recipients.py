"""Recipients of invoices, for the service that issues them."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import HttpModel, LocalDate, Routes, json_answer, principal_of, responses
from ticket_service.api.access import SERVICES
from ticket_service.api.forgetting_answers import RecipientAnswer
from ticket_service.api.parameters import CustomerId
from ticket_service.application.application import Application

_RECIPIENT: Final[dict[str, Any]] = {
    "recipient": {"name": "Erika Beispiel", "address": "Musterweg 1\n6003 Luzern", "vat_id": None}
}


class InvoicedBody(HttpModel):
    """The local day of the document."""

    issued_on: LocalDate = Field(examples=["2026-07-01"])


def add_recipients(routes: Routes, application: Application) -> None:
    """The two operations: read a recipient, and say that a document is issued to it."""
    recipients = application.recipients

    @routes.get(
        "/customers/{customer}/recipient",
        summary="Read the recipient of a customer's invoices",
        responses=responses(200, "The recipient", _RECIPIENT, RecipientAnswer),
        permits=(SERVICES, "read recipients"),
    )
    async def read_recipient(request: Request, customer: CustomerId) -> Response:
        """A person who was forgotten is shown here alone, until the term of the invoices is over;
        then, and where none was kept, `recipient` is `null`.
        """
        found = await recipients.recipient(principal_of(request).provider, customer)
        return json_answer({"recipient": found})

    @routes.post(
        "/customers/{customer}/recipient",
        summary="Keep the recipient of a document that is issued",
        responses=responses(200, "The recipient", _RECIPIENT, RecipientAnswer),
        permits=(SERVICES, "keep recipients"),
    )
    async def keep_recipient(request: Request, customer: CustomerId, body: InvoicedBody) -> Response:
        """Before it is issued: from now on the recipient outlives a forgetting until the term of a
        document of that day is over.
        """
        found = await recipients.invoiced(principal_of(request).provider, customer, body.issued_on)
        return json_answer({"recipient": found})

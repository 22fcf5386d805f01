"""Recipients of invoices: a company's name and address are data; a private person's the ticket
service alone can open.

A document in the log names a private person by the event that registered it, never by name. The
ticket service keeps the recipient of a document until its term of retention is over, also where the
person is forgotten before; afterwards nobody can read who it was, and the document, its digest and
every figure stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

import httpx
import msgspec

from billing_service.domain.errors import NotInThisState
from billing_service.domain.invoice.document import Buyer, BuyerAddress, InvoiceDocument
from billing_service.queries.accounts import AccountQueries
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_platform.commands import RetryLaterError

PATIENCE_SECONDS: Final = 10.0


class RecipientUnavailableError(RetryLaterError):
    """Raised when the ticket service does not say who a private person is."""

    code = "recipient-unavailable"
    retry_after_seconds = 2


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Who a document is addressed to, in plain words; kept nowhere."""

    name: str
    address: BuyerAddress | None = None
    vat_id: str | None = None

    def on(self, document: InvoiceDocument) -> InvoiceDocument:
        """A private person's document with the name and address on it."""
        buyer = msgspec.structs.replace(
            document.parties.buyer, name=self.name, address=self.address, vat_id=self.vat_id
        )
        return msgspec.structs.replace(document, parties=msgspec.structs.replace(document.parties, buyer=buyer))


class Recipients:
    """Who a customer is. ``token`` gives a service token for a provider."""

    def __init__(
        self, read_model: AccountQueries, ticket_service: httpx.AsyncClient, token: Callable[[str], str]
    ) -> None:
        self._read_model = read_model
        self._client = ticket_service
        self._token = token

    async def for_document(self, provider: str, customer: str, issued_on: date) -> Buyer:
        """The buyer as a document of that day keeps it; the ticket service keeps who that is.

        Raises NotInThisState for somebody whom nobody knows any more, and RecipientUnavailableError
        where the ticket service cannot say.
        """
        registered = await self._read_model.registration(customer)
        assert registered is not None, "an account's customer was registered"
        event = registered.event
        assert isinstance(event, CustomerRegistered), "found by that"
        buyer = Buyer(
            customer=customer,
            kind=event.kind,
            country=event.country,
            language=event.language,
            name=event.name,
            address=event.address,
            vat_id=event.vat_id,
        )
        if event.name is not None:
            return buyer
        if await self.invoiced(provider, customer, issued_on) is None:
            sentence = f"The customer {customer} was forgotten, and no recipient was kept; an invoice is addressed to somebody."
            raise NotInThisState("recipient-forgotten", sentence)
        return msgspec.structs.replace(buyer, name=None, address=None, vat_id=None, sealed_in=registered.envelope.id)

    async def named(self, provider: str, customer: str) -> Named | None:
        """A private person's name and address, None once the term is over. Raises
        RecipientUnavailableError.
        """
        return await self._asked("GET", provider, customer)

    async def invoiced(self, provider: str, customer: str, issued_on: date) -> Named | None:
        """As ``named``, before a document of that day is issued: the recipient is kept for it.

        Raises RecipientUnavailableError.
        """
        return await self._asked("POST", provider, customer, {"issued_on": issued_on.isoformat()})

    async def _asked(
        self, method: str, provider: str, customer: str, body: dict[str, str] | None = None
    ) -> Named | None:
        try:
            answer = await self._client.request(
                method,
                f"/v1/customers/{customer}/recipient",
                json=body,
                headers={"Authorization": f"Bearer {self._token(provider)}"},
                timeout=PATIENCE_SECONDS,
            )
            answer.raise_for_status()
            known = answer.json()["recipient"]
            return None if known is None else msgspec.convert(known, Named)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            sentence = f"The ticket service does not say who the customer {customer} is at the moment."
            raise RecipientUnavailableError(sentence) from error

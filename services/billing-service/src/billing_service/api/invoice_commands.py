"""Commands about invoices: issue one, take one back, note that one was sent or paid."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api import document_answers
from billing_service.api.access import BILLING, there
from billing_service.api.examples import CONTRACT, CREDIT_NOTE, CREDITED, CUSTOMER, INVOICE, ISSUED, PAID, SENT, SUMMARY
from billing_service.api.parameters import Number
from billing_service.api.reasons import opened
from billing_service.application.application import Application
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    LongText,
    Routes,
    as_response,
    command_metadata,
    responses,
)
from fristwerk_platform.http.described_headers import IF_MATCH
from fristwerk_platform.http.problems import Problem


class IssueBody(HttpModel):
    """Whose work is invoiced, either a contract's or all of a customer's, and up to which local day, inclusive."""

    contract: Identifier | None = Field(None, examples=[CONTRACT])
    customer: Identifier | None = Field(None, examples=[CUSTOMER])
    until: LocalDate = Field(examples=["2026-06-30"])
    occurred_at: Instant | None = None


class CreditBody(HttpModel):
    """Why the invoice is taken back, which stands on the credit note, and what becomes of its work: `reissue` bills it again,
    `waive` never.
    """

    reason: LongText = Field(examples=["Falscher Empfänger"])
    then: Literal["reissue", "waive"] = "reissue"
    occurred_at: Instant | None = None


class SentBody(HttpModel):
    """How the document reached the customer."""

    channel: Identifier = Field(examples=["email"])
    occurred_at: Instant | None = None


class PaidBody(HttpModel):
    """The local day on which it was settled."""

    paid_on: LocalDate = Field(examples=["2026-07-20"])
    occurred_at: Instant | None = None


def invoice_commands_router(application: Application) -> Routes:
    """``POST /v1/invoices`` and what may become of an invoice."""
    routes = Routes(tags=["invoices"], found=there(application))
    invoicing = application.invoicing

    async def meta_for(request: Request, body: IssueBody | CreditBody | SentBody | PaidBody) -> CommandMetadata:
        return await command_metadata(request, application.log, application.now(), body.occurred_at)

    async def shown(request: Request, result: CommandResult) -> Response:
        return await opened(request, application.reasons, as_response(result))

    @routes.post(
        "/invoices",
        headers=(IF_MATCH,),
        permits=(BILLING, "issue invoices"),
        summary="Issue what is new since the last invoice",
        status_code=201,
        responses=responses(201, "Issued", {"invoice": INVOICE, "events": [ISSUED]}, document_answers.DocumentIssued),
    )
    async def issue_invoice(request: Request, body: IssueBody) -> Response:
        """The next number of the series; a negative difference becomes a credit note.

        409 `nothing-to-invoice`, 409 `undecided-charges`, 409 `invoiced-beyond` where a later day was invoiced. `If-Match`
        names the last number of the series, as `GET /v1/invoices` gives it.
        """
        meta = await meta_for(request, body)
        match body.contract, body.customer:
            case str() as contract, None:
                return await shown(request, await invoicing.issue_contract(meta, contract, body.until))
            case None, str() as customer:
                return await shown(request, await invoicing.issue_customer(meta, customer, body.until))
            case _:
                sentence = "name either a contract or a customer"
                problems = [("/contract", sentence), ("/customer", sentence)]
                raise Problem(422, f"The request was refused: {sentence}.", code="invalid-request", errors=problems)

    @routes.post(
        "/invoices/{number}/credit-note",
        headers=(IF_MATCH,),
        permits=(BILLING, "credit invoices"),
        summary="Take an invoice back",
        status_code=201,
        responses=responses(
            201, "Credited", {"invoice": CREDIT_NOTE, "events": [CREDITED]}, document_answers.DocumentIssued
        ),
    )
    async def credit_invoice(request: Request, number: Number, body: CreditBody) -> Response:
        """A credit note over what is left of the invoice: what was reversed since is not reversed again.

        With `then: reissue` the next invoice bills the work again, with `then: waive` it is never billed again. 409
        `invoice-credited`, 409 `nothing-left`.
        """
        meta = await meta_for(request, body)
        return await shown(request, await invoicing.credit(meta, number, body.reason, body.then))

    @routes.post(
        "/invoices/{number}/sent",
        headers=(IF_MATCH,),
        permits=(BILLING, "send invoices"),
        summary="Note that a document was sent",
        status_code=201,
        responses=responses(
            201, "Noted", {"invoice": SUMMARY | {"state": "sent"}, "events": [SENT]}, document_answers.DocumentNoted
        ),
    )
    async def note_sent(request: Request, number: Number, body: SentBody) -> Response:
        meta = await meta_for(request, body)
        return await shown(request, await invoicing.sent(meta, number, body.channel))

    @routes.post(
        "/invoices/{number}/paid",
        headers=(IF_MATCH,),
        permits=(BILLING, "settle invoices"),
        summary="Note that a document was settled",
        status_code=201,
        responses=responses(
            201, "Noted", {"invoice": SUMMARY | {"state": "paid"}, "events": [PAID]}, document_answers.DocumentNoted
        ),
    )
    async def note_paid(request: Request, number: Number, body: PaidBody) -> Response:
        meta = await meta_for(request, body)
        return await shown(request, await invoicing.paid(meta, number, body.paid_on))

    return routes

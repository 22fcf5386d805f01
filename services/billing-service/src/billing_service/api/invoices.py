"""Invoices and credit notes as issued: one, printed or as data, lists, lines, and the way back from a line to its facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api import answers, document_answers
from billing_service.api.access import ACCOUNT_READERS
from billing_service.api.examples import EVENT, INVOICE, INVOICED_LINE, SUMMARY, TRACE, TRACE_AS_TEXT
from billing_service.api.parameters import LanguageQuery, LineNumber, Number, Table, TableQuery
from billing_service.api.reasons import with_reasons
from billing_service.api.spreadsheets import money_cell
from billing_service.api.trace_answers import trace_answer
from billing_service.application.application import Application
from billing_service.application.visibility import document_seen_by
from billing_service.documents import as_html, as_text
from billing_service.domain.invoice.document import NumberedDocument
from billing_service.domain.invoice.document_views import described
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.queries.documents import DocumentFilter, LineFilter
from fristwerk_platform.auth import Principal
from fristwerk_platform.http import LocalDate, Routes, allowed, own_only, responses
from fristwerk_platform.http.described_headers import ETAG
from fristwerk_platform.http.negotiation import HTML, JSON, TEXT, accepted, also_as_text
from fristwerk_platform.http.queries import PageLimit, QueryParameters, csv_answer, next_link

HeadOver = Callable[[str, int], Awaitable[str | None]]
PAGE: Final = 200
ContractFilter = Annotated[str | None, Field(max_length=64, description="With a line of this contract")]
CustomerFilter = Annotated[str | None, Field(max_length=64, description="Addressed to this customer")]
IssuedFrom = Annotated[LocalDate | None, Field(alias="from", description="Issued on this local day or later")]
IssuedUntil = Annotated[LocalDate | None, Field(description="Issued on this local day or earlier")]
AfterNumber = Annotated[int, Field(ge=0, le=2**31 - 1, description="The number that the page before ended with")]
AfterLine = Annotated[
    str, Field(pattern=r"^[0-9]{1,9}-[0-9]{1,9}$", description="The cursor of the page before: number and line")
]
EventFilter = Annotated[
    str | None, Field(max_length=64, description="Only lines that rest on this event", examples=[EVENT])
]
DocumentFormat = Annotated[
    Literal["json", "html", "text"] | None, Field(alias="format", description="Default: what `Accept` asks for")
]
_SUMMARY_COLUMNS: Final = (
    *("number", "type", "state", "account", "customer", "until", "issued_on"),
    *("currency", "net", "vat", "gross", "payable", "corrects", "credited_by", "paid_on"),
)
_LINE_COLUMNS: Final = (
    *("invoice", "n", "account", "ticket", "reference", "kind", "on", "month", "days", "minutes", "raw_minutes"),
    *("factor", "unit_price", "amount", "currency", "vat_percent", "vat_category", "change", "charge", "rule"),
    *("agreement", "agreement_version", "sources"),
)
_PRINTED: Final = {JSON: "json", HTML: "html", TEXT: "text"}
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class InvoicesQuery(QueryParameters):
    """Which documents."""

    contract: ContractFilter = None
    customer: CustomerFilter = None
    from_: IssuedFrom = None
    until: IssuedUntil = None
    after: AfterNumber = 0
    limit: PageLimit = 50
    table: Table = "json"


class LinesQuery(QueryParameters):
    """Which lines."""

    event: EventFilter = None
    contract: ContractFilter = None
    customer: CustomerFilter = None
    from_: IssuedFrom = None
    until: IssuedUntil = None
    after: AfterLine = "0-0"
    limit: PageLimit = 50
    table: Table = "json"


class PrintQuery(QueryParameters):
    """In which form."""

    printed: DocumentFormat = None


def invoices_router(application: Application, head_over: HeadOver) -> Routes:
    """``GET /v1/invoices``, one of them, its lines and their traces, and ``GET /v1/lines``.

    ``head_over`` gives the short form of the first signed head over a position of the provider's log.
    """
    routes = Routes(tags=["invoices"])
    _add_documents(routes, application, head_over)
    _add_lines(routes, application)
    return routes


def _add_documents(routes: Routes, application: Application, head_over: HeadOver) -> None:
    invoices, reasons = application.invoices, application.reasons

    async def every(principal: Principal, wanted: DocumentFilter) -> AsyncIterator[Mapping[str, Any]]:
        after: int | None = 0
        while after is not None:
            found = await invoices.listed(principal, msgspec.structs.replace(wanted, after=after, limit=PAGE))
            for each in found:
                yield each
            after = found[-1]["number"] if len(found) == PAGE else None

    @routes.get(
        "/invoices",
        summary="List invoices and credit notes",
        responses=_page({"items": [SUMMARY]}, document_answers.DocumentPage, headers=(ETAG,)),
    )
    async def list_invoices(request: Request, query: InvoicesQuery) -> Response:
        """In the order of their numbers. The ETag is the last number of the series, which a customer is not told."""
        principal = allowed(request, ACCOUNT_READERS, "read invoices")
        customer = own_only(principal, query.customer, "customer")
        await application.current()
        wanted = DocumentFilter(
            provider=principal.provider,
            contract=query.contract,
            customer=customer,
            from_on=query.from_,
            until_on=query.until,
            after=query.after,
            limit=query.limit,
        )
        if query.table == "csv":
            return csv_answer(_SUMMARY_COLUMNS, every(principal, wanted), name="invoices", own=money_cell)
        items = await invoices.listed(principal, wanted)
        headers = next_link(request, items[-1]["number"] if len(items) == query.limit else None)
        version = {}
        if principal.role != "customer":
            version = {"ETag": f'"{await invoices.series(principal.provider)}"'}
        return await with_reasons(request, reasons, {"items": items}, headers | version)

    @routes.get(
        "/invoices/{number}",
        summary="Read or print an invoice or credit note",
        responses={
            200: {
                "description": "The document",
                "content": {
                    "application/json": {"example": {"invoice": INVOICE}, "model": document_answers.DocumentAnswer},
                    "text/html": {"example": "<!DOCTYPE html>…", "model": str},
                    "text/plain": {"example": "Rechnung 1 …", "model": str},
                },
                "headers": (ETAG,),
            }
        },
    )
    async def read_invoice(request: Request, number: Number, query: PrintQuery) -> Response:
        """The frozen copy. As HTML or text it is written in the agreement's language, figures as the country writes them."""
        principal = allowed(request, ACCOUNT_READERS, "read invoices")
        await application.current()
        issued, document = await invoices.read(principal, number)
        numbered = NumberedDocument(series=issued.event.series, number=number, type=issued.type, document=document)
        headers = {"ETag": f'"{issued.version}"', "Vary": "Accept"}
        match query.printed or _PRINTED[accepted(request, JSON, HTML, TEXT)]:
            case "html":
                return Response(
                    as_html(numbered, await _head(head_over, issued)),
                    headers=headers | _PAGE_HEADERS,
                    media_type="text/html; charset=utf-8",
                )
            case "text":
                return Response(
                    as_text(numbered, await _head(head_over, issued)),
                    headers=headers,
                    media_type="text/plain; charset=utf-8",
                )
            case _:
                body = {"invoice": document_seen_by(principal, described(issued, document))}
                return await with_reasons(request, reasons, body, headers)


async def _head(head_over: HeadOver, issued: IssuedDocument) -> str | None:
    """The short form of the first signed head that covers a document's event."""
    return await head_over(issued.issued.envelope.provider, issued.issued.position)


def _add_lines(routes: Routes, application: Application) -> None:
    invoices, reasons = application.invoices, application.reasons

    async def every(principal: Principal, wanted: LineFilter) -> AsyncIterator[dict[str, Any]]:
        after: tuple[int, int] | None = (0, 0)
        while after is not None:
            found = await invoices.lines(principal, msgspec.structs.replace(wanted, after=after, limit=PAGE))
            for each in found:
                yield each | {"currency": each["amount"].currency}
            after = (found[-1]["invoice"], found[-1]["n"]) if len(found) == PAGE else None

    @routes.get(
        "/lines",
        summary="List invoiced lines, or all that rest on an event",
        responses=_page({"items": [INVOICED_LINE]}, answers.LinePage),
    )
    async def list_lines(request: Request, query: LinesQuery) -> Response:
        """In the order of invoices. With `event` those not invoiced yet as well, with `invoice: null`, on the last page."""
        principal = allowed(request, ACCOUNT_READERS, "read invoices")
        customer = own_only(principal, query.customer, "customer")
        await application.current()
        documents = DocumentFilter(
            provider=principal.provider,
            contract=query.contract,
            customer=customer,
            from_on=query.from_,
            until_on=query.until,
        )
        number, _, place = query.after.partition("-")
        wanted = LineFilter(documents=documents, event=query.event, after=(int(number), int(place)), limit=query.limit)
        if query.table == "csv":
            return csv_answer(_LINE_COLUMNS, every(principal, wanted), name="lines", own=money_cell)
        items = await invoices.lines(principal, wanted)
        if len(items) == query.limit:
            cursor = f"{items[-1]['invoice']}-{items[-1]['n']}"
            return await with_reasons(request, reasons, {"items": items}, next_link(request, cursor))
        waiting = [] if query.event is None else await invoices.not_invoiced(principal, query.event)
        return await with_reasons(request, reasons, {"items": items + waiting})

    @routes.get(
        "/invoices/{number}/lines",
        summary="List a document's lines",
        responses=_page({"items": [INVOICED_LINE]}, answers.LinePage),
    )
    async def list_invoice_lines(request: Request, number: Number, query: TableQuery) -> Response:
        """All of them, as data or CSV."""
        principal = allowed(request, ACCOUNT_READERS, "read invoices")
        await application.current()
        await invoices.document(principal, number)
        wanted = LineFilter(documents=DocumentFilter(provider=principal.provider), number=number)
        if query.table == "csv":
            return csv_answer(_LINE_COLUMNS, every(principal, wanted), name=f"invoice-{number}", own=money_cell)
        return await with_reasons(request, reasons, {"items": await invoices.lines(principal, wanted)})

    @routes.get(
        "/invoices/{number}/lines/{n}/trace",
        summary="Explain a line",
        responses=also_as_text(
            responses(
                200,
                "From the line back to events, clauses and arithmetic",
                {"invoice": 1, "n": 1} | TRACE,
                answers.LineTrace,
            ),
            TRACE_AS_TEXT,
        ),
    )
    async def trace_line(request: Request, number: Number, n: LineNumber, query: LanguageQuery) -> Response:
        """Ordered steps as data and as sentences, the events with their places in the log, and what each clause says; as
        `text/plain` the sentences alone.
        """
        principal = allowed(request, ACCOUNT_READERS, "read traces")
        await application.current()
        trace = await application.traces.of_line(principal, number, n, query.lang)
        return trace_answer(request, [trace], trace)


def _page(example: Any, model: type[msgspec.Struct], headers: Sequence[str] = ()) -> dict[int | str, dict[str, Any]]:
    """A page of a list, or all of it as a table."""
    found = responses(200, "A page, or a table of all", example, model, headers=headers)
    found[200]["content"]["text/csv"] = {"example": "number,series\r\n1,infoniqa\r\n", "model": str}
    return found

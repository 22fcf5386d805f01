"""Balances, previews and what-if: what a contract or a customer owes so far; no number is taken and nothing stored."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api import answers
from billing_service.api.access import ACCOUNT_READERS, READERS, there
from billing_service.api.examples import BALANCE, PREVIEW, WHAT_IF
from billing_service.api.parameters import AsOfQuery, ContractId, CustomerId, UntilDay
from billing_service.api.reasons import with_reasons
from billing_service.application.application import Application
from billing_service.application.visibility import preview_seen_by
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice import views as billing_answers
from billing_service.domain.invoice.rated import Cutoff
from fristwerk_platform.auth import Principal
from fristwerk_platform.http import (
    HttpModel,
    LocalDate,
    Routes,
    ShortText,
    allowed,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.queries import At, KnownAt, QueryParameters


class WhatIfBody(HttpModel):
    """Other terms for the same facts: an agreement document, or the name or name@version of a published one."""

    until: LocalDate | None = None
    agreement: ShortText | dict[str, Any] = Field(examples=["infoniqa@2"])


class PreviewQuery(QueryParameters):
    """Up to which day, and as of when."""

    until: UntilDay = None
    at: At = None
    known_at: Annotated[KnownAt, Field(description="By what had been recorded then")] = None


def accounts_router(application: Application) -> Routes:
    """``/v1/contracts/{contract}/balance``, ``/preview`` and ``/what-if``, ``/v1/customers/{customer}/preview``."""
    routes = Routes(tags=["accounts"], found=there(application))
    statements = application.statements

    async def previewed(
        principal: Principal, rows: list[AccountRow], query: PreviewQuery, contract: str | None = None
    ) -> Any:
        await application.current()
        moment = Cutoff(until=query.until, at=query.at, known_at=query.known_at)
        rated = await statements.all_rated(rows, moment)
        preview = await asyncio.to_thread(billing_answers.preview, rated, contract, show=billing_answers.shown_as_json)
        return preview_seen_by(principal, preview)

    @routes.get(
        "/contracts/{contract}/balance",
        summary="Read a contract's packages, held minutes and open decisions",
        responses=responses(200, "Balance", BALANCE, answers.AccountBalance),
    )
    async def read_balance(request: Request, contract: ContractId, query: AsOfQuery) -> Response:
        principal = allowed(request, ACCOUNT_READERS, "read balances")
        await application.current()
        row = await statements.contract(principal, contract)
        rated = await statements.rated(row, Cutoff(at=query.at, known_at=query.known_at))
        assert rated is not None, "a contract has terms"
        return json_answer(billing_answers.balance(rated))

    @routes.get(
        "/contracts/{contract}/preview",
        summary="Preview what a contract owes",
        responses=responses(200, "Preview", PREVIEW, answers.Preview),
    )
    async def preview_contract(request: Request, contract: ContractId, query: PreviewQuery) -> Response:
        """The same function as an invoice, without taking a number; `to_invoice` is what the next invoice would say."""
        principal = allowed(request, ACCOUNT_READERS, "read previews")
        row = await statements.contract(principal, contract)
        return await with_reasons(request, application.reasons, await previewed(principal, [row], query, contract))

    @routes.get(
        "/customers/{customer}/preview",
        summary="Preview what a customer owes, all contracts together",
        responses=responses(200, "Preview", PREVIEW, answers.Preview),
        is_long=True,
    )
    async def preview_customer(request: Request, customer: CustomerId, query: PreviewQuery) -> Response:
        """All contracts, and work without one."""
        principal = allowed(request, ACCOUNT_READERS, "read previews")
        rows = await statements.accounts_of(principal, customer)
        return await with_reasons(request, application.reasons, await previewed(principal, rows, query))

    @routes.post(
        "/contracts/{contract}/what-if",
        summary="Preview a contract under other terms, beside the real ones",
        responses=responses(200, "Now and then", WHAT_IF, answers.ComparedTerms),
        permits=(READERS, "compare terms"),
        is_long=True,
    )
    async def preview_what_if(request: Request, contract: ContractId, body: WhatIfBody) -> Response:
        """`now` is the preview, `then` the same facts under the other terms, `lines` what differs. Nothing is stored."""
        principal = principal_of(request)
        await application.current()
        row = await statements.contract(principal, contract)
        compared = await application.what_if.compared(row, body.until, body.agreement)
        return await with_reasons(request, application.reasons, compared)

    return routes

"""Balances and previews: what a contract or a customer owes so far; no number is taken and nothing stored."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator

from billing_service.api.access import ACCOUNT_READERS
from billing_service.application import answers as billing_answers
from billing_service.application.service import Application
from shared.http import LocalDate, allowed, answers, json_answer, parse_instant, router


def _instant(value: object) -> datetime | None:
    return None if value is None else parse_instant(value)


ContractId = Annotated[str, Path(max_length=64, examples=["0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"])]
CustomerId = Annotated[str, Path(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
Until = Annotated[
    LocalDate | None, Query(description="Last local day, inclusive; default today", examples=["2026-06-30"])
]
At = Annotated[datetime | None, BeforeValidator(_instant), Query(description="By what had occurred at this instant")]
KnownAt = Annotated[datetime | None, BeforeValidator(_instant), Query(description="By what had been recorded then")]
_LINE: Final = {
    "kind": "overage",
    "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "on": "2026-06-30",
    "minutes": 30,
    "unit_price": {"amount": "195.00", "currency": "CHF"},
    "amount": {"amount": "97.50", "currency": "CHF"},
    "sources": ["0199c3c4-…"],
}
_PREVIEW: Final = {
    "lines": [_LINE],
    "net": {"amount": "97.50", "currency": "CHF"},
    "vat": {"amount": "7.90", "currency": "CHF"},
    "gross": {"amount": "105.40", "currency": "CHF"},
    "payable": {"amount": "105.40", "currency": "CHF"},
    "package_left_minutes": 0,
    "held_minutes": {},
    "written_off_minutes": {},
    "open_decisions": [],
    "violations": [],
}
_BALANCE: Final = {
    "packages": [{"package": "…", "granted": 240, "drawn": 75, "left": 165, "expires_on": "2026-12-31"}],
    "held_minutes": {},
    "open_decisions": [],
}


def accounts_router(application: Application) -> APIRouter:
    """``/v1/contracts/{contract}/balance`` and ``/preview``, ``/v1/customers/{customer}/preview``."""
    routes = router(tags=["accounts"])
    statements = application.statements

    @routes.get(
        "/contracts/{contract}/balance",
        summary="Read a contract's packages, held minutes and open decisions",
        responses=answers(200, "Balance", _BALANCE),
    )
    async def read_balance(request: Request, contract: ContractId, at: At = None, known_at: KnownAt = None) -> Response:
        principal = allowed(request, ACCOUNT_READERS, "read balances")
        row = await statements.contract(principal, contract)
        rated = await statements.rated(row, at=at, known_at=known_at)
        assert rated is not None, "a contract has terms"
        return json_answer(billing_answers.balance(rated))

    @routes.get(
        "/contracts/{contract}/preview",
        summary="Preview what a contract owes",
        responses=answers(200, "Preview", _PREVIEW),
    )
    async def preview_contract(
        request: Request, contract: ContractId, until: Until = None, at: At = None, known_at: KnownAt = None
    ) -> Response:
        """The same function as an invoice, without taking a number."""
        principal = allowed(request, ACCOUNT_READERS, "read previews")
        row = await statements.contract(principal, contract)
        return json_answer(await _preview(application, [row], until, at, known_at))

    @routes.get(
        "/customers/{customer}/preview",
        summary="Preview what a customer owes, all contracts together",
        responses=answers(200, "Preview", _PREVIEW),
    )
    async def preview_customer(
        request: Request, customer: CustomerId, until: Until = None, at: At = None, known_at: KnownAt = None
    ) -> Response:
        """All contracts, and work without one."""
        principal = allowed(request, ACCOUNT_READERS, "read previews")
        rows = await statements.accounts_of(principal, customer)
        return json_answer(await _preview(application, rows, until, at, known_at))

    return routes


async def _preview(
    application: Application, rows: list[Any], until: date | None, at: datetime | None, known_at: datetime | None
) -> dict[str, Any]:
    return billing_answers.preview(await application.statements.all_rated(rows, until=until, at=at, known_at=known_at))

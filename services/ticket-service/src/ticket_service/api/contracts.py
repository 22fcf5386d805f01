"""Contracts: packages, add-ons and the end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    Routes,
    allowed,
    as_response,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import ETAG, IF_MATCH
from ticket_service.api import answers, examples
from ticket_service.api.access import ADMIN, command_of, there
from ticket_service.api.parameters import ContractId
from ticket_service.application.application import Application
from ticket_service.application.contracts import Contracts, contract_seen_by
from ticket_service.application.state_cache import Loaded
from ticket_service.domain.contract import commands
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.errors import NotFound

AddonName = Annotated[str, Field(max_length=64, examples=["dedicated_support"])]


class PackageBody(HttpModel):
    """A further package beside the plan's own."""

    hours: Annotated[int, Field(strict=True, ge=1, le=100_000, examples=[4])]
    from_: LocalDate = Field(alias="from", examples=["2026-06-01"])
    occurred_at: Instant | None = None


class BookAddonBody(HttpModel):
    """An add-on from a day on."""

    addon: Identifier = Field(examples=["dedicated_support"])
    from_: LocalDate = Field(alias="from", examples=["2026-06-16"])
    occurred_at: Instant | None = None


class UntilBody(HttpModel):
    """A last day, inclusive."""

    until: LocalDate = Field(examples=["2026-12-31"])
    occurred_at: Instant | None = None


class TerminationBody(UntilBody):
    """The last day, and what hangs on the end and is accepted, by name."""

    accept: Annotated[list[Literal["logged_work", "held_minutes", "undecided_approvals"]], Field(max_length=3)] = []


def contracts_router(application: Application) -> Routes:
    """``/v1/contracts/{contract}`` and what hangs below it."""
    routes = Routes(tags=["contracts"], found=there(application))
    contracts = application.contracts
    _add_read(routes, contracts)

    _add_purchases(routes, application)

    @routes.post(
        "/contracts/{contract}/termination",
        summary="End a contract",
        status_code=201,
        responses=responses(201, "Done", examples.CONTRACT_CHANGED, answers.ContractChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN, "terminate contracts"),
    )
    async def terminate_contract(request: Request, contract: ContractId, body: TerminationBody) -> Response:
        """409 `consequences-not-accepted` while work was logged on its tickets, minutes are held or the customer has not decided
        on costs: `errors` names each, and `accept` takes the names.
        """
        meta = await command_of(request, application, body.occurred_at)
        command = commands.Terminate(until_on=body.until)
        return as_response(await contracts.terminate(meta, contract, command, body.accept))

    return routes


def _add_purchases(routes: Routes, application: Application) -> None:
    contracts = application.contracts

    @routes.post(
        "/contracts/{contract}/packages",
        summary="Buy a package",
        status_code=201,
        responses=responses(201, "Done", examples.PACKAGE_BOUGHT, answers.PackageBought),
        headers=(IF_MATCH,),
        permits=(ADMIN, "buy packages"),
    )
    async def buy_package(request: Request, contract: ContractId, body: PackageBody) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        command = commands.BuyPackage(hours=body.hours, from_on=body.from_)
        return as_response(await contracts.buy_package(meta, contract, command))

    @routes.post(
        "/contracts/{contract}/addons",
        summary="Book an add-on",
        status_code=201,
        responses=responses(201, "Done", examples.ADDON_CHANGED, answers.AddonChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN, "book add-ons"),
    )
    async def book_addon(request: Request, contract: ContractId, body: BookAddonBody) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        command = commands.BookAddon(addon=body.addon, from_on=body.from_)
        return as_response(await contracts.book_addon(meta, contract, command))

    @routes.post(
        "/contracts/{contract}/addons/{addon}/end",
        summary="End an add-on",
        status_code=201,
        responses=responses(201, "Done", examples.ADDON_CHANGED, answers.AddonChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN, "end add-ons"),
    )
    async def end_addon(request: Request, contract: ContractId, addon: AddonName, body: UntilBody) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        return as_response(
            await contracts.end_addon(meta, contract, commands.EndAddon(addon=addon, until_on=body.until))
        )


def _add_read(routes: Routes, contracts: Contracts) -> None:
    @routes.get(
        "/contracts/{contract}",
        summary="Read a contract",
        responses=responses(
            200, "The contract", {"contract": examples.CONTRACT}, answers.ContractAnswer, headers=(ETAG,)
        ),
    )
    async def read_contract(request: Request, contract: ContractId) -> Response:
        loaded = await readable_contract(request, contracts, contract)
        shown = contract_seen_by(principal_of(request))(loaded.state)
        return json_answer({"contract": shown}, headers={"ETag": f'"{loaded.version}"'})


async def readable_contract(request: Request, contracts: Contracts, contract: str) -> Loaded[Contract]:
    """A contract that the caller may read; another customer's is not there for a customer. Raises
    NotFound and Problem 403.
    """
    principal = principal_of(request)
    loaded = await contracts.contract(principal.provider, contract)
    if principal.role != "customer":
        allowed(request, READERS, "read contracts")
    elif loaded.state.customer != principal.belongs_to:
        raise NotFound("contract-not-found", f"There is no contract {contract}.")
    return loaded

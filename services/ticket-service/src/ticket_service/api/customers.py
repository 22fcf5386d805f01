"""Customers: who they are, their devices, contacts and contracts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from shared.events import recorded
from shared.events.customers import CustomerRegistered
from shared.http import (
    HttpModel,
    Instant,
    Line,
    LocalDate,
    allowed,
    answers,
    as_response,
    command_meta,
    json_answer,
    principal_of,
    router,
)
from shared.problems import Problem
from ticket_service.api.access import ADMIN, READERS
from ticket_service.application.customers import customer_stream
from ticket_service.application.service import Application
from ticket_service.domain import customer as domain
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.signing import SignContract, WantedAddon

CustomerId = Annotated[str, Path(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
After = Annotated[str, Query(max_length=64, description="The cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=200)]
_CUSTOMER = {"id": "0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70", "kind": "company", "name": "Muster Treuhand AG"}


class Contact(HttpModel):
    """A person at the customer; sealed."""

    name: Line | None = None
    email: Line | None = None
    phone: Line | None = None


class Address(HttpModel):
    """Where invoices go."""

    street: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    country: Line | None = None


class RegisterBody(HttpModel):
    """A new customer."""

    name: Line = Field(examples=["Muster Treuhand AG"])
    kind: Literal["company", "person", "prospect"]
    language: Line | None = Field(None, examples=["de-CH"])
    country: Line | None = Field(None, examples=["CH"])
    vat_id: Line | None = None
    address: Line | Address | None = None
    contact: Contact | None = None
    occurred_at: Instant | None = None


class DeviceBody(HttpModel):
    """A device and the last local day of its warranty."""

    serial: Line = Field(examples=["SN-4711"])
    product: Line | None = None
    warranty_until: LocalDate | None = None
    site: Line | None = None
    occurred_at: Instant | None = None


class ContactRoleBody(HttpModel):
    """A member of staff takes a role for the customer."""

    role: Line = Field(examples=["customer_success_manager"])
    agent: Line = Field(examples=["csm-7"])
    occurred_at: Instant | None = None


class AddonBody(HttpModel):
    """An add-on signed with the contract."""

    addon: Line
    from_: LocalDate | None = Field(None, alias="from")


class ContractBody(HttpModel):
    """What a customer buys; dates are local to the agreement and inclusive."""

    agreement: Line = Field(examples=["infoniqa"])
    plan: Line | None = Field(None, examples=["m"])
    package_hours: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None
    addons: Annotated[list[AddonBody], Field(max_length=100)] = []
    site: Line | None = None
    group: Line | None = None
    from_: LocalDate = Field(alias="from", examples=["2026-01-01"])
    until: LocalDate | None = None
    occurred_at: Instant | None = None


class ForgetBody(HttpModel):
    """Nothing to say but, if it was earlier, when."""

    occurred_at: Instant | None = None


def customers_router(application: Application) -> APIRouter:
    """``/v1/customers`` and what hangs below a customer."""
    routes = router(tags=["customers"])
    _add_commands(routes, application)
    _add_reads(routes, application)
    return routes


def _add_commands(routes: APIRouter, application: Application) -> None:
    customers = application.customers

    async def meta_for(request: Request, body: Any, doing: str) -> Any:
        allowed(request, ADMIN, doing)
        return await command_meta(request, application.log, application.now(), body.occurred_at)

    created = answers(201, "Done", {"customer": _CUSTOMER, "events": []})

    @routes.post("/customers", summary="Register a customer", status_code=201, responses=created)
    async def register_customer(request: Request, body: RegisterBody) -> Response:
        meta = await meta_for(request, body, "register customers")
        given = body.model_dump(exclude={"occurred_at", "contact"})
        contact = domain.Contact(**body.contact.model_dump()) if body.contact else None
        return as_response(await customers.register(meta, domain.Register(**given, contact=contact)))

    @routes.post("/customers/{customer}/devices", summary="Register a device", status_code=201, responses=created)
    async def register_device(request: Request, customer: CustomerId, body: DeviceBody) -> Response:
        meta = await meta_for(request, body, "register devices")
        command = domain.RegisterDevice(**body.model_dump(exclude={"occurred_at"}))
        return as_response(await customers.register_device(meta, customer, command))

    @routes.post("/customers/{customer}/contacts", summary="Assign a contact", status_code=201, responses=created)
    async def assign_contact(request: Request, customer: CustomerId, body: ContactRoleBody) -> Response:
        meta = await meta_for(request, body, "assign contacts")
        await application.current()
        command = domain.AssignContact(role=body.role, agent=body.agent)
        return as_response(await customers.assign_contact(meta, customer, command))

    @routes.post("/customers/{customer}/contracts", summary="Sign a contract", status_code=201, responses=created)
    async def sign_contract(request: Request, customer: CustomerId, body: ContractBody) -> Response:
        """Open tickets of a customer without contract move up in the worklist; their timers stay as they are."""
        meta = await meta_for(request, body, "sign contracts")
        await application.current()
        command = SignContract(
            agreement=body.agreement,
            plan=body.plan,
            package_hours=body.package_hours,
            addons=[WantedAddon(addon=each.addon, from_on=each.from_) for each in body.addons],
            site=body.site,
            group=body.group,
            from_on=body.from_,
            until_on=body.until,
        )
        tickets = application.tickets
        return as_response(
            await customers.sign(meta, customer, command, lambda contract: tickets.reprioritised(meta, contract))
        )

    @routes.post("/customers/{customer}/forget", summary="Forget a person", status_code=201, responses=created)
    async def forget_customer(request: Request, customer: CustomerId, body: ForgetBody = ForgetBody()) -> Response:  # noqa: B008 - immutable
        """The key is deleted: what was sealed can be read by nobody. The log, its hashes and all figures stay valid."""
        meta = await meta_for(request, body, "forget persons")
        return as_response(await customers.forget(meta, customer))


def _add_reads(routes: APIRouter, application: Application) -> None:
    async def described(request: Request, customer: str) -> dict[str, Any]:
        loaded = await application.customers.customer(principal_of(request).provider, customer)
        personal: dict[str, Any] = {}
        for line in await application.log.read_stream(customer_stream(customer)):
            if isinstance(recorded(line.line).event, CustomerRegistered):
                personal = await application.recording.personal_of(line.line) or {}
        known: dict[str, Any] = msgspec.to_builtins(loaded.state)
        shown = {key: value for key, value in personal.items() if known.get(key) is None}
        return known | shown | {"version": loaded.version}

    @routes.get("/customers", summary="List customers", responses=answers(200, "A page", {"items": [_CUSTOMER]}))
    async def list_customers(
        request: Request,
        phone: Annotated[str | None, Query(max_length=40, description="Only who has this number")] = None,
        after: After = "",
        limit: Limit = 50,
    ) -> Response:
        """In the order of registration; with ``phone`` whose contact has that number, in whatever form it is written."""
        provider = allowed(request, READERS, "read customers").provider
        model = await application.current()
        if phone is not None:
            number = normalised_phone(_plus(phone))
            found = await model.customers_by_phone(application.personal_data.phone_index(provider, number))
        else:
            found = await model.customers(provider, after=after, limit=limit)
        headers = {}
        if phone is None and len(found) == limit:
            page = request.url.include_query_params(after=found[-1])
            headers["Link"] = f'<{page.path}?{page.query}>; rel="next"'
        return json_answer({"items": [await described(request, each) for each in found]}, headers=headers)

    @routes.get(
        "/customers/{customer}",
        summary="Read a customer",
        responses=answers(200, "The customer", {"customer": _CUSTOMER}),
    )
    async def read_customer(request: Request, customer: CustomerId) -> Response:
        _check_own(request, customer)
        body = await described(request, customer)
        return json_answer({"customer": body}, headers={"ETag": f'"{body["version"]}"'})

    @routes.get(
        "/customers/{customer}/overview",
        summary="See a customer's open tickets, contracts and contacts",
        responses=answers(
            200, "Overview", {"customer": _CUSTOMER, "open_tickets": [], "contracts": [], "contacts": {}}
        ),
    )
    async def read_overview(request: Request, customer: CustomerId) -> Response:
        _check_own(request, customer)
        body = await described(request, customer)
        model = await application.current()
        provider = principal_of(request).provider
        return json_answer(
            {
                "customer": body,
                "open_tickets": await model.open_tickets(provider, customer),
                "contracts": await model.contracts_of(customer),
                "contacts": body["contacts"],
            }
        )


def _check_own(request: Request, customer: str) -> None:
    """Staff reads every customer of the provider, a customer only its own company."""
    principal = principal_of(request)
    if principal.role != "customer":
        allowed(request, READERS, "read customers")
    elif principal.customer != customer:
        raise Problem(404, f"There is no customer {customer}.", code="customer-not-found")


def _plus(phone: str) -> str:
    """In a query a plus sign arrives as a space."""
    return "+" + phone[1:] if phone.startswith(" ") else phone

"""Customers: who they are, their devices, contacts and contracts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS, STAFF
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    PhoneNumber,
    Routes,
    SerialNumber,
    ShortLines,
    ShortText,
    allowed,
    as_response,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import ETAG, IF_MATCH
from fristwerk_platform.http.queries import NOT_KEPT, Page, page
from ticket_service.api import answers, examples, forgetting_answers
from ticket_service.api.access import ADMIN, authorise_command, check_own, command_of, there
from ticket_service.api.customer_texts import add_texts
from ticket_service.api.parameters import CustomerId
from ticket_service.api.recipients import add_recipients
from ticket_service.application.application import Application
from ticket_service.application.contracts import contract_seen_by
from ticket_service.application.views import seen_by
from ticket_service.domain.contract.signing import SignContract, WantedAddon
from ticket_service.domain.customer import commands

Address = Annotated[dict[Identifier, ShortText], Field(max_length=20)]
"""Where invoices go: countries name the parts of an address differently."""


class Contact(HttpModel):
    """A person at the customer; sealed."""

    name: ShortText | None = None
    email: ShortText | None = None
    phone: ShortText | None = None


class RegisterBody(HttpModel):
    """A new customer."""

    name: ShortText = Field(examples=["Muster Treuhand AG"])
    kind: Literal["company", "person", "prospect"]
    language: Identifier | None = Field(None, examples=["de-CH"])
    country: Identifier | None = Field(None, examples=["CH"])
    vat_id: SerialNumber | None = None
    address: ShortLines | Address | None = Field(None, examples=[{"street": "Musterweg 1", "city": "Luzern"}])
    contact: Contact | None = None
    occurred_at: Instant | None = None


class DeviceBody(HttpModel):
    """A device and the last local day of its warranty."""

    serial: SerialNumber = Field(examples=["SN-4711"])
    product: ShortText | None = None
    warranty_until: LocalDate | None = None
    site: Identifier | None = None
    occurred_at: Instant | None = None


class ContactRoleBody(HttpModel):
    """A member of staff takes a role for the customer."""

    role: Identifier = Field(examples=["customer_success_manager"])
    agent: Identifier = Field(examples=["csm-7"])
    occurred_at: Instant | None = None


class AddonBody(HttpModel):
    """An add-on signed with the contract."""

    addon: Identifier
    from_: LocalDate | None = Field(None, alias="from")


class ContractBody(HttpModel):
    """What a customer buys; dates are local to the agreement and inclusive."""

    agreement: Identifier = Field(examples=["infoniqa"])
    plan: Identifier | None = Field(None, examples=["m"])
    package_hours: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None
    addons: Annotated[list[AddonBody], Field(max_length=100)] = []
    site: Identifier | None = None
    group: Identifier | None = None
    from_: LocalDate = Field(alias="from", examples=["2026-01-01"])
    until: LocalDate | None = None
    dedicated_number: PhoneNumber | None = Field(None, examples=["+49 30 1234567"])
    occurred_at: Instant | None = None


class ForgetBody(HttpModel):
    """What hangs on it and is accepted, by name; and, if it was earlier, when."""

    accept: Annotated[list[Literal["open_tickets", "contracts", "logged_work"]], Field(max_length=3)] = []
    occurred_at: Instant | None = None


class CustomerQuery(Page):
    """Which customers."""

    phone: Annotated[str | None, NOT_KEPT] = Field(
        None, max_length=40, description="Only who has this number", examples=["+49 40 000001"]
    )

    @property
    def number(self) -> str:
        """The number asked for; in a query a plus sign that was not escaped arrives as a space."""
        phone = self.phone or ""
        return f"+{phone[1:]}" if phone.startswith(" ") else phone


def customers_router(application: Application) -> Routes:
    """``/v1/customers`` and what hangs below a customer."""
    routes = Routes(tags=["customers"], found=there(application))
    _add_commands(routes, application)
    _add_signing(routes, application)
    _add_forgetting(routes, application)
    add_texts(routes, application)
    add_recipients(routes, application)
    _add_reads(routes, application)
    return routes


def _add_commands(routes: Routes, application: Application) -> None:
    customers = application.customers

    @routes.post(
        "/customers",
        summary="Register a customer",
        status_code=201,
        responses=responses(201, "Done", examples.CUSTOMER_CHANGED, answers.CustomerChanged),
        permits=(ADMIN | STAFF, "register customers"),
    )
    async def register_customer(request: Request, body: RegisterBody) -> Response:
        """Whoever takes a call may register an unknown caller as a person or a prospect; companies are the administrator's."""
        may = ADMIN if body.kind == "company" else ADMIN | STAFF
        meta = await authorise_command(request, application, may, f"register a {body.kind}", body.occurred_at)
        given = body.model_dump(exclude={"occurred_at", "contact"})
        contact = commands.Contact(**body.contact.model_dump()) if body.contact else None
        return as_response(await customers.register(meta, commands.Register(**given, contact=contact)))

    @routes.post(
        "/customers/{customer}/devices",
        summary="Register a device",
        status_code=201,
        responses=responses(201, "Done", examples.DEVICE_ADDED, answers.DeviceAdded),
        headers=(IF_MATCH,),
        permits=(ADMIN, "register devices"),
    )
    async def register_device(request: Request, customer: CustomerId, body: DeviceBody) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        command = commands.RegisterDevice(**body.model_dump(exclude={"occurred_at"}))
        return as_response(await customers.register_device(meta, customer, command))

    @routes.post(
        "/customers/{customer}/contacts",
        summary="Assign a contact",
        status_code=201,
        responses=responses(201, "Done", examples.CONTACT_ADDED, answers.ContactAdded),
        headers=(IF_MATCH,),
        permits=(ADMIN, "assign contacts"),
    )
    async def assign_contact(request: Request, customer: CustomerId, body: ContactRoleBody) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        command = commands.AssignContact(role=body.role, agent=body.agent)
        return as_response(await customers.assign_contact(meta, customer, command))


def _add_signing(routes: Routes, application: Application) -> None:
    @routes.post(
        "/customers/{customer}/contracts",
        summary="Sign a contract",
        status_code=201,
        responses=responses(201, "Done", examples.CONTRACT_CHANGED, answers.ContractChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN, "sign contracts"),
    )
    async def sign_contract(request: Request, customer: CustomerId, body: ContractBody) -> Response:
        """Open tickets of a customer without contract move up in the worklist; their timers stay as they are."""
        meta = await command_of(request, application, body.occurred_at)
        command = SignContract(
            agreement=body.agreement,
            plan=body.plan,
            package_hours=body.package_hours,
            addons=[WantedAddon(addon=each.addon, from_on=each.from_) for each in body.addons],
            site=body.site,
            group=body.group,
            from_on=body.from_,
            until_on=body.until,
            dedicated_number=body.dedicated_number,
        )
        return as_response(await application.contracts.sign(meta, customer, command))


def _add_forgetting(routes: Routes, application: Application) -> None:
    customers = application.customers

    @routes.post(
        "/customers/{customer}/forget",
        summary="Forget a person",
        status_code=201,
        responses=responses(201, "Done", examples.CUSTOMER_CHANGED, answers.CustomerChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN, "forget persons"),
    )
    async def forget_customer(request: Request, customer: CustomerId, body: ForgetBody = ForgetBody()) -> Response:  # noqa: B008 - immutable
        """The key is deleted: what was sealed can be read by nobody. The log, its hashes and all
        figures stay valid. Whom a person's invoices are addressed to is kept for them alone, under a
        key of its own, until the term of retention is over.

        409 `consequences-not-accepted` while a person has open tickets, contracts in force or logged
        work: `errors` names each, and `accept` takes the names.
        """
        meta = await command_of(request, application, body.occurred_at)
        return as_response(await customers.forget(meta, customer, body.accept))

    @routes.get(
        "/customers/{customer}/forgetting",
        summary="See what forgetting a person would touch",
        responses=responses(200, "Consequences", examples.FORGETTING, forgetting_answers.ForgettingPreview),
        is_long=True,
    )
    async def preview_forgetting(request: Request, customer: CustomerId) -> Response:
        """Nothing is done. `consequences` are those that `forget` is refused with unless `accept` names
        each; `kept` is how long the recipient of invoices is kept, `null` where there is none.
        """
        provider = allowed(request, ADMIN, "forget persons").provider
        readable, found = await customers.forgetting(provider, customer, application.now().date())
        return json_answer(forgetting_answers.forgetting(customer, readable, found))


def _add_reads(routes: Routes, application: Application) -> None:
    customers = application.customers

    async def described(request: Request, customer: str) -> dict[str, Any]:
        """The customer, if the caller may see it: staff the provider's, a customer the own company."""
        principal = principal_of(request)
        check_own(principal, customer)
        return await customers.described(await customers.customer(principal.provider, customer))

    @routes.get(
        "/customers",
        summary="List customers",
        responses=responses(200, "A page", {"items": [examples.CUSTOMER]}, answers.CustomerPage),
    )
    async def list_customers(request: Request, query: CustomerQuery) -> Response:
        """In the order of registration; with `phone` whose contact has that number, in whatever form it is written."""
        provider = allowed(request, READERS, "read customers").provider
        if query.phone is None:
            rows = (await application.current()).customers(provider, after=query.after, limit=query.limit + 1)
            items = await customers.described_rows(await rows)
        else:
            found = await customers.with_phone(provider, query.number)
            items = [await described(request, each) for each in found if each > query.after][: query.limit + 1]
        return page(request, items, query.limit, lambda each: str(each["id"]))

    @routes.get(
        "/customers/{customer}",
        summary="Read a customer",
        responses=responses(
            200, "The customer", {"customer": examples.CUSTOMER}, answers.CustomerAnswer, headers=(ETAG,)
        ),
    )
    async def read_customer(request: Request, customer: CustomerId) -> Response:
        body = await described(request, customer)
        return json_answer({"customer": body}, headers={"ETag": f'"{body["version"]}"'})

    @routes.get(
        "/customers/{customer}/overview",
        summary="See a customer's open tickets, contracts and contacts",
        responses=responses(200, "Overview", examples.OVERVIEW, answers.CustomerOverview),
    )
    async def read_overview(request: Request, customer: CustomerId) -> Response:
        body = await described(request, customer)
        principal = principal_of(request)
        read_model = await application.current()
        return json_answer(
            {
                "customer": body,
                "open_tickets": [*map(seen_by(principal), await read_model.open_tickets(principal.provider, customer))],
                "contracts": [*map(contract_seen_by(principal), await read_model.contracts_of(customer))],
                "contacts": body["contacts"],
            }
        )

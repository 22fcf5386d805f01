"""Who at a customer has access to its portal: invited, activated and ended, with the history of each."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS, STAFF
from fristwerk_platform.auth import Principal
from fristwerk_platform.http import (
    HttpModel,
    Instant,
    LongText,
    Routes,
    ShortText,
    StrictBool,
    allowed,
    as_response,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import IF_MATCH
from fristwerk_platform.http.middleware import Admission
from fristwerk_platform.http.operations import Found
from fristwerk_platform.http.queries import NumberedPage, Page, next_link, page
from ticket_service.api import examples
from ticket_service.api.access import ADMIN, check_own, command_of
from ticket_service.api.answers import EventPage
from ticket_service.api.parameters import CustomerId, PortalUserName
from ticket_service.api.portal_user_answers import PortalUserChanged, PortalUserPage
from ticket_service.api.refusals import as_problem
from ticket_service.application.application import Application
from ticket_service.application.portal_users import PortalUsers
from ticket_service.domain.customer.portal_commands import EndPortalAccess, InvitePortalUser
from ticket_service.domain.errors import Refusal

MAY: Final = ADMIN | STAFF | {"customer"}
"""Of a customer's tokens only those of its portal's administrators."""
DOING: Final = "manage portal users"


class InvitationBody(HttpModel):
    """Who shall have access; the name and the address are sealed."""

    user: PortalUserName
    email: ShortText = Field(examples=["vera@muster.example"])
    name: ShortText | None = Field(None, examples=["Vera Muster"])
    administrator: StrictBool = Field(False, description="Whether the person invites and ends others of the customer")
    occurred_at: Instant | None = None


class ActivationBody(HttpModel):
    """When, if it was earlier."""

    occurred_at: Instant | None = None


class EndBody(HttpModel):
    """Why, sealed; and, if it was earlier, when."""

    reason: LongText | None = Field(None, examples=["Hat das Haus verlassen"])
    occurred_at: Instant | None = None


class PortalUserQuery(Page):
    """Which portal users."""

    after: str = Field("", max_length=128, description="The cursor of the page before, as its Link has it")
    state: Literal["invited", "active", "ended"] | None = None


def portal_users_router(application: Application) -> Routes:
    """``/v1/customers/{customer}/portal-users``."""
    routes = Routes(tags=["customers"], found=_there(application))
    _add_commands(routes, application)
    _add_reads(routes, application)
    return routes


def admission(users: PortalUsers) -> Admission:
    """Refuses every request with the token of a portal user whose access has ended."""

    async def check(principal: Principal) -> None:
        try:
            await users.check_access(principal)
        except Refusal as refusal:
            raise as_problem(refusal) from refusal

    return check


def _there(application: Application) -> Found:
    async def check(request: Request) -> None:
        principal, names = principal_of(request), request.scope["path_params"]
        check_own(principal, names["customer"])
        await application.portal_users.check_may(principal, names["customer"], names.get("user"))

    return check


def _add_commands(routes: Routes, application: Application) -> None:
    users = application.portal_users
    how: Any = {
        "status_code": 201,
        "headers": (IF_MATCH,),
        "permits": (MAY, DOING),
        "responses": responses(201, "Done", examples.PORTAL_USER_CHANGED, PortalUserChanged),
    }

    @routes.post("/customers/{customer}/portal-users", summary="Invite a portal user", **how)
    async def invite_portal_user(request: Request, customer: CustomerId, body: InvitationBody) -> Response:
        """By staff, or by an administrator among the customer's portal users. `user` is the subject that the person's
        tokens have or will have; tokens are issued elsewhere. Who was ended may be invited again.
        """
        check_own(principal_of(request), customer)
        meta = await command_of(request, application, body.occurred_at)
        command = InvitePortalUser(**body.model_dump(exclude={"occurred_at"}))
        return as_response(await users.invite(meta, customer, command))

    @routes.post("/customers/{customer}/portal-users/{user}/activation", summary="Activate a portal user", **how)
    async def activate_portal_user(
        request: Request,
        customer: CustomerId,
        user: PortalUserName,
        body: ActivationBody = ActivationBody(),  # noqa: B008 - immutable
    ) -> Response:
        """By the invited person, or by who may invite. No invoice ever bills it."""
        check_own(principal_of(request), customer)
        meta = await command_of(request, application, body.occurred_at)
        return as_response(await users.activate(meta, customer, user))

    @routes.post("/customers/{customer}/portal-users/{user}/end", summary="End a portal user's access", **how)
    async def end_portal_access(
        request: Request,
        customer: CustomerId,
        user: PortalUserName,
        body: EndBody = EndBody(reason=None),  # noqa: B008 - immutable
    ) -> Response:
        """From the next request on this service answers the user's tokens with 403 `portal-access-ended`. The SLA and the
        billing service know no portal users: there a token holds until it expires or is revoked.
        """
        check_own(principal_of(request), customer)
        meta = await command_of(request, application, body.occurred_at)
        return as_response(await users.end(meta, customer, EndPortalAccess(user=user, reason=body.reason)))


def _add_reads(routes: Routes, application: Application) -> None:
    users = application.portal_users

    def may_read(request: Request, customer: str) -> Principal:
        principal = allowed(request, READERS | {"customer"}, "read portal users")
        check_own(principal, customer)
        return principal

    @routes.get(
        "/customers/{customer}/portal-users",
        summary="List a customer's portal users",
        responses=responses(200, "A page", {"items": [examples.PORTAL_USER]}, PortalUserPage),
    )
    async def list_portal_users(request: Request, customer: CustomerId, query: PortalUserQuery) -> Response:
        """By `user`, those whose access has ended included. Of a customer's tokens an administrator's reads it."""
        found = await users.of(may_read(request, customer), customer)
        wanted = [each for each in found if each["user"] > query.after and query.state in (None, each["state"])]
        return page(request, wanted, query.limit, lambda each: str(each["user"]))

    @routes.get(
        "/customers/{customer}/portal-users/{user}/events",
        summary="Read a portal user's history",
        responses=responses(
            200, "Its events, personal parts opened", {"items": [examples.PORTAL_USER_EVENT]}, EventPage
        ),
    )
    async def read_portal_user_history(
        request: Request, customer: CustomerId, user: PortalUserName, query: NumberedPage
    ) -> Response:
        """In the order of recording. Of a customer's tokens an administrator's reads it."""
        principal = may_read(request, customer)
        items, cursor = await users.history(principal, customer, user, after=query.after, limit=query.limit)
        return json_answer({"items": items}, headers=next_link(request, cursor))

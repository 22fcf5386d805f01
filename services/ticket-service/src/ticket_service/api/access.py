"""Which roles may do what, apart from ticket commands, where the agreement has a say (contract,
section 3).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from starlette.requests import Request

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata
from fristwerk_platform.http import allowed, command_metadata, principal_of
from fristwerk_platform.http.operations import Found
from ticket_service.application.application import Application
from ticket_service.domain.errors import NotFound
from ticket_service.domain.ticket.commands import Command

ADMIN: Final = frozenset({"admin"})
SERVICES: Final = frozenset({"service"})


async def command_of(
    request: Request, application: Application, occurred_at: datetime | None = None
) -> CommandMetadata:
    """The metadata of a command whose route says who may give it.

    Raises what ``command_metadata`` raises.
    """
    return await command_metadata(request, application.log, application.now(), occurred_at)


def there(application: Application, command: type[Command] | None = None) -> Found:
    """Whether what the path names is there for who asks, and whether the role may give the
    ``command``.

    It is asked where a body does not fit: the body's rules are for those who may send one. Raises
    NotFound or NotAllowed.
    """

    async def check(request: Request) -> None:
        principal, names = principal_of(request), request.scope["path_params"]
        if "ticket" in names:
            ticket = await application.tickets.identify(principal, names["ticket"])
            await application.tickets.check_may(principal, ticket, command)
        elif "contract" in names:
            await application.contracts.contract(principal.provider, names["contract"])
        elif "call" in names:
            await application.logged_calls.newest(principal.provider, names["call"])
        elif "customer" in names:
            check_own(principal, names["customer"])
            await application.customers.customer(principal.provider, names["customer"])

    return check


def check_own(principal: Principal, customer: str) -> None:
    """Raises NotFound for who belongs to another customer."""
    if principal.role == "customer" and customer != principal.belongs_to:
        raise NotFound("customer-not-found", f"There is no customer {customer}.")


async def authorise_command(
    request: Request,
    application: Application,
    roles: Collection[str],
    doing: str,
    occurred_at: datetime | None = None,
) -> CommandMetadata:
    """The metadata of a command that only these roles may give.

    Raises Problem 403 and what ``command_metadata`` raises.
    """
    allowed(request, roles, doing)
    return await command_metadata(request, application.log, application.now(), occurred_at)

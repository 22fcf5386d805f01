"""Who at a customer has access to its portal, with names and addresses for as long as nobody forgot them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.event_log import EventLog
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.domain.customer import portal as domain
from ticket_service.domain.customer.portal_commands import EndPortalAccess, InvitePortalUser
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.visibility import VENDOR

INVITED: Final = "PortalUserInvited"
TYPES: Final = frozenset({INVITED, "PortalUserActivated", "PortalAccessEnded"})


class PortalUsers:
    """Commands to a customer, and reads of whom they gave access."""

    def __init__(
        self, log: EventLog, executor: CommandExecutor, customers: Customers, known: StateCache[Customer]
    ) -> None:
        self._log = log
        self._executor = executor
        self._customers = customers
        self._known = known

    async def check_access(self, principal: Principal) -> None:
        """Asked before every request of who belongs to a customer; the log is asked whether the customer has changed since
        it was last looked at. Raises NotAllowed where the access of a portal user has ended.
        """
        loaded = await self._known.newest(streams.CUSTOMER.stream(principal.belongs_to or ""))
        if loaded is not None and loaded.provider == principal.provider:
            domain.check_access(loaded.state, principal.sub)

    async def check_may(self, principal: Principal, customer: str, user: str | None = None) -> None:
        """Whether the caller, whose own company the customer is if it is a customer's, may manage its portal users; who is
        ``user`` may. Raises NotFound or NotAllowed.
        """
        _check_may(principal, (await self._customers.customer(principal.provider, customer)).state, user)

    async def invite(self, meta: CommandMetadata, customer: str, command: InvitePortalUser) -> CommandResult:
        """Give somebody access. Raises NotFound or a refusal."""
        return await self._change(meta, customer, command.user, lambda state: domain.invite(state, command))

    async def activate(self, meta: CommandMetadata, customer: str, user: str) -> CommandResult:
        """Say that it was taken up, the user by itself or somebody for it. Raises NotFound or a refusal."""
        return await self._change(meta, customer, user, lambda state: domain.activate(state, user), user)

    async def end(self, meta: CommandMetadata, customer: str, command: EndPortalAccess) -> CommandResult:
        """End somebody's access. Raises NotFound or a refusal."""
        return await self._change(meta, customer, command.user, lambda state: domain.end(state, command))

    async def of(self, principal: Principal, customer: str) -> list[dict[str, Any]]:
        """The customer's portal users by their names in tokens, with what their last invitation sealed.

        Raises NotFound or NotAllowed.
        """
        loaded = await self._customers.customer(principal.provider, customer)
        _check_may(principal, loaded.state)
        invitations = {
            event["data"]["user"]: event["personal"] or {}
            for event in await self._events(loaded)
            if event["type"] == INVITED
        }
        return [
            msgspec.to_builtins(each) | {name: invitations[user].get(name) for name in ("email", "name")}
            for user, each in sorted(loaded.state.portal_users.items())
        ]

    async def history(
        self, principal: Principal, customer: str, user: str, *, after: int, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """The user's events after a version of the customer's stream, opened, and after which there are more (``None``:
        none). Raises NotFound or NotAllowed.
        """
        loaded = await self._customers.customer(principal.provider, customer)
        _check_may(principal, loaded.state)
        domain.portal_user(loaded.state, user)
        found = [each for each in await self._events(loaded, after) if each["data"]["user"] == user]
        more = found[limit - 1]["version"] if len(found) > limit else None
        return [_seen_by(principal, each) for each in found[:limit]], more

    async def _events(self, loaded: Loaded[Customer], after: int = 0) -> list[dict[str, Any]]:
        lines = [
            line.line
            async for page in self._log.stream_pages(streams.CUSTOMER.stream(loaded.state.id), after)
            for line in page
        ]
        opened = await self._executor.opened(lines, [loaded.state.subject])
        return [each for each in opened if each["type"] in TYPES]

    async def _change(
        self,
        meta: CommandMetadata,
        customer: str,
        user: str,
        decide: Callable[[Customer], Sequence[DecidedEvent]],
        by_itself: str | None = None,
    ) -> CommandResult:
        def decision(state: Customer) -> Sequence[DecidedEvent]:
            _check_may(meta.principal, state, by_itself)
            return decide(state)

        return await self._customers.change(
            meta, customer, decision, lambda state: {"portal_user": state.portal_users[user]}
        )


def _check_may(principal: Principal, customer: Customer, user: str | None = None) -> None:
    if principal.role == "customer" and principal.sub != user:
        domain.check_administers(customer, principal.sub)


def _seen_by(principal: Principal, event: dict[str, Any]) -> dict[str, Any]:
    """A customer's own people are named to it, the vendor's are not."""
    if principal.role != "customer" or event["actor"]["role"] == "customer":
        return event
    return event | {"actor": VENDOR, "correlation_id": None, "causation_id": None}

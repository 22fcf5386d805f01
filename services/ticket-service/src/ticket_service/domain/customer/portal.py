"""Who at a customer has access to its portal: invited, activated, ended, and invited again.

Decisions return facts or raise a refusal. Access itself is a token, which this service may not have issued: what is recorded
here is that it was given and ended, by whom, and who may end it.
"""

from __future__ import annotations

from typing import Final

from fristwerk_language.events.customers import PortalAccessEnded, PortalUserActivated, PortalUserInvited
from ticket_service.domain.customer.portal_commands import EndPortalAccess, InvitePortalUser
from ticket_service.domain.customer.state import Customer, PortalUser, check_not_forgotten
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAllowed, NotFound, NotInThisState
from ticket_service.domain.validation import Violations, is_email_address, personal

MOST_USERS: Final = 1_000
"""So many of a customer have access at a time: all of them are read with the customer."""


def invite(customer: Customer, command: InvitePortalUser) -> list[DecidedEvent]:
    """Access for somebody who has none, or none any more. Raises a refusal."""
    check_not_forgotten(customer)
    violations = Violations()
    violations.require(is_email_address(command.email), "/email", "is not an e-mail address")
    violations.raise_if_any(f"Nobody is invited to the portal of customer {customer.id} like this.")
    known = customer.portal_users.get(command.user)
    if known is not None and known.state != "ended":
        raise NotInThisState(
            "portal-user-has-access",
            f"The portal user {known.user} of customer {customer.id} is {known.state} already.",
        )
    if sum(each.state != "ended" for each in customer.portal_users.values()) >= MOST_USERS:
        raise NotInThisState(
            "too-many-portal-users", f"{MOST_USERS} portal users of customer {customer.id} have access."
        )
    event = PortalUserInvited(customer=customer.id, user=command.user, administrator=command.administrator)
    return [DecidedEvent(event, personal(email=command.email, name=command.name))]


def activate(customer: Customer, user: str) -> list[DecidedEvent]:
    """Who was invited has taken the access up. Raises a refusal."""
    known = _with_access(customer, user)
    if known.state == "active":
        raise NotInThisState(
            "portal-user-active", f"The portal user {user} of customer {customer.id} is active already."
        )
    return [DecidedEvent(PortalUserActivated(customer=customer.id, user=user))]


def end(customer: Customer, command: EndPortalAccess) -> list[DecidedEvent]:
    """The access is over, whether it was taken up or not. Raises a refusal."""
    known = _with_access(customer, command.user)
    event = PortalAccessEnded(customer=customer.id, user=known.user)
    return [DecidedEvent(event, personal(reason=command.reason))]


def check_administers(customer: Customer, user: str) -> None:
    """Raises NotAllowed for a customer's token whose subject is none of its portal's administrators."""
    if not customer.is_administered_by(user):
        raise NotAllowed(
            "no-portal-administrator",
            "The role customer may manage portal users where the token's subject is an active administrator among them.",
        )


def check_access(customer: Customer, user: str) -> None:
    """Raises NotAllowed where the access of a token's subject is over."""
    if customer.has_ended(user):
        raise NotAllowed(
            "portal-access-ended", f"The access of portal user {user} of customer {customer.id} has ended."
        )


def portal_user(customer: Customer, user: str) -> PortalUser:
    """The portal user, whether with access or not. Raises NotFound."""
    known = customer.portal_users.get(user)
    if known is None:
        raise NotFound("portal-user-not-found", f"There is no portal user {user} of customer {customer.id}.")
    return known


def _with_access(customer: Customer, user: str) -> PortalUser:
    known = portal_user(customer, user)
    if known.state == "ended":
        raise NotInThisState(
            "portal-access-ended",
            f"The access of portal user {user} of customer {customer.id} has ended; it can be given again by inviting.",
        )
    return known

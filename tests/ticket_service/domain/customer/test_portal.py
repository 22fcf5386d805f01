"""Portal users: given events, when a command, then facts or a refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from typing import Any

import pytest

from fristwerk_language.events.customers import (
    CustomerRegistered,
    PersonForgotten,
    PortalAccessEnded,
    PortalUserActivated,
    PortalUserInvited,
)
from ticket_service.domain.customer.evolve import apply
from ticket_service.domain.customer.portal import MOST_USERS, activate, check_access, check_administers, end, invite
from ticket_service.domain.customer.portal_commands import EndPortalAccess, InvitePortalUser
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotFound, NotInThisState

AT = datetime(2026, 6, 3, 8, tzinfo=UTC)
MUSTER = CustomerRegistered(customer="c-1", kind="company", name="Muster Treuhand AG")
INVITED = PortalUserInvited(customer="c-1", user="vera", administrator=True)
ACTIVATED = PortalUserActivated(customer="c-1", user="vera")
ENDED = PortalAccessEnded(customer="c-1", user="vera")
VERA = InvitePortalUser(user="vera", email="vera@muster.example", name="Vera Muster", administrator=True)


def given(*events: Any) -> Customer:
    customer: Customer | None = reduce(lambda known, event: apply(known, event, AT), events, None)
    assert customer is not None
    return customer


def test_an_invitation_seals_name_and_address() -> None:
    [fact] = invite(given(MUSTER), VERA)
    assert fact.event == INVITED
    assert fact.personal == {"email": "vera@muster.example", "name": "Vera Muster"}


def test_an_address_that_mail_cannot_be_sent_to_invites_nobody() -> None:
    with pytest.raises(NotAcceptable) as refused:
        invite(given(MUSTER), InvitePortalUser(user="vera", email="vera"))
    assert [pointer for pointer, _ in refused.value.errors] == ["/email"]


@pytest.mark.parametrize("events", [(INVITED,), (INVITED, ACTIVATED)])
def test_who_has_access_is_not_invited(events: Any) -> None:
    with pytest.raises(NotInThisState) as refused:
        invite(given(MUSTER, *events), VERA)
    assert refused.value.code == "portal-user-has-access"


def test_who_is_invited_is_activated_once() -> None:
    assert [fact.event for fact in activate(given(MUSTER, INVITED), "vera")] == [ACTIVATED]
    with pytest.raises(NotInThisState) as refused:
        activate(given(MUSTER, INVITED, ACTIVATED), "vera")
    assert refused.value.code == "portal-user-active"


@pytest.mark.parametrize("events", [(INVITED,), (INVITED, ACTIVATED)])
def test_access_ends_whether_it_was_taken_up_or_not_with_the_reason_sealed(events: Any) -> None:
    [fact] = end(given(MUSTER, *events), EndPortalAccess(user="vera", reason="Hat das Haus verlassen"))
    assert (fact.event, fact.personal) == (ENDED, {"reason": "Hat das Haus verlassen"})


@pytest.mark.parametrize("command", [activate, lambda state, user: end(state, EndPortalAccess(user=user))])
def test_an_end_is_final_until_the_user_is_invited_again(command: Any) -> None:
    ended = given(MUSTER, INVITED, ACTIVATED, ENDED)
    with pytest.raises(NotInThisState) as refused:
        command(ended, "vera")
    assert refused.value.code == "portal-access-ended"
    with pytest.raises(NotAllowed):
        check_access(ended, "vera")

    assert [fact.event for fact in invite(ended, VERA)] == [INVITED]
    again = given(MUSTER, INVITED, ACTIVATED, ENDED, INVITED)
    known = again.portal_users["vera"]
    assert (known.state, known.activated_at, known.ended_at) == ("invited", None, None)
    check_access(again, "vera")
    assert command(again, "vera")


@pytest.mark.parametrize("command", [activate, lambda state, user: end(state, EndPortalAccess(user=user))])
def test_who_was_never_invited_is_not_found(command: Any) -> None:
    with pytest.raises(NotFound):
        command(given(MUSTER, INVITED), "tom")
    check_access(given(MUSTER, INVITED), "tom")


def test_only_an_active_administrator_administers() -> None:
    check_administers(given(MUSTER, INVITED, ACTIVATED), "vera")
    other = (PortalUserInvited(customer="c-1", user="vera"), ACTIVATED)
    for events in ((INVITED,), (INVITED, ACTIVATED, ENDED), other, ()):
        with pytest.raises(NotAllowed):
            check_administers(given(MUSTER, *events), "vera")


def test_no_more_users_have_access_than_are_read_with_the_customer() -> None:
    many = [PortalUserInvited(customer="c-1", user=f"user-{number}") for number in range(MOST_USERS)]
    with pytest.raises(NotInThisState) as refused:
        invite(given(MUSTER, *many), VERA)
    assert refused.value.code == "too-many-portal-users"
    assert invite(given(MUSTER, *many, PortalAccessEnded(customer="c-1", user="user-1")), VERA)


@pytest.mark.parametrize(("kind", "state"), [("company", "active"), ("person", "ended"), ("prospect", "ended")])
def test_a_forgotten_person_has_no_portal_and_a_companys_people_keep_theirs(kind: Any, state: str) -> None:
    registered = CustomerRegistered(customer="c-1", kind=kind)
    forgotten = given(registered, INVITED, ACTIVATED, PersonForgotten(customer="c-1"))
    assert forgotten.portal_users["vera"].state == state
    if kind != "company":
        with pytest.raises(NotInThisState):
            invite(forgotten, VERA)

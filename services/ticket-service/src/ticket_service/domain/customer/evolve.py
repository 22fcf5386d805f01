"""How each event changes a customer; a new type of customer event fails type checking until it is handled here."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from fristwerk_language.events import CustomerEvent, Recorded
from fristwerk_language.events.customers import (
    ContactAssigned,
    CustomerRegistered,
    DeviceRegistered,
    OpinionEvent,
    PersonForgotten,
    PortalAccessEnded,
    PortalEvent,
    PortalUserActivated,
    PortalUserInvited,
    SuggestionDecided,
    SuggestionMade,
    SurveyCalledOff,
    SurveyHeld,
    SurveyPlanned,
)
from ticket_service.domain.customer.state import Customer, PortalUser, Suggestion, Survey


def evolve(customer: Customer | None, recorded: Recorded) -> Customer | None:
    """The customer after an event of its stream; events of other families and unknown ones change nothing."""
    event = recorded.event
    return apply(customer, event, recorded.envelope.occurred_at) if isinstance(event, CustomerEvent) else customer


def apply(customer: Customer | None, event: CustomerEvent, at: datetime) -> Customer:
    """The customer after the event; the first event of a stream registers it."""
    if isinstance(event, CustomerRegistered):
        return registered(event)
    assert customer is not None, "a customer's first event registers it"
    match event:
        case DeviceRegistered():
            others = tuple(each for each in customer.devices if each.device != event.device)
            return msgspec.structs.replace(customer, devices=(*others, event))
        case ContactAssigned():
            return msgspec.structs.replace(customer, contacts={**customer.contacts, event.role: event.agent})
        case SurveyPlanned() | SurveyHeld() | SurveyCalledOff() | SuggestionMade() | SuggestionDecided():
            return _said(customer, event, at)
        case PortalUserInvited() | PortalUserActivated() | PortalAccessEnded():
            return _entered(customer, event, at)
        case PersonForgotten():
            return _forgotten(customer, at)
        case _:
            assert_never(event)


def _entered(customer: Customer, event: PortalEvent, at: datetime) -> Customer:
    """The customer after somebody's access to the portal was given, taken up or ended."""
    known = customer.portal_users.get(event.user)
    match event:
        case PortalUserInvited(user=user):
            after = PortalUser(user=user, state="invited", administrator=event.administrator, invited_at=at)
        case PortalUserActivated():
            assert known is not None, "who is activated was invited"
            after = replace(known, state="active", activated_at=at)
        case PortalAccessEnded():
            assert known is not None, "whose access ends was invited"
            after = replace(known, state="ended", ended_at=at)
    return replace(customer, portal_users={**customer.portal_users, event.user: after})


def _forgotten(customer: Customer, at: datetime) -> Customer:
    """The customer without what was sealed for it; a private person has no portal any more, a company's people do."""
    users = customer.portal_users
    if customer.kind != "company":
        users = {
            each.user: each if each.state == "ended" else replace(each, state="ended", ended_at=at)
            for each in users.values()
        }
    times = customer.times_forgotten + 1
    return replace(customer, forgotten=True, times_forgotten=times, portal_users=users)


def _said(customer: Customer, event: OpinionEvent, at: datetime) -> Customer:
    """The customer after what it said of the service, and what became of that."""
    surveys, suggestions = (
        {each.number: each for each in customer.surveys},
        {each.number: each for each in customer.suggestions},
    )
    match event:
        case SurveyPlanned(survey=number):
            surveys[number] = Survey(
                number=number, channel=event.channel, planned_for=event.planned_for, agent=event.agent
            )
        case SurveyHeld(survey=number):
            surveys[number] = replace(
                surveys[number],
                channel=event.channel,
                agent=event.agent,
                held_at=at,
                score=event.score,
                agreement=event.agreement,
            )
        case SurveyCalledOff(survey=number):
            surveys[number] = replace(surveys[number], called_off_at=at)
        case SuggestionMade(suggestion=number):
            suggestions[number] = Suggestion(number=number, made_at=at, ticket=event.ticket)
        case SuggestionDecided(suggestion=number):
            suggestions[number] = replace(suggestions[number], outcome=event.outcome, decided_at=at)
    return replace(customer, surveys=tuple(surveys.values()), suggestions=tuple(suggestions.values()))


def registered(event: CustomerRegistered) -> Customer:
    """The customer that a registration begins."""
    return Customer(
        id=event.customer,
        kind=event.kind,
        language=event.language,
        country=event.country,
        vat_id=event.vat_id,
        name=event.name,
        address=event.address,
    )

"""Delivery, acceptance or refusal, and release to production."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import tickets
from fristwerk_language.events.tickets import (
    AcceptanceRefused,
    Accepted,
    Delivered,
    ReleasedToProduction,
    Reopened,
    Resolved,
    TimeLogCorrected,
    TimeLogged,
    WorkStarted,
)
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import Accept, AgreementRecord, DecisionRecord, Deliver, Release, Resolve

AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
DELIVERED = Delivered(system="test")
PHONED = DecisionRecord(contact="Sina Shop", channel="phone", at=AT)


@pytest.mark.parametrize("agreement", ["digidesk", "hamburg"])
def test_a_delivery_awaits_acceptance(given: GivenTicket, agreement: str) -> None:
    outcome = given(agreement, WorkStarted(agent="agent-2")).when(Deliver(system="test", text="Bitte prüfen"))
    outcome.then(DELIVERED).sealing({"text": "Bitte prüfen"})
    assert outcome.ticket.state == "awaiting_acceptance"


def test_a_delivery_says_what_was_delivered(given: GivenTicket) -> None:
    given("digidesk").when(Deliver(system="test", text="")).refused(NotAcceptable, "not-acceptable", "/text")


def test_a_customer_accepts(given: GivenTicket) -> None:
    outcome = given("digidesk", DELIVERED).when(Accept(accepted=True, text="Passt"), by="customer")
    outcome.then(Accepted()).sealing({"text": "Passt"})
    assert (outcome.ticket.state, outcome.ticket.deliveries[0].accepted) == ("accepted", True)


def test_a_refusal_goes_back_to_work(given: GivenTicket) -> None:
    outcome = given("digidesk", DELIVERED).when(Accept(accepted=False, text="Kasse fehlt"), by="customer")
    outcome.then(AcceptanceRefused()).sealing({"text": "Kasse fehlt"})
    assert (outcome.ticket.state, outcome.ticket.deliveries[0].accepted) == ("in_progress", False)


@pytest.mark.parametrize(("accepted", "event"), [(True, Accepted), (False, AcceptanceRefused)])
def test_staff_enter_an_acceptance_with_the_record_of_who_gave_it(
    given: GivenTicket, accepted: bool, event: Any
) -> None:
    outcome = given("digidesk", DELIVERED).when(Accept(accepted=accepted, on_behalf=PHONED))
    outcome.then(event(on_behalf=tickets.OnBehalf(channel="phone", at=AT))).sealing({"contact": "Sina Shop"})


def test_staff_do_not_accept_themselves_nor_customers_on_behalf(given: GivenTicket) -> None:
    ticket = given("digidesk", DELIVERED)
    ticket.when(Accept(accepted=True)).refused(NotAcceptable, "not-acceptable", "/on_behalf")
    ticket.when(Accept(accepted=True, on_behalf=PHONED), by="customer").refused(
        NotAcceptable, "not-acceptable", "/on_behalf"
    )


def test_what_was_not_delivered_is_not_accepted(given: GivenTicket) -> None:
    given("digidesk").when(Accept(accepted=True), by="customer").refused(NotInThisState, "nothing-delivered")


def test_a_release_needs_an_accepted_delivery_where_the_agreement_says_so(given: GivenTicket) -> None:
    outcome = given("digidesk", DELIVERED, Accepted()).when(Release()).then(ReleasedToProduction())
    assert outcome.ticket.released_at is not None
    for history in ((), (DELIVERED,), (DELIVERED, AcceptanceRefused()), (DELIVERED, Accepted(), DELIVERED)):
        given("digidesk", *history).when(Release()).refused(NotInThisState, "acceptance-required")


def test_elsewhere_a_release_needs_no_acceptance(given: GivenTicket) -> None:
    given("hamburg").when(Release()).then(ReleasedToProduction())


def test_what_was_delivered_is_accepted_before_it_is_resolved(given: GivenTicket) -> None:
    resolve = Resolve(text="Shop läuft")
    assert given("digidesk").when(resolve).refusal is None, "nothing delivered, nothing to accept"
    released = (DELIVERED, Accepted(), ReleasedToProduction())
    assert given("digidesk", *released).when(resolve).refusal is None
    given("digidesk", DELIVERED, Accepted()).when(resolve).refused(NotInThisState, "release-required")
    for history in ((DELIVERED,), (DELIVERED, AcceptanceRefused()), (DELIVERED, Accepted(), DELIVERED)):
        given("digidesk", *history).when(resolve).refused(NotInThisState, "acceptance-required")


def test_elsewhere_a_delivered_ticket_is_resolved_without(given: GivenTicket) -> None:
    given("hamburg", DELIVERED).when(Resolve(text="ok")).then(Resolved())


def test_after_a_reopening_the_old_acceptance_covers_no_new_work(given: GivenTicket) -> None:
    done = given("digidesk", DELIVERED, Accepted(), ReleasedToProduction(), Resolved())
    again = done.having(Reopened(), at=AT)
    again.when(Release()).refused(NotInThisState, "acceptance-required")
    delivered = again.having(DELIVERED, at=AT)
    delivered.when(Resolve(text="ok")).refused(NotInThisState, "acceptance-required")
    delivered.having(Accepted(), at=AT).when(Resolve(text="ok")).refused(NotInThisState, "release-required")
    delivered.having(Accepted(), ReleasedToProduction(), at=AT).when(Resolve(text="ok")).then(Resolved())


def test_work_that_the_agreement_names_is_not_resolved_undelivered(given: GivenTicket, terms: Agreements) -> None:
    agreement = terms("digidesk", lifecycle={"acceptance": {"required_for": ["technical_change"]}})
    change = TimeLogged(entry="e-1", start=AT, minutes=40, activity="technical_change", agent="agent-2")
    help_ = TimeLogged(entry="e-2", start=AT, minutes=40, activity="help", agent="agent-2")
    resolve = Resolve(text="ok")
    given(agreement, help_).when(resolve).then(Resolved())
    given(agreement, change).when(resolve).refused(NotInThisState, "delivery-required")
    given(agreement, change, TimeLogCorrected(entry="e-1", minutes=0)).when(resolve).then(Resolved())
    given(agreement, change, DELIVERED, Accepted(), ReleasedToProduction()).when(resolve).then(Resolved())
    given("digidesk", change).when(resolve).then(Resolved())


def test_work_from_before_a_reopening_was_delivered_then_and_what_came_after_is_owed(
    given: GivenTicket, terms: Agreements
) -> None:
    agreement = terms("digidesk", lifecycle={"acceptance": {"required_for": ["technical_change"]}})
    earlier = TimeLogged(
        entry="e-1", start=AT - timedelta(hours=2), minutes=40, activity="technical_change", agent="agent-2"
    )
    done = given(agreement, earlier, DELIVERED, Accepted(), ReleasedToProduction(), Resolved())
    again = done.having(Reopened(), at=AT)
    again.when(Resolve(text="ok"), at=AT).then(Resolved())
    later = msgspec.structs.replace(earlier, entry="e-2", start=AT)
    again.having(later, at=AT).when(Resolve(text="ok")).refused(NotInThisState, "delivery-required")


def test_a_delivery_to_the_live_system_without_a_test_needs_the_customers_consent(given: GivenTicket) -> None:
    live = Deliver(system="live", text="Eingespielt")
    given("digidesk").when(live).refused(NotAcceptable, "not-acceptable", "/agreed")
    agreed = AgreementRecord(contact="Sina Shop", channel="phone", at=AT)
    consented = given("digidesk").when(Deliver(system="live", text="Eingespielt", agreed=agreed))
    event = Delivered(system="live", agreed=tickets.OnBehalf(channel="phone", at=AT))
    consented.then(event).sealing({"text": "Eingespielt", "contact": "Sina Shop"})
    given("digidesk", DELIVERED, Accepted()).when(live).then(Delivered(system="live"))
    given("hamburg").when(live).then(Delivered(system="live"))
    given("digidesk", event, Accepted()).when(Resolve(text="ok")).then(Resolved())

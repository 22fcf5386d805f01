"""The end of a ticket, its return, and the move to other terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    AppointmentRequested,
    Closed,
    CostApprovalRequested,
    CostApproved,
    EscalationClosed,
    EscalationRaised,
    InformationRequested,
    Reopened,
    Resolved,
    TermsMigrated,
    TicketNumberCommunicated,
    TimeLogged,
)
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotConfirmed, NotInThisState
from ticket_service.domain.ticket.commands import Close, MigrateTerms, Reopen, Resolve

KNOWN: dict[str, Any] = {"newest_agreement_version": 3, "newest_calendar_version": 2}


@pytest.mark.parametrize("before", [(), (InformationRequested(),)])
def test_a_ticket_is_resolved_by_saying_how(given: GivenTicket, before: Any) -> None:
    outcome = given("infoniqa", *before).when(Resolve(text="Stammdaten korrigiert"))
    outcome.then(Resolved()).sealing({"text": "Stammdaten korrigiert"})
    assert outcome.ticket.state == "resolved"
    assert outcome.ticket.resolved_at is not None


def test_a_resolution_says_how(given: GivenTicket) -> None:
    given("infoniqa").when(Resolve(text="")).refused(NotAcceptable, "not-acceptable", "/text")


def test_a_resolved_ticket_is_not_resolved_again(given: GivenTicket) -> None:
    given("infoniqa", Resolved()).when(Resolve(text="x")).refused(NotInThisState, "ticket-already-resolved")


@pytest.mark.parametrize("before", [(Resolved(),), (Resolved(), Closed())], ids=["resolved", "closed"])
def test_what_is_resolved_or_closed_is_reopened_for_a_reason(given: GivenTicket, before: Any) -> None:
    outcome = given("infoniqa", *before).when(Reopen(reason="Fehler wieder da"))
    outcome.then(Reopened()).sealing({"reason": "Fehler wieder da"})
    assert (outcome.ticket.state, outcome.ticket.resolved_at, outcome.ticket.closed_at) == ("open", None, None)


def test_what_is_open_is_not_reopened(given: GivenTicket) -> None:
    given("infoniqa").when(Reopen(reason="x")).refused(NotInThisState, "ticket-not-resolved")


def test_a_reopening_has_a_reason(given: GivenTicket) -> None:
    given("infoniqa", Resolved()).when(Reopen(reason=" ")).refused(NotAcceptable, "not-acceptable", "/reason")


def test_a_resolved_ticket_is_closed(given: GivenTicket) -> None:
    outcome = given("infoniqa", Resolved()).when(Close()).then(Closed())
    assert outcome.ticket.state == "closed"


def test_an_unresolved_ticket_is_not_closed(given: GivenTicket) -> None:
    given("infoniqa").when(Close()).refused(NotInThisState, "ticket-not-resolved")


def test_a_closed_ticket_is_not_closed_again(given: GivenTicket) -> None:
    given("infoniqa", Resolved(), Closed()).when(Close()).refused(NotInThisState, "ticket-already-closed")


def test_closing_waits_for_number_and_classification_where_the_agreement_says_so(given: GivenTicket) -> None:
    given("hamburg", Resolved()).when(Close()).refused(NotInThisState, "classification-not-communicated")
    told = TicketNumberCommunicated(classification="hardware", channel="phone")
    given("hamburg", Resolved(), told).when(Close()).then(Closed())


RAISED = EscalationRaised(escalation=1, to="support_manager", agent="agent-9")
ASKED = CostApprovalRequested(approval=1, estimate_minutes=60)
NEXT_WEEK = datetime(2026, 6, 17, 7, 0, tzinfo=UTC)


def worked(minutes: int, activity: str = "help", appointment: int | None = None) -> TimeLogged:
    return TimeLogged(
        entry=f"e-{activity}-{minutes}",
        start=datetime(2026, 6, 4, 7, 0, tzinfo=UTC),
        minutes=minutes,
        activity=activity,
        agent="agent-3",
        appointment=appointment,
    )


def prepared(*ends: Any, minutes: int = 60, activity: str = "preparation") -> tuple[Any, ...]:
    booked = AppointmentBooked(appointment=1, start=NEXT_WEEK)
    requested = AppointmentRequested(appointment=1, kind="training", proposals=[NEXT_WEEK])
    return requested, booked, worked(minutes, activity, 1), *ends


@pytest.mark.parametrize(
    ("agreement", "before", "hanging"),
    [
        ("infoniqa", (RAISED,), ["open_escalations"]),
        ("infoniqa", (RAISED, EscalationClosed(escalation=1)), []),
        ("digidesk", (worked(100),), ["held_minutes"]),
        ("digidesk", (worked(60),), []),
        ("digidesk", (worked(100), ASKED), ["undecided_approvals", "held_minutes"]),
        ("digidesk", (worked(100), ASKED, CostApproved(approval=1, extra_minutes=60)), []),
        ("infoniqa", prepared(AppointmentMissed(appointment=1)), ["undecided_charges"]),
        ("infoniqa", prepared(AppointmentHeld(appointment=1)), []),
        ("infoniqa", prepared(AppointmentMissed(appointment=1), activity="help"), []),
        ("hamburg", prepared(AppointmentMissed(appointment=1)), []),
    ],
    ids=[
        "escalation",
        "closed escalation",
        "held",
        "at the limit",
        "asked",
        "approved",
        "missed",
        "held appointment",
        "no preparation",
        "no fee",
    ],
)
def test_closing_names_what_is_unsettled_and_is_done_once_each_is_accepted(
    given: GivenTicket, agreement: str, before: Any, hanging: list[str]
) -> None:
    told = TicketNumberCommunicated(classification="hardware", channel="phone")
    ticket = given(agreement, told, *before, Resolved())
    if not hanging:
        ticket.when(Close()).then(Closed())
        return
    refusal = ticket.when(Close()).refused(NotConfirmed, "consequences-not-accepted")
    assert isinstance(refusal, NotConfirmed)
    assert [name for name, _ in refusal.consequences] == hanging
    ticket.when(Close(accept=hanging[:-1])).refused(NotConfirmed, "consequences-not-accepted")
    ticket.when(Close(accept=hanging)).then(Closed())


@pytest.mark.parametrize(
    ("hours_before", "by", "written", "hanging"),
    [
        (23, "customer", True, True),
        (24, "customer", True, False),
        (23, "vendor", True, False),
        (23, "customer", False, False),
    ],
)
def test_only_a_late_cancellation_of_the_customers_waits_for_a_decision(
    given: GivenTicket, hours_before: int, by: Any, written: Any, hanging: Any
) -> None:
    called_off = AppointmentCancelled(appointment=1, by=by, written=written, missing=None if written else "writing")
    ticket = given("infoniqa", *prepared()).having(called_off, at=NEXT_WEEK - timedelta(hours=hours_before))
    outcome = ticket.having(Resolved(), at=NEXT_WEEK).when(Close())
    assert (outcome.refusal is not None) == hanging


def test_terms_move_to_a_newer_version_and_the_other_stays(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(MigrateTerms(agreement_version=3, reason="Neue Bedingungen"), **KNOWN)
    outcome.then(TermsMigrated(agreement_version=3, calendar_version=1)).sealing({"reason": "Neue Bedingungen"})
    assert (outcome.ticket.agreement_version, outcome.ticket.calendar_version) == (3, 1)


def test_a_calendar_may_move_alone(given: GivenTicket) -> None:
    given("infoniqa").when(MigrateTerms(calendar_version=2, reason="Korrektur"), **KNOWN).then(
        TermsMigrated(agreement_version=1, calendar_version=2)
    )


@pytest.mark.parametrize(
    ("command", "pointer"),
    [
        (MigrateTerms(agreement_version=4, reason="x"), "/agreement_version"),
        (MigrateTerms(calendar_version=3, reason="x"), "/calendar_version"),
        (MigrateTerms(agreement_version=1, reason="x"), "/agreement_version"),
        (MigrateTerms(reason="x"), "/agreement_version"),
        (MigrateTerms(agreement_version=2, reason=""), "/reason"),
    ],
    ids=["unpublished agreement", "unpublished calendar", "the same", "none", "no reason"],
)
def test_terms_move_only_to_another_published_version_and_for_a_reason(
    given: GivenTicket, command: Any, pointer: str
) -> None:
    given("infoniqa").when(command, **KNOWN).refused(NotAcceptable, "not-acceptable", pointer)


@pytest.mark.parametrize(("performer", "settled"), [("partner", True), ("employee", False)])
def test_preparation_by_a_partner_that_costs_nothing_leaves_no_charge_undecided(
    given: GivenTicket, terms: Agreements, performer: Any, *, settled: bool
) -> None:
    billing = terms("infoniqa").billing.model_dump(mode="json", exclude_unset=True)
    document = terms("infoniqa", billing=billing | {"coverage": [{"performer": "partner", "billable": False}]})
    requested, booked, preparation, missed = prepared(AppointmentMissed(appointment=1))
    preparation = msgspec.structs.replace(preparation, performer=performer)
    outcome = given(document, requested, booked, preparation, missed, Resolved()).when(Close())
    assert (outcome.refusal is None) == settled

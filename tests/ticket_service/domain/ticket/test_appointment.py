"""Appointments: proposals with their lead time, booking, cancellation, outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    AppointmentRequested,
    CustomerMessageReceived,
)
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import (
    BookAppointment,
    CancelAppointment,
    ReceiveMessage,
    RecordAppointmentOutcome,
    RequestAppointment,
)

ZURICH = ZoneInfo("Europe/Zurich")
TRAINING = {"type": "training"}
NOTICE = "Vorlaufzeiten können sich verlängern"


def local(month: int, day: int, hour: int = 9, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZURICH).astimezone(UTC)


ON_10_JUNE = local(6, 10)
START = local(6, 25)
REQUESTED = AppointmentRequested(appointment=1, kind="training", proposals=[START])
BOOKED = AppointmentBooked(appointment=1, start=START)
SPOKEN = AppointmentCancelled(appointment=1, by="customer", written=False)


def request(*proposals: datetime) -> RequestAppointment:
    return RequestAppointment(kind="training", proposals=proposals)


def test_three_proposals_exactly_fourteen_days_ahead_are_accepted(given: GivenTicket) -> None:
    proposals = [local(6, 24, 0, 0), local(6, 25), local(6, 29, 13)]
    outcome: Any = given("infoniqa", created=TRAINING).when(request(*proposals), by="customer", at=local(6, 10, 23, 59))
    outcome.then(AppointmentRequested(appointment=1, kind="training", proposals=proposals)).sealing(None)
    assert outcome.ticket.appointments[0].state == "requested"


def test_two_proposals_are_too_few(given: GivenTicket) -> None:
    refusal: Any = (
        given("infoniqa")
        .when(request(local(6, 25), local(6, 26)), at=ON_10_JUNE)
        .refused(NotAcceptable, "not-acceptable", "/proposals")
    )
    assert refusal.errors[0][1] == "at least 3 are required, 2 were given"


def test_every_proposal_within_the_lead_time_is_named(given: GivenTicket) -> None:
    command = request(local(6, 23, 23, 59), local(6, 26), local(6, 11))
    refusal: Any = (
        given("infoniqa")
        .when(command, at=ON_10_JUNE)
        .refused(NotAcceptable, "not-acceptable", "/proposals/0", "/proposals/2")
    )
    assert refusal.errors[0][1] == "2026-06-23 is 13 days ahead; at least 14 are required"


def test_days_are_counted_where_the_agreement_counts_them(given: GivenTicket) -> None:
    """Half past midnight on 25 June in Zürich is still 24 June in UTC."""
    late_on_10_june = local(6, 10, 23, 30)
    proposals = (local(6, 24, 0, 30), local(6, 25), local(6, 26))
    assert given("infoniqa").when(request(*proposals), at=late_on_10_june).refusal is None
    given("infoniqa").when(request(*proposals), at=late_on_10_june + timedelta(hours=1)).refused(
        NotAcceptable, "not-acceptable", "/proposals/0"
    )


def test_the_same_instant_twice_is_one_proposal(given: GivenTicket) -> None:
    again = local(6, 25).astimezone(ZURICH)
    given("infoniqa").when(request(local(6, 25), local(6, 26), again), at=ON_10_JUNE).refused(
        NotAcceptable, "not-acceptable", "/proposals/2"
    )


@pytest.mark.parametrize(
    ("proposed", "notices"),
    [
        (local(10, 14), []),
        (local(10, 15), [NOTICE]),
        (local(12, 31), [NOTICE]),
        (local(1, 31, year=2027), [NOTICE]),
        (local(2, 1, year=2027), []),
    ],
)
def test_a_date_in_the_season_brings_its_notice(given: GivenTicket, proposed: Any, notices: Any) -> None:
    command = request(proposed, proposed + timedelta(minutes=1), proposed + timedelta(minutes=2))
    outcome: Any = given("infoniqa").when(command, at=ON_10_JUNE)
    assert outcome.refusal is None
    assert outcome.facts[0].event.notices == notices


def test_a_season_may_have_a_lead_time_of_its_own(given: GivenTicket, terms: Agreements) -> None:
    season = {"from": "06-20", "until": "06-30", "lead_time_days": 20, "notice": "Sommer"}
    agreement = terms("infoniqa", appointments={"lead_time_days": 14, "season": season})
    given(agreement).when(request(local(6, 29), local(7, 1)), at=ON_10_JUNE).refused(
        NotAcceptable, "not-acceptable", "/proposals/0"
    )
    [fact] = given(agreement).when(request(local(6, 30), local(7, 1)), at=ON_10_JUNE).facts
    event: Any = fact.event
    assert event.notices == ["Sommer"]


@pytest.mark.parametrize(
    ("from_day", "until_day", "in_season"),
    [("06-25", "06-30", True), ("06-20", "06-25", True), ("06-25", "06-25", True), ("06-26", "06-30", False)],
)
def test_both_ends_of_a_season_belong_to_it(
    given: GivenTicket, terms: Agreements, from_day: str, until_day: str, in_season: bool
) -> None:
    season = {"from": from_day, "until": until_day, "notice": "Sommer"}
    outcome: Any = given(terms("infoniqa", appointments={"season": season})).when(request(local(6, 25)), at=ON_10_JUNE)
    assert outcome.facts[0].event.notices == (["Sommer"] if in_season else [])


def test_without_terms_one_proposal_in_the_future_is_enough(given: GivenTicket) -> None:
    soon = ON_10_JUNE + timedelta(minutes=1)
    given("liveagent").when(request(soon), by="customer", at=ON_10_JUNE).then(
        AppointmentRequested(appointment=1, kind="training", proposals=[soon])
    )
    given("liveagent").when(request(), at=ON_10_JUNE).refused(NotAcceptable, "not-acceptable", "/proposals")
    given("liveagent").when(request(ON_10_JUNE), at=ON_10_JUNE).refused(NotAcceptable, "not-acceptable", "/proposals/0")


def test_a_cancellation_by_telephone_lacks_the_writing_until_a_message_brings_it(given: GivenTicket) -> None:
    told = given("infoniqa", REQUESTED, BOOKED).when(CancelAppointment(number=1, by="customer", written=False))
    told.then(AppointmentCancelled(appointment=1, by="customer", written=False, missing="writing"))
    [appointment] = told.ticket.appointments
    assert (appointment.state, appointment.missing) == ("cancellation_not_written", "writing")
    ticket = given("infoniqa", REQUESTED, BOOKED, *(fact.event for fact in told.facts))
    by_phone = ticket.when(ReceiveMessage(channel="phone", text="Ich sage ab"))
    by_phone.then(CustomerMessageReceived(channel="phone"))
    written = ticket.when(ReceiveMessage(channel="email", text="Ich sage ab"), by="customer")
    written.then(CustomerMessageReceived(channel="email"), AppointmentCancelled(appointment=1, by="customer"))
    [appointment] = written.ticket.appointments
    assert (appointment.state, appointment.missing, appointment.cancelled_in_writing) == ("cancelled", None, True)


def test_where_nobody_asks_for_writing_a_spoken_cancellation_counts(given: GivenTicket, terms: Agreements) -> None:
    agreement = terms("infoniqa", appointments={"cancellation": {"notice_hours": 24}})
    told = given(agreement, REQUESTED, BOOKED).when(CancelAppointment(number=1, by="customer", written=False))
    told.then(AppointmentCancelled(appointment=1, by="customer", written=False))
    assert told.ticket.appointments[0].state == "cancelled"


def test_a_past_time_is_not_booked(given: GivenTicket) -> None:
    given("infoniqa", REQUESTED).when(BookAppointment(number=1, start=ON_10_JUNE), at=ON_10_JUNE).refused(
        NotAcceptable, "not-acceptable", "/start"
    )


@pytest.mark.parametrize(
    ("after", "code"),
    [
        ((BOOKED,), "appointment-already-booked"),
        ((AppointmentCancelled(appointment=1, by="vendor"),), "appointment-already-cancelled"),
        ((BOOKED, AppointmentHeld(appointment=1)), "appointment-already-held"),
    ],
)
def test_an_appointment_is_booked_once(given: GivenTicket, after: Any, code: str) -> None:
    given("infoniqa", REQUESTED, *after).when(BookAppointment(number=1, start=START), at=ON_10_JUNE).refused(
        NotInThisState, code
    )


@pytest.mark.parametrize("before", [(), (BOOKED,)], ids=["requested", "booked"])
def test_a_customer_cancels_its_appointment_and_the_reason_is_sealed(given: GivenTicket, before: Any) -> None:
    outcome: Any = given("infoniqa", REQUESTED, *before).when(
        CancelAppointment(number=1, by="customer", reason="Mitarbeiterin krank"), by="customer"
    )
    outcome.then(AppointmentCancelled(appointment=1, by="customer")).sealing({"reason": "Mitarbeiterin krank"})
    assert outcome.ticket.appointments[0].state == "cancelled"


def test_a_customer_does_not_cancel_in_the_vendors_name(given: GivenTicket) -> None:
    given("infoniqa", REQUESTED, BOOKED).when(CancelAppointment(number=1, by="vendor"), by="customer").refused(
        NotAllowed, "cancellation-not-allowed"
    )


def test_staff_cancel_for_either(given: GivenTicket) -> None:
    for who in ("customer", "vendor"):
        given("infoniqa", REQUESTED, BOOKED).when(CancelAppointment(number=1, by=who)).then(
            AppointmentCancelled(appointment=1, by=who)
        )


def test_a_spoken_cancellation_is_put_in_writing_once(given: GivenTicket) -> None:
    spoken = given("infoniqa", REQUESTED, BOOKED, SPOKEN)
    spoken.when(CancelAppointment(number=1, by="customer", written=False)).refused(
        NotInThisState, "appointment-already-cancelled"
    )
    written = AppointmentCancelled(appointment=1, by="customer")
    spoken.when(CancelAppointment(number=1, by="customer")).then(written)
    spoken.having(written).when(CancelAppointment(number=1, by="customer")).refused(
        NotInThisState, "appointment-already-cancelled"
    )


def test_an_appointment_is_held(given: GivenTicket) -> None:
    outcome: Any = given("infoniqa", REQUESTED, BOOKED).when(
        RecordAppointmentOutcome(number=1, outcome="held"), at=START + timedelta(hours=2)
    )
    outcome.then(AppointmentHeld(appointment=1))


@pytest.mark.parametrize("before", [(), (SPOKEN,)], ids=["booked", "called off by phone only"])
def test_an_appointment_is_missed_from_its_start_on(given: GivenTicket, before: Any) -> None:
    ticket = given("infoniqa", REQUESTED, BOOKED, *before)
    missed = RecordAppointmentOutcome(number=1, outcome="missed")
    ticket.when(missed, at=START - timedelta(seconds=1)).refused(NotInThisState, "appointment-still-ahead")
    ticket.when(missed, at=START).then(AppointmentMissed(appointment=1))


@pytest.mark.parametrize(
    "after",
    [
        (),
        (SPOKEN,),
        (BOOKED, AppointmentCancelled(appointment=1, by="customer")),
        (BOOKED, AppointmentHeld(appointment=1)),
    ],
    ids=["requested", "called off before it was booked", "cancelled", "held"],
)
def test_only_a_booked_appointment_has_an_outcome(given: GivenTicket, after: Any) -> None:
    given("infoniqa", REQUESTED, *after).when(
        RecordAppointmentOutcome(number=1, outcome="held"), at=START + timedelta(hours=2)
    ).refused(NotInThisState, "appointment-not-booked")


@pytest.mark.parametrize(
    "command",
    [
        BookAppointment(number=2, start=START),
        CancelAppointment(number=2, by="customer"),
        RecordAppointmentOutcome(number=2, outcome="held"),
    ],
)
def test_an_appointment_that_was_never_requested_is_not_there(given: GivenTicket, command: Any) -> None:
    given("infoniqa", REQUESTED).when(command).refused(NotFound, "appointment-not-found")


TOKYO = [{"id": "tokyo", "calendar": "infoniqa", "timezone": "Asia/Tokyo"}]


@pytest.mark.parametrize(("site", "days"), [("tokyo", 14), (None, 13)])
def test_lead_times_and_seasons_go_by_the_day_at_the_tickets_site(
    given: GivenTicket, terms: Agreements, site: str | None, days: int
) -> None:
    """At four in the afternoon in Zurich it is the next day in Tokyo; the season ends with the last day of January."""
    document = terms("infoniqa", sites=TOKYO)
    ticket = given(document, created=TRAINING | {"site": site})
    proposals = [local(6, 23, 17), local(6, 29), local(6, 30)]
    asked = ticket.when(request(*proposals), at=local(6, 10, 10))
    assert (asked.refusal is None) == (days == 14)
    last_day = local(1, 31, 17, year=2027)
    later = [last_day, last_day + timedelta(days=30), last_day + timedelta(days=31)]
    facts = ticket.when(request(*later), at=local(6, 10)).facts
    assert [getattr(fact.event, "notices", None) for fact in facts] == [[] if site else [NOTICE]]

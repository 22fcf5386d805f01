"""Where time that is logged may lie: ended by now, of a sensible length, not long before the ticket, not before the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fristwerk_language.events.tickets import AppointmentBooked, AppointmentRequested, TimeLogCorrected, TimeLogged
from tests.ticket_service.domain.conftest import NOW, RECEIVED_AT, Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.commands import AttachCall, CorrectTime, LogTime

MINUTE = timedelta(minutes=1)


def work(start: datetime, minutes: int = 30, **fields: Any) -> LogTime:
    return LogTime(entry="e-1", start=start, minutes=minutes, activity="help", agent="agent-3", **fields)


def call(started_at: datetime, minutes: int) -> AttachCall:
    return AttachCall(call="c", entry="e-1", from_number="+49 40 1", started_at=started_at, minutes=minutes)


def test_an_entry_that_has_not_ended_yet_is_refused(given: GivenTicket) -> None:
    ticket = given("digidesk")
    hour_ago = NOW - timedelta(hours=1)
    ticket.when(work(hour_ago, 600), at=NOW).refused(NotAcceptable, "not-acceptable", "/minutes")
    assert ticket.when(work(hour_ago, 60), at=NOW).refusal is None


def test_a_call_that_has_not_ended_yet_is_refused(given: GivenTicket) -> None:
    ticket = given("digidesk")
    started_at = NOW - timedelta(minutes=10)
    ticket.when(call(started_at, 12), at=NOW).refused(NotAcceptable, "not-acceptable", "/minutes")
    assert ticket.when(call(started_at, 10), at=NOW).refusal is None


def test_an_entry_is_at_most_a_day_long(given: GivenTicket) -> None:
    ticket = given("digidesk")
    ticket.when(work(RECEIVED_AT, 1441)).refused(NotAcceptable, "not-acceptable", "/minutes")
    ticket.when(call(RECEIVED_AT, 1441)).refused(NotAcceptable, "not-acceptable", "/minutes")
    assert ticket.when(work(RECEIVED_AT, 1440)).refusal is None


def test_the_agreement_may_allow_longer_entries_or_shorter_ones(given: GivenTicket, terms: Agreements) -> None:
    ticket = given(terms("digidesk", time_entries={"longest_minutes": 120}))
    ticket.when(work(RECEIVED_AT, 121)).refused(NotAcceptable, "not-acceptable", "/minutes")
    assert ticket.when(work(RECEIVED_AT, 120)).refusal is None
    assert (
        given(terms("digidesk", time_entries={"longest_minutes": 3000})).when(work(RECEIVED_AT, 3000)).refusal is None
    )


def test_a_correction_upward_is_checked_as_the_entry_is_and_one_downward_never(given: GivenTicket) -> None:
    logged = TimeLogged(entry="e-1", start=NOW - timedelta(hours=1), minutes=60_000, activity="help", agent="a")
    ticket = given("digidesk", logged)
    assert ticket.when(CorrectTime(entry="e-1", minutes=3000, reason="x"), at=NOW).refusal is None
    corrected = ticket.having(TimeLogCorrected(entry="e-1", minutes=10))
    for minutes in (90, 3000):
        command = CorrectTime(entry="e-1", minutes=minutes, reason="x")
        corrected.when(command, at=NOW).refused(NotAcceptable, "not-acceptable", "/minutes")
    assert corrected.when(CorrectTime(entry="e-1", minutes=60, reason="x"), at=NOW).refusal is None


@pytest.mark.parametrize("year", [1026, 1970, 2006])
def test_a_mistyped_year_is_refused(given: GivenTicket, year: int) -> None:
    ticket = given("digidesk")
    start = RECEIVED_AT.replace(year=year)
    ticket.when(work(start)).refused(NotAcceptable, "not-acceptable", "/start")
    ticket.when(call(start, 5)).refused(NotAcceptable, "not-acceptable", "/started_at")


def test_work_begins_at_most_a_day_before_the_receipt_unless_it_is_preparation(given: GivenTicket) -> None:
    ticket = given("digidesk")
    day_before = RECEIVED_AT - timedelta(days=1)
    assert ticket.when(work(day_before)).refusal is None
    ticket.when(work(day_before - MINUTE)).refused(NotAcceptable, "not-acceptable", "/start")
    booked = ticket.having(
        AppointmentRequested(appointment=1, kind="review", proposals=[NOW]), AppointmentBooked(appointment=1, start=NOW)
    )
    assert booked.when(work(day_before - MINUTE, appointment=1)).refusal is None


def test_no_work_begins_before_the_contract_not_even_preparation(given: GivenTicket) -> None:
    booked = given("digidesk").having(AppointmentRequested(appointment=1, kind="review", proposals=[NOW]))
    first_day = datetime(2026, 6, 1, tzinfo=UTC)
    before = RECEIVED_AT - timedelta(days=3)
    outcome = booked.when(work(before, appointment=1), contract_began=first_day)
    assert "before the ticket's contract" in outcome.refused(NotAcceptable, "not-acceptable", "/start").errors[0][1]  # type: ignore[attr-defined]
    assert booked.when(work(before, appointment=1), contract_began=before).refusal is None

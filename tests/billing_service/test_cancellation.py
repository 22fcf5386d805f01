"""Late cancellations, decisions and waivers (R6–R8)."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from billing_service.domain.statement.statement import Shares
from fristwerk_language.events import tickets
from fristwerk_language.terms.agreement import PREPARATION
from tests.billing_service.conftest import Lines, Story

PACKAGE = {"increment_minutes": 15, "overage_rate": "195.00"}
HOURLY = {"rate": "120.00", "increment_minutes": 15}
PREPAID = {"plans": {"m": {"package_hours": [1, 2]}}, "package": PACKAGE, "hourly": HOURLY}
FEE = {
    "appointments": {"cancellation": {"notice_hours": 24, "written": True}},
    "billing": {"hourly": HOURLY, "cancellation_fee": {"decision": "required"}},
}


def test_an_undecided_fee_is_proposed_and_not_on_the_lines(story: type[Story]) -> None:
    account = story(FEE)
    account.late_cancellation("T", 60)
    statement = account.rate()
    assert statement.lines == ()
    assert [(line.charge, str(line.amount.amount)) for line in statement.proposed] == [
        (statement.open_decisions[0], "120.00")
    ]
    assert [(each.minutes, each.reason) for each in statement.not_rated] == [(60, "undecided")]


@pytest.mark.parametrize("when", ["2026-05-12 10:00", "2027-05-12 10:00"])
def test_a_decision_counts_whenever_it_was_made(story: type[Story], lines: Lines, when: str) -> None:
    account = story(FEE)
    account.late_cancellation("T", 60)
    account.decide(account.rate().open_decisions[0], "charge", when)
    assert lines(account.rate("2026-05-31")) == [("cancellation", "T", 60, "120.00")]


def test_a_waiver_names_reason_and_actor_and_adds_to_zero(story: type[Story], lines: Lines) -> None:
    account = story(FEE)
    account.late_cancellation("T", 60)
    (charge,) = account.rate().open_decisions
    account.decide(charge, "waive", "2026-05-13 10:00", reason="an accident")
    statement = account.rate()
    assert lines(statement) == [("cancellation", "T", 60, "120.00"), ("waiver", "T", 0, "-120.00")]
    waiver: Any = statement.lines[1]
    assert (waiver.charge, waiver.basis.reason, waiver.basis.actor) == (charge, "an accident", "clerk-1")
    assert statement.net.amount == 0
    assert statement.waived == (charge,)
    assert (statement.shares.waived, statement.shares.hourly) == (60, 0)


def test_a_waived_fee_that_packages_would_settle_draws_nothing(story: type[Story], lines: Lines) -> None:
    terms = FEE | {"billing": PREPAID | {"cancellation_fee": {"settle_from": "package"}}}
    account = story(terms, plan="m", package_hours=1)
    account.late_cancellation("T", 60)
    (line,) = account.rate().lines
    assert (line.kind, line.minutes) == ("allowance", 60)
    account.decide(line.charge, "waive", "2026-05-13 10:00")
    statement = account.rate()
    assert lines(statement) == [("cancellation", "T", 60, "0.00"), ("waiver", "T", 0, "0.00")]
    assert statement.package_left_minutes == 60


def test_any_charge_can_be_waived_and_then_needs_no_minimum(story: type[Story], lines: Lines) -> None:
    account = story({"billing": {"hourly": HOURLY, "minimum_charge": {"amount": "100.00"}}})
    account.log("T", "2026-05-04 10:00", 15)
    hourly, _ = account.rate().lines
    account.decide(hourly.charge, "waive", "2026-05-05 10:00")
    assert lines(account.rate()) == [("hourly", "T", 15, "30.00"), ("waiver", "T", 0, "-30.00")]


def test_an_appointment_booked_anew_is_judged_by_its_last_booking(story: type[Story]) -> None:
    account = story(FEE)
    account.late_cancellation("T", 60)
    again = tickets.AppointmentBooked(appointment=1, start=account.instant("2026-06-12 09:00"))
    account.tell("T", again, "2026-05-13 09:00")
    statement = account.rate()
    assert statement.open_decisions == ()
    assert [each.reason for each in statement.not_rated] == ["preparation"]
    account.tell("T", tickets.AppointmentMissed(appointment=1), "2026-06-12 10:00")
    assert len(account.rate().open_decisions) == 1


def test_preparation_of_a_held_appointment_is_free_and_says_why(story: type[Story]) -> None:
    account = story(FEE)
    account.ticket("T")
    booked = tickets.AppointmentBooked(appointment=1, start=account.instant("2026-05-12 09:00"))
    account.tell("T", booked, "2026-05-01 09:00")
    account.log("T", "2026-05-08 10:00", 60, activity=PREPARATION, appointment=1)
    account.tell("T", tickets.AppointmentHeld(appointment=1), "2026-05-12 10:00")
    account.tell("T", tickets.AppointmentMissed(appointment=1), "2026-05-12 11:00")
    statement = account.rate()
    assert statement.lines == ()
    assert [(each.minutes, each.reason) for each in statement.never_charged] == [(60, "appointment_held")]
    assert statement.shares == Shares(
        logged=60, package=0, hourly=0, free=60, held=0, written_off=0, waived=0, not_rated=0
    )


@pytest.mark.parametrize(("by", "reason"), [("customer", "cancelled_in_time"), ("vendor", "cancelled_by_vendor")])
@pytest.mark.parametrize("written", [True, False])
def test_preparation_of_an_appointment_that_was_never_booked_is_free_once_it_is_called_off(
    story: type[Story], by: Literal["customer", "vendor"], reason: str, *, written: bool
) -> None:
    account = story(FEE)
    account.ticket("T")
    account.log("T", "2026-05-08 10:00", 60, activity=PREPARATION, appointment=1)
    called_off = tickets.AppointmentCancelled(appointment=1, by=by, written=written)
    account.tell("T", called_off, "2026-05-09 10:00")
    assert [(each.minutes, each.reason) for each in account.rate().never_charged] == [(60, reason)]
    assert account.rate().not_rated == ()
    booked = tickets.AppointmentBooked(appointment=1, start=account.instant("2026-05-12 09:00"))
    account.tell("T", booked, "2026-05-10 09:00")
    assert [each.reason for each in account.rate().not_rated] == ["preparation"]


@pytest.mark.parametrize(
    ("by", "at", "reason"),
    [("customer", "2026-05-10 09:00", "cancelled_in_time"), ("vendor", "2026-05-12 08:00", "cancelled_by_vendor")],
)
def test_preparation_of_an_appointment_called_off_without_a_fee_is_free(
    story: type[Story], by: Literal["customer", "vendor"], at: str, reason: str
) -> None:
    account = story(FEE)
    account.ticket("T")
    booked = tickets.AppointmentBooked(appointment=1, start=account.instant("2026-05-12 09:00"))
    account.tell("T", booked, "2026-05-01 09:00")
    account.log("T", "2026-05-08 10:00", 60, activity=PREPARATION, appointment=1)
    assert [each.reason for each in account.rate().not_rated] == ["preparation"]
    account.tell("T", tickets.AppointmentCancelled(appointment=1, by=by), at)
    statement = account.rate()
    assert [(each.minutes, each.reason) for each in statement.never_charged] == [(60, reason)]
    assert (statement.not_rated, statement.lines, statement.shares.free) == ((), (), 60)


def test_without_cancellation_terms_preparation_is_work_like_other(story: type[Story], lines: Lines) -> None:
    account = story({})
    account.late_cancellation("T", 60)
    assert lines(account.rate()) == [("hourly", "T", 60, "120.00")]

"""The previews of the recorded day, from events told by hand under the shipped terms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import customers, tickets
from fristwerk_language.terms import AgreementDocument
from tests.billing_service.conftest import Lines, Story


def sums(statement: Statement) -> Any:
    totals = statement.totals
    return str(totals.net.amount), str(totals.vat.amount), str(totals.payable.amount)


def test_a_package_is_drawn_overage_is_billed_and_a_late_cancellation_once_decided(
    story: type[Story], shipped: dict[str, AgreementDocument], lines: Lines
) -> None:
    muster = story(shipped["infoniqa"], plan="m", package_hours=4)
    muster.ticket("lohnlauf", "2026-06-03 16:30")
    muster.log("lohnlauf", "2026-06-05 09:00", 50)
    muster.log("lohnlauf", "2026-06-05 10:15", 20)
    muster.log("import", "2026-06-09 08:30", 130)
    muster.ticket("jahresabschluss", "2026-06-10 09:00", type="year_end_closing")
    booked = tickets.AppointmentBooked(appointment=1, start=muster.instant("2026-06-25 09:00"))
    muster.tell("jahresabschluss", booked, "2026-06-10 10:05")
    muster.log("jahresabschluss", "2026-06-22 14:00", 90, activity="preparation", appointment=1)
    muster.tell("jahresabschluss", tickets.AppointmentCancelled(appointment=1, by="customer"), "2026-06-24 10:00")
    muster.log("rueckfrage", "2026-06-30 10:20", 50)

    undecided = muster.rate("2026-06-30")
    (charge,) = undecided.open_decisions
    assert str(undecided.net.amount) == "97.50"
    assert [(line.kind, line.minutes, str(line.amount.amount)) for line in undecided.proposed] == [
        ("cancellation", 90, "292.50")
    ]

    muster.decide(charge, "charge", "2026-06-24 11:00")
    statement = muster.rate("2026-06-30")
    assert lines(statement) == [
        ("allowance", "lohnlauf", 75, "0.00"),
        ("allowance", "import", 135, "0.00"),
        ("cancellation", "jahresabschluss", 90, "292.50"),
        ("allowance", "rueckfrage", 30, "0.00"),
        ("overage", "rueckfrage", 30, "97.50"),
    ]
    assert sums(statement) == ("390.00", "31.59", "421.60")
    assert statement.package_left_minutes == 0
    assert statement.open_decisions == ()


def test_twenty_minutes_on_demand_are_half_an_hour_and_the_minimum(
    story: type[Story], shipped: dict[str, AgreementDocument], lines: Lines
) -> None:
    bedarf = story(shipped["infoniqa"], plan="on_demand")
    bedarf.log("druck", "2026-06-17 14:00", 20)
    statement = bedarf.rate("2026-06-30")
    assert lines(statement) == [("hourly", "druck", 30, "97.50"), ("minimum_top_up", "druck", 0, "2.50")]
    assert sums(statement) == ("100.00", "8.10", "108.10")


def test_a_contract_customers_work_is_free(
    story: type[Story], shipped: dict[str, AgreementDocument], lines: Lines
) -> None:
    vertrag = story(shipped["fluxpunkt"], plan="service_and_maintenance", group="contract")
    vertrag.ticket("absturz", "2026-06-19 16:30", group="contract", entitled_by="contract")
    vertrag.log("absturz", "2026-06-22 10:00", 40)
    statement = vertrag.rate("2026-06-30")
    assert lines(statement) == [("free", "absturz", 40, "0.00")]
    assert str(statement.net.amount) == "0.00"


def test_a_shops_work_is_billed_when_resolved_up_to_what_was_approved(
    story: type[Story], shipped: dict[str, AgreementDocument], lines: Lines
) -> None:
    shop = story(shipped["digidesk"], plan="standard")
    shop.ticket("offline", "2026-06-26 16:00", type="quick_high")
    shop.log("offline", "2026-06-29 09:30", 45)
    shop.tell("offline", tickets.CostApprovalRequested(approval=1, estimate_minutes=120), "2026-06-29 10:16")
    shop.tell("offline", tickets.CostApproved(approval=1, extra_minutes=60), "2026-06-29 10:20")
    shop.log("offline", "2026-06-29 10:30", 30)
    assert lines(shop.rate("2026-06-30")) == []
    shop.tell("offline", tickets.Resolved(), "2026-06-29 13:15")
    shop.log("modul", "2026-06-22 10:30", 30, activity="module_enquiry")
    shop.tell("modul", tickets.Resolved(), "2026-06-22 11:05")
    shop.log("umbau", "2026-06-23 10:30", 40, activity="technical_change")
    shop.log("umbau", "2026-06-24 10:30", 40, activity="technical_change")
    shop.tell("umbau", tickets.Resolved(), "2026-06-24 11:15")
    statement = shop.rate("2026-06-30")
    assert lines(statement) == [
        ("free", "modul", 30, "0.00"),
        ("hourly", "umbau", 40, "80.00"),
        ("hourly", "umbau", 20, "40.00"),
        ("hourly", "offline", 75, "300.00"),
    ]
    assert sums(statement) == ("420.00", "79.80", "499.80")
    assert statement.held_minutes == {"umbau": 20}


def test_an_addon_from_the_middle_of_june_costs_half_a_month(
    story: type[Story], shipped: dict[str, AgreementDocument]
) -> None:
    booked = customers.BookedAddon(addon="dedicated_support", from_on=date(2026, 6, 16))
    gross = story(shipped["liveagent"], plan="all_inclusive", addons=[booked])
    statement = gross.rate("2026-06-30")
    (line,) = statement.lines
    assert (line.kind, line.month, line.days, line.amount.amount) == ("addon", "2026-06", 15, Decimal("500.00"))
    assert sums(statement) == ("500.00", "95.00", "595.00")

"""What a waived charge drew from packages goes back to them (R8), and is there for other work."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import tickets
from tests.billing_service.clerk import Clerk
from tests.billing_service.conftest import Story

TERMS: dict[str, Any] = {
    "billing": {
        "plans": {"m": {"package_hours": [2]}},
        "package": {"increment_minutes": 15, "overage_rate": "100.00"},
        "hourly": {"rate": "120.00", "increment_minutes": 15},
    }
}


@pytest.fixture
def account() -> Story:
    """A package of two hours, used up by the first of two tickets."""
    told = Story(TERMS, plan="m", package_hours=2)
    told.log("A", "2026-06-01 10:00", 120)
    told.log("B", "2026-06-02 10:00", 60)
    return told


def written(statement: Statement) -> list[tuple[str, str | None, str, list[int]]]:
    return [
        (line.kind, line.ticket, str(line.amount.amount), [int(each.minutes) for each in line.draws])
        for line in statement.lines
    ]


def waive(account: Story, kind: str, at: str) -> None:
    (charge,) = {line.charge for line in account.rate().lines if line.kind == kind}
    account.decide(charge, "waive", at)


def test_minutes_of_waived_work_are_there_for_other_work(account: Story) -> None:
    waive(account, "allowance", "2026-06-03 10:00")
    statement = account.rate()
    assert written(statement) == [
        ("allowance", "A", "0.00", [120]),
        ("waiver", "A", "0.00", [-120]),
        ("allowance", "B", "0.00", [60]),
    ]
    assert [(each.drawn, each.left) for each in statement.packages] == [(60, 60)]
    assert (statement.shares.waived, statement.shares.package) == (120, 60)
    assert len(statement.waived) == 1


def test_the_waived_work_itself_stays_covered_when_others_have_drawn_what_it_gave_back(account: Story) -> None:
    waive(account, "allowance", "2026-06-03 10:00")
    clerk = Clerk(account)
    clerk.documents.append(clerk.issue(date(2026, 6, 3)))
    account.log("C", "2026-06-04 10:00", 90)
    assert written(clerk.statement(date(2026, 6, 30)))[:2] == [
        ("allowance", "A", "0.00", [120]),
        ("waiver", "A", "0.00", [-120]),
    ]


def test_a_credit_note_that_waives_gives_back_what_was_drawn_so_far_and_no_more(account: Story) -> None:
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 3))
    assert clerk.statement(date(2026, 6, 3)).packages[0].left == 0
    credited = clerk.credit(1, "waive", date(2026, 6, 4))
    assert credited is not None
    assert [(line.kind, line.ticket, str(line.amount.amount)) for line in credited.lines] == [
        ("waiver", "A", "0.00"),
        ("waiver", "B", "-100.00"),
    ]
    after = clerk.statement(date(2026, 6, 4))
    assert after.packages[0].left == 120
    account.log("A", "2026-06-01 15:00", 30)
    assert clerk.statement(date(2026, 6, 4)).packages[0].left == 90
    assert clerk.credit(1, "reissue", date(2026, 6, 5)) is None


def test_minutes_corrected_after_their_waiver_are_taken_off_both_lines_by_the_next_document(account: Story) -> None:
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 3))
    (entry,) = (
        each.event.entry
        for each in account.events
        if isinstance(each.event, tickets.TimeLogged) and each.event.minutes == 120
    )
    account.tell("A", tickets.TimeLogCorrected(entry=entry, minutes=15), "2026-06-04 10:00")
    clerk.credit(1, "waive", date(2026, 6, 5))
    issued = clerk.issue(date(2026, 6, 30))
    assert [(each.kind, [int(draw.minutes) for draw in each.draws]) for each in issued.lines if each.ticket == "A"] == [
        ("allowance", [-105]),
        ("waiver", [105]),
    ]
    billed = sum(int(draw.minutes) for line in clerk.ledger.lines for draw in line.draws)
    assert billed == clerk.statement(date(2026, 6, 30)).packages[0].drawn


def test_a_fee_that_packages_settled_is_waived_by_a_credit_note_and_not_billed_by_the_hour() -> None:
    billing = TERMS["billing"] | {"cancellation_fee": {"settle_from": "package"}}
    account = Story(
        {"billing": billing, "appointments": {"cancellation": {"notice_hours": 24}}}, plan="m", package_hours=2
    )
    account.ticket("T")
    start = account.instant("2026-06-11 09:00")
    account.tell("T", tickets.AppointmentBooked(appointment=1, start=start), "2026-06-01 09:00")
    account.log("T", "2026-06-08 10:00", 150, activity="preparation", appointment=1)
    account.tell("T", tickets.AppointmentMissed(appointment=1), "2026-06-11 10:00")
    clerk = Clerk(account)
    issued = clerk.issue(date(2026, 6, 12))
    assert [(line.kind, str(line.amount.amount)) for line in issued.lines] == [
        ("allowance", "0.00"),
        ("overage", "50.00"),
    ]
    assert clerk.credit(1, "waive", date(2026, 6, 13)) is not None
    statement = clerk.statement(date(2026, 6, 13))
    assert statement.net.amount == 0
    assert statement.packages[0].left == 120
    assert clerk.issue(date(2026, 6, 13)).lines == ()

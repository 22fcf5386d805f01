"""Time that counts with another ticket after a merge or a split: billed there, taken back where it was billed before."""

from __future__ import annotations

import msgspec
import pytest

from billing_service.domain.invoice.invoice import difference
from billing_service.domain.statement.ledger import NOTHING
from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import relations, tickets
from tests.billing_service.conftest import Lines, Story

TWO_CONTRACTS = ("c-1", "c-2")


def carried(story: Story, entry: str, minutes: int, start: str = "2026-03-02 10:00") -> relations.CarriedEntry:
    return relations.CarriedEntry(
        entry=entry, start=story.instant(start), minutes=minutes, activity="help", agent="agent-1"
    )


def merged(story: Story, *, into: str = "T1", duplicate: str = "T2", minutes: int = 20, at: str) -> None:
    story.tell(duplicate, relations.MergedInto(ticket=into, reference=into), at)
    brought = [carried(story, "e-2", minutes)] if minutes else []
    story.tell(into, relations.DuplicateMerged(ticket=duplicate, reference=duplicate, entries=brought), at)


@pytest.fixture
def twice(story: type[Story]) -> Story:
    """10 minutes on the first report and 20 on the second, of which a quarter of an hour is billed each."""
    told = story({})
    told.log("T1", "2026-03-02 09:00", 10, entry="e-1")
    told.log("T2", "2026-03-02 10:00", 20, entry="e-2")
    return told


def test_the_time_of_a_duplicate_is_rounded_with_the_first_ticket(twice: Story, lines: Lines) -> None:
    assert lines(twice.rate()) == [("hourly", "T1", 15, "30.00"), ("hourly", "T2", 30, "60.00")]
    merged(twice, at="2026-03-03 09:00")
    assert lines(twice.rate()) == [("hourly", "T1", 30, "60.00")]


def test_what_was_not_known_yet_is_billed_as_it_was(twice: Story, lines: Lines) -> None:
    merged(twice, at="2026-03-03 09:00")
    before = twice.rate(known_at="2026-03-03 08:59")
    assert lines(before) == [("hourly", "T1", 15, "30.00"), ("hourly", "T2", 30, "60.00")]


def test_an_issued_invoice_is_put_right_by_the_next_one(twice: Story) -> None:
    first = difference(twice.rate("2026-03-31").lines, ())
    merged(twice, at="2026-04-01 09:00")
    invoiced = NOTHING.and_also(first)
    second = difference(twice.rate("2026-04-30", invoiced=invoiced).lines, invoiced.lines)
    changes = [(each.ticket, each.change, each.minutes, str(each.amount.amount)) for each in second]
    assert sorted(changes) == [("T1", "changed", 15, "30.00"), ("T2", "withdrawn", -30, "-60.00")]


def test_a_correction_on_the_first_ticket_holds_and_an_earlier_one_is_in_the_minutes(twice: Story) -> None:
    twice.tell("T2", tickets.TimeLogCorrected(entry="e-2", minutes=40), "2026-03-02 12:00")
    merged(twice, minutes=40, at="2026-03-03 09:00")
    assert twice.rate().shares.logged == 50
    twice.tell("T1", tickets.TimeLogCorrected(entry="e-2", minutes=5), "2026-03-04 09:00")
    statement = twice.rate()
    assert (statement.shares.logged, statement.violations) == (15, ())


def test_preparation_stays_with_the_appointment_of_the_duplicate(story: type[Story], lines: Lines) -> None:
    told = story({"appointments": {"cancellation": {"notice_hours": 24}}, "billing": BILLING})
    told.late_cancellation("T2", 30)
    told.log("T2", "2026-03-02 10:00", 20, entry="e-2")
    told.ticket("T1")
    merged(told, at="2026-05-13 09:00")
    assert lines(told.rate()) == [("hourly", "T1", 30, "60.00"), ("cancellation", "T2", 30, "60.00")]


BILLING = {
    "plans": {"m": {}},
    "hourly": {"rate": "120.00", "increment_minutes": 15},
    "cancellation_fee": {"decision": "automatic"},
    "coverage": [{"activity": "preparation", "billable": True}],
}


def test_time_that_is_split_off_and_comes_back_counts_once(twice: Story) -> None:
    off = relations.SplitOff(ticket="T3", reference="T3", entries=["e-1"])
    twice.ticket("T3")
    twice.tell("T1", tickets.TimeLogCorrected(entry="e-1", minutes=12), "2026-03-02 09:30")
    twice.tell("T1", off, "2026-03-03 09:00")
    origin = relations.SplitFrom(ticket="T1", reference="T1", entries=[carried(twice, "e-1", 12, "2026-03-02 09:00")])
    twice.tell("T3", origin, "2026-03-03 09:00")
    assert by_ticket(twice.rate()) == {"T2": 20, "T3": 12}
    twice.tell("T3", tickets.TimeLogCorrected(entry="e-1", minutes=33), "2026-03-03 10:00")
    twice.tell("T3", relations.MergedInto(ticket="T1", reference="T1"), "2026-03-04 09:00")
    back = relations.DuplicateMerged(
        ticket="T3", reference="T3", entries=[carried(twice, "e-1", 33, "2026-03-02 09:00")]
    )
    twice.tell("T1", back, "2026-03-04 09:00")
    assert by_ticket(twice.rate()) == {"T1": 33, "T2": 20}
    assert twice.rate().violations == ()


def test_brought_time_keeps_who_did_it(story: type[Story], lines: Lines) -> None:
    rates = {"rate": "120.00", "increment_minutes": 15, "rates": [{"performer": "partner", "rate": "200.00"}]}
    told = story({"billing": {"plans": {"m": {}}, "hourly": rates}})
    told.ticket("T1")
    entry = msgspec.structs.replace(carried(told, "e-2", 30), performer="partner")
    told.tell("T1", relations.DuplicateMerged(ticket="T2", reference="T2", entries=[entry]), "2026-03-03 09:00")
    assert lines(told.rate()) == [("hourly", "T1", 30, "100.00")]


def by_ticket(statement: Statement) -> dict[str | None, int]:
    return {line.ticket: line.raw_minutes for line in statement.lines}


def test_a_duplicate_counts_as_done_where_only_resolved_work_is_billed(story: type[Story]) -> None:
    told = story({"lifecycle": {"bill_when": "resolved"}, "appointments": {"cancellation": {"notice_hours": 24}}})
    told.late_cancellation("T2", 30)
    told.ticket("T1")
    assert [each.reason for each in told.rate().not_rated] == ["awaits_resolution"]
    merged(told, minutes=0, at="2026-05-13 09:00")
    assert "awaits_resolution" not in [each.reason for each in told.rate().not_rated]

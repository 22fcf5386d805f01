"""Work: entries, corrections, coverage, the cost gate, resolution, types and terms (R1, R9–R11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import tickets
from fristwerk_language.terms import agreement_document
from tests.billing_service.conftest import Lines, Story

HOURLY = {"rate": "120.00", "increment_minutes": 15}


def codes(statement: Statement) -> Any:
    return [violation.code for violation in statement.violations]


def test_an_entry_delivered_twice_under_two_event_ids_counts_once(story: type[Story], lines: Lines) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 30, entry="e")
    account.log("T", "2026-05-04 10:00", 30, entry="e")
    assert lines(account.rate()) == [("hourly", "T", 30, "60.00")]


def test_a_correction_to_nothing_takes_the_entry_away(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 30, entry="e")
    account.tell("T", tickets.TimeLogCorrected(entry="e", minutes=0), "2026-05-05 10:00")
    statement = account.rate()
    assert statement.lines == ()
    assert statement.shares.logged == 0


def test_a_correction_of_an_unknown_entry_and_negative_minutes_are_violations(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", -5, entry="e")
    account.tell("T", tickets.TimeLogCorrected(entry="x", minutes=5), "2026-05-05 10:00")
    statement = account.rate()
    assert codes(statement) == ["correction_without_entry", "negative_minutes"]
    assert statement.lines == ()


def test_a_correction_counts_from_the_day_on_which_it_occurred(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 60, entry="e")
    account.tell("T", tickets.TimeLogCorrected(entry="e", minutes=30), "2026-06-02 10:00")
    assert account.rate("2026-05-31").net.amount == Decimal("120.00")
    assert account.rate("2026-06-02").net.amount == Decimal("60.00")


def test_what_was_recorded_later_is_not_known_yet(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 60, recorded="2026-06-02 10:00")
    assert account.rate("2026-05-31", known_at="2026-05-31 23:59").net.amount == 0
    assert account.rate("2026-05-31").net.amount == Decimal("120.00")


def test_the_first_coverage_rule_that_fits_decides(story: type[Story], lines: Lines) -> None:
    rules = [
        {"activity": "help", "group": "gold", "billable": True},
        {"group": "gold", "billable": False},
        {"plan": "m", "entitled_by": "warranty", "billable": False},
    ]
    account = story({"groups": [{"id": "gold"}], "billing": {"plans": {"m": {}}, "hourly": HOURLY, "coverage": rules}})
    account.ticket("gold", group="gold")
    account.ticket("warranty", plan="m", entitled_by="warranty")
    account.log("gold", "2026-05-04 10:00", 15)
    account.log("gold", "2026-05-04 11:00", 20, activity="training")
    account.log("warranty", "2026-05-04 12:00", 10)
    account.log("other", "2026-05-04 13:00", 10)
    statement = account.rate()
    assert lines(statement) == [
        ("hourly", "gold", 15, "30.00"),
        ("free", "gold", 20, "0.00"),
        ("hourly", "other", 15, "30.00"),
        ("free", "warranty", 10, "0.00"),
    ]
    assert [line.clauses for line in statement.lines if line.kind == "free"] == [
        ("/billing/coverage/1",),
        ("/billing/coverage/2",),
    ]


def test_a_rejection_writes_off_only_what_was_held_by_then(story: type[Story]) -> None:
    account = story({"cost_approval": {"after_minutes": 60}, "billing": {"hourly": HOURLY}})
    account.log("T", "2026-05-04 10:00", 90)
    account.tell("T", tickets.CostRejected(approval=1), "2026-05-04 12:00")
    account.log("T", "2026-05-04 13:00", 20)
    account.tell("T", tickets.CostApproved(approval=2, extra_minutes=15), "2026-05-04 14:00")
    statement = account.rate()
    assert statement.written_off_minutes == {"T": 30}
    assert statement.held_minutes == {"T": 5}
    assert statement.net.amount == Decimal("150.00")


def test_an_approval_is_decided_once_whatever_comes_after(story: type[Story]) -> None:
    account = story({"cost_approval": {"after_minutes": 60}, "billing": {"hourly": HOURLY}})
    account.log("T", "2026-05-04 10:00", 90)
    account.tell("T", tickets.CostApproved(approval=1, extra_minutes=15), "2026-05-04 12:00")
    account.tell("T", tickets.CostApproved(approval=1, extra_minutes=15), "2026-05-04 12:01")
    account.tell("T", tickets.CostRejected(approval=1), "2026-05-04 12:02")
    statement = account.rate()
    assert statement.held_minutes == {"T": 15}
    assert statement.written_off_minutes == {}


def test_approved_work_rests_on_its_approval(story: type[Story]) -> None:
    account = story({"cost_approval": {"after_minutes": 60}, "billing": {"hourly": HOURLY}})
    logged = account.log("T", "2026-05-04 10:00", 90)
    approved = account.tell("T", tickets.CostApproved(approval=1), "2026-05-04 12:00")
    (line,) = account.rate().lines
    assert line.sources == (logged, approved)


def test_held_minutes_stay_held_while_the_ticket_is_not_resolved(story: type[Story]) -> None:
    account = story(
        {"cost_approval": {"after_minutes": 60}, "lifecycle": {"bill_when": "resolved"}, "billing": {"hourly": HOURLY}}
    )
    account.log("T", "2026-05-04 10:00", 90)
    statement = account.rate()
    assert statement.lines == ()
    assert statement.held_minutes == {"T": 30}
    assert [(each.minutes, each.reason) for each in statement.not_rated] == [(60, "awaits_resolution")]


def test_resolved_work_counts_for_good_and_later_work_waits(story: type[Story], lines: Lines) -> None:
    account = story({"lifecycle": {"bill_when": "resolved"}, "billing": {"hourly": HOURLY}})
    account.log("T", "2026-05-04 10:00", 15)
    resolved = account.tell("T", tickets.Resolved(), "2026-05-04 12:00")
    account.tell("T", tickets.Reopened(), "2026-05-05 09:00")
    account.log("T", "2026-05-05 10:00", 15)
    statement = account.rate("2026-05-31")
    assert lines(statement) == [("hourly", "T", 15, "30.00")]
    assert statement.lines[0].sources[-1] == resolved
    account.tell("T", tickets.Closed(), "2026-06-02 10:00")
    assert account.rate("2026-05-31").net.amount == Decimal("30.00")
    assert account.rate("2026-06-30").net.amount == Decimal("60.00")


def test_work_on_a_word_of_thanks_counts_once_the_reopening_is_taken_back(story: type[Story], lines: Lines) -> None:
    account = story({"lifecycle": {"bill_when": "resolved"}, "billing": {"hourly": HOURLY}})
    account.log("T", "2026-05-04 10:00", 15)
    account.tell("T", tickets.Resolved(), "2026-05-04 12:00")
    account.tell("T", tickets.CustomerMessageReceived(channel="portal"), "2026-05-05 09:00")
    account.tell("T", tickets.Reopened(), "2026-05-05 09:00")
    account.log("T", "2026-05-05 10:00", 15)
    assert [each.minutes for each in account.rate().not_rated] == [15]
    account.tell("T", tickets.NoAnswerNeeded(message=4, state="open"), "2026-05-05 11:00")
    assert [each.minutes for each in account.rate().not_rated] == [15]
    mark = account.tell("T", tickets.NoAnswerNeeded(message=4, reopening=5, state="resolved"), "2026-05-05 11:00")
    statement = account.rate()
    assert [line[2] for line in lines(statement)] == [15, 15]
    assert statement.lines[1].sources[-1] == mark


def test_of_two_types_set_at_one_instant_the_highest_factor_wins(story: type[Story]) -> None:
    account = story({})
    account.ticket("T")
    account.tell("T", tickets.TypeChanged(type="quick_high"), "2026-05-04 09:00")
    account.tell("T", tickets.TypeChanged(type="quick_normal"), "2026-05-04 09:00")
    account.log("T", "2026-05-04 10:00", 60)
    (line,) = account.rate().lines
    assert (line.factor, line.unit_price.amount, line.amount.amount) == (Decimal(2), Decimal(240), Decimal("240.00"))


def test_a_ticket_keeps_its_terms_until_they_are_migrated(
    story: type[Story], bare: dict[str, Any], lines: Lines
) -> None:
    account = story({})
    account.versions[2] = agreement_document(bare | {"billing": {"hourly": {"rate": "60.00", "increment_minutes": 60}}})
    account.log("old", "2026-05-04 10:00", 10)
    account.tell(
        "old", tickets.TermsMigrated(agreement_version=2, calendar_version=1, reason="new"), "2026-05-04 12:00"
    )
    account.log("old", "2026-05-04 12:00", 10)
    account.log("kept", "2026-05-04 12:00", 10)
    statement = account.rate()
    assert lines(statement) == [
        ("hourly", "kept", 15, "30.00"),
        ("hourly", "old", 60, "60.00"),
        ("hourly", "old", 15, "30.00"),
    ]
    assert [line.agreement_version for line in statement.lines] == [1, 2, 1]

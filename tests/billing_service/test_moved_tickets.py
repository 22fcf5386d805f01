"""A ticket that was moved is billed whole where it is now, and taken back where it was invoiced before."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.domain.facts.from_events import account
from billing_service.domain.invoice.invoice import difference
from billing_service.domain.money import total
from billing_service.domain.rating.rating import rate
from billing_service.domain.statement.ledger import NOTHING, Invoiced
from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import customers, tickets
from fristwerk_language.events.relations import TicketMoved
from tests.billing_service.conftest import Lines, Story

LAST_DAY = date(2026, 6, 30)


class TwoAccounts:
    """A customer with the contract c-1 and another one with c-2, and the tickets of both."""

    def __init__(self, story: type[Story], **terms: Any) -> None:
        self.told = story(terms, plan="m")
        self.told.add(
            "contract-c-2",
            customers.ContractSigned(
                contract="c-2",
                customer="k-2",
                agreement="bare",
                agreement_version=1,
                plan="m",
                from_on=date(2026, 1, 1),
            ),
            "2026-01-01 00:00",
        )

    def move(self, ticket: str, to: str, at: str, **how: Any) -> None:
        event = TicketMoved(
            reference=ticket,
            from_customer="k-1",
            customer=f"k-{to[-1]}",
            sealed_for=f"k-{to[-1]}",
            contract=to,
            plan="m",
            agreement="bare",
            agreement_version=1,
            calendar="c",
            calendar_version=1,
            type=how.pop("type", "normal"),
            entitled=True,
            entitled_by="contract",
            entitled_why="contract",
        )
        self.told.tell(ticket, event, at, **how)

    def rate(
        self, contract: str, until: date = LAST_DAY, known_at: str | None = None, invoiced: Invoiced = NOTHING
    ) -> Statement:
        known = None if known_at is None else self.told.instant(known_at)
        return rate(account(contract, self.told.events), self.told.terms, until, known_at=known, invoiced=invoiced)


def filed(story: type[Story], **terms: Any) -> TwoAccounts:
    accounts = TwoAccounts(story, **terms)
    accounts.told.log("T1", "2026-03-02 09:00", 60, entry="e-1")
    return accounts


def test_work_done_before_the_move_is_billed_to_the_other_account(story: type[Story], lines: Lines) -> None:
    accounts = filed(story)
    assert lines(accounts.rate("c-1")) == [("hourly", "T1", 60, "120.00")]
    accounts.move("T1", "c-2", "2026-03-10 09:00")
    accounts.told.log("T1", "2026-03-11 09:00", 30, entry="e-2")
    assert lines(accounts.rate("c-1")) == []
    assert lines(accounts.rate("c-2")) == [("hourly", "T1", 60, "120.00"), ("hourly", "T1", 30, "60.00")]


def test_as_of_before_the_move_was_known_nothing_has_changed(story: type[Story], lines: Lines) -> None:
    accounts = filed(story)
    accounts.move("T1", "c-2", "2026-03-10 09:00", recorded="2026-04-02 09:00")
    assert lines(accounts.rate("c-1", known_at="2026-04-02 08:59")) == [("hourly", "T1", 60, "120.00")]
    assert lines(accounts.rate("c-2", known_at="2026-04-02 08:59")) == []


def test_the_next_invoices_of_both_put_right_what_was_invoiced(story: type[Story]) -> None:
    accounts = filed(story)
    invoiced = NOTHING.and_also(difference(accounts.rate("c-1", date(2026, 3, 31)).lines, ()))
    accounts.move("T1", "c-2", "2026-04-01 09:00")
    taken_back = difference(accounts.rate("c-1", invoiced=invoiced).lines, invoiced.lines)
    assert [(each.change, each.minutes, str(each.amount.amount)) for each in taken_back] == [
        ("withdrawn", -60, "-120.00")
    ]
    charged = difference(accounts.rate("c-2").lines, ())
    assert [(each.change, each.minutes, str(each.amount.amount)) for each in charged] == [("new", 60, "120.00")]


def test_a_ticket_that_comes_back_is_billed_where_it_was_first(story: type[Story], lines: Lines) -> None:
    accounts = filed(story)
    accounts.move("T1", "c-2", "2026-03-10 09:00")
    accounts.told.tell("T1", tickets.TimeLogCorrected(entry="e-1", minutes=30), "2026-03-11 09:00")
    accounts.move("T1", "c-1", "2026-03-12 09:00")
    assert lines(accounts.rate("c-1")) == [("hourly", "T1", 30, "60.00")]
    assert lines(accounts.rate("c-2")) == []


def test_the_type_is_that_of_the_move_and_of_changes_after_it(story: type[Story], lines: Lines) -> None:
    accounts = filed(story)
    accounts.told.tell("T1", tickets.TypeChanged(type="quick_high"), "2026-03-01 09:00")
    assert lines(accounts.rate("c-1")) == [("hourly", "T1", 60, "240.00")]
    accounts.move("T1", "c-2", "2026-03-10 09:00", type="normal")
    assert lines(accounts.rate("c-2")) == [("hourly", "T1", 60, "120.00")]
    accounts.told.tell("T1", tickets.TypeChanged(type="quick_normal"), "2026-03-11 09:00")
    accounts.told.log("T1", "2026-03-12 09:00", 60, entry="e-2")
    assert sorted(str(each.amount.amount) for each in accounts.rate("c-2").lines) == ["120.00", "180.00"]


def test_migrations_before_the_move_were_of_other_terms(story: type[Story]) -> None:
    accounts = filed(story)
    accounts.told.versions[2] = accounts.told.versions[1]
    accounts.told.tell("T1", tickets.TermsMigrated(agreement_version=2, calendar_version=1), "2026-03-05 09:00")
    accounts.move("T1", "c-2", "2026-03-10 09:00")
    assert {each.agreement_version for each in accounts.rate("c-2").lines} == {1}


days = st.integers(0, 170).map(lambda day: datetime(2026, 1, 2, 9) + timedelta(days=day))  # noqa: DTZ001 - local
names = st.sampled_from(["T1", "T2"])
steps = st.one_of(
    st.tuples(st.just("log"), names, days, st.sampled_from([0, 0, 3]), st.integers(1, 130)),
    st.tuples(st.just("move"), names, days, st.sampled_from([0, 0, 3]), st.sampled_from(["c-1", "c-2"])),
    st.tuples(st.just("type"), names, days, st.just(0), st.sampled_from(["normal", "quick_high"])),
)


def tell(story: type[Story], drawn: list[Any]) -> TwoAccounts:
    accounts = TwoAccounts(story)
    where = {"T1": "c-1", "T2": "c-1"}
    for name in where:
        accounts.told.ticket(name)
    for what, ticket, moment, delay, value in drawn:
        at, how = moment.isoformat(), {"recorded": (moment + timedelta(days=delay)).isoformat()}
        if what == "log":
            accounts.told.log(ticket, at, value, **how)
        elif what == "type":
            accounts.told.tell(ticket, tickets.TypeChanged(type=value), at, **how)
        elif where[ticket] != value:
            accounts.move(ticket, value, at, **how)
            where[ticket] = value
    return accounts


def documents(accounts: TwoAccounts, contract: str, cutoffs: list[date]) -> tuple[Invoiced, Statement]:
    """What runs at the evening of each cutoff have invoiced, and the statement of the last."""
    invoiced = NOTHING
    for cutoff in cutoffs:
        statement = accounts.rate(contract, cutoff, f"{cutoff} 23:59:59.999999", invoiced)
        invoiced = invoiced.and_also(difference(statement.lines, invoiced.lines))
    return invoiced, statement


@settings(max_examples=60, deadline=None)
@given(
    drawn=st.lists(steps, min_size=1, max_size=12),
    runs=st.sets(st.integers(0, 170), max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_the_sum_of_all_documents_of_both_accounts_is_their_result(
    drawn: list[Any], runs: set[int], order: Any, story: type[Story]
) -> None:
    accounts = tell(story, drawn)
    cutoffs = [*(date(2026, 1, 2) + timedelta(days=day) for day in sorted(runs)), LAST_DAY]
    results: list[Statement] = []
    for contract in ("c-1", "c-2"):
        invoiced, last = documents(accounts, contract, cutoffs)
        assert total((each.amount for each in invoiced.lines), "EUR") == total((e.amount for e in last.lines), "EUR")
        assert difference(last.lines, invoiced.lines) == ()
        results.append(last)
    logged = sum(each.event.minutes for each in accounts.told.events if isinstance(each.event, tickets.TimeLogged))
    assert sum(each.shares.logged for each in results) == logged, "every minute in exactly one account"
    before = [account(contract, accounts.told.events) for contract in ("c-1", "c-2")]
    order.shuffle(accounts.told.events)
    assert [account(contract, accounts.told.events * 2) for contract in ("c-1", "c-2")] == before

"""Which recorded events make up an account: its own, once each, and nothing of what has no beginning."""

from __future__ import annotations

from datetime import date
from typing import Literal

from billing_service.domain.facts.from_events import account
from fristwerk_language.events import customers, tickets
from tests.billing_service.conftest import BARE, Story


def registered(customer: str, kind: Literal["company", "person"]) -> customers.CustomerRegistered:
    return customers.CustomerRegistered(customer=customer, kind=kind, country="CH")


def test_the_customer_is_the_one_who_signed_whoever_else_registered() -> None:
    story = Story(BARE)
    story.add("customer-k-2", registered("k-2", "person"), "2026-01-02 08:00")
    story.add("customer-k-1", registered("k-1", "company"), "2026-01-02 09:00")

    found = story.account().customer

    assert found is not None
    assert (found.kind, found.country) == ("company", "CH")


def test_without_a_registration_nothing_is_known_of_the_customer() -> None:
    story = Story(BARE)
    story.add("customer-k-2", registered("k-2", "person"), "2026-01-02 08:00")

    assert story.account().customer is None


def test_events_of_a_contract_whose_signing_is_not_among_them_make_no_contract() -> None:
    story = Story(BARE)
    story.add(
        "contract-c-1", customers.ContractTerminated(contract="c-1", until_on=date(2026, 6, 30)), "2026-02-01 08:00"
    )

    unsigned = account("c-1", [each for each in story.events if each.envelope.version > 1])

    assert (unsigned.contract, unsigned.customer, unsigned.tickets) == (None, None, ())


def test_events_of_another_contract_are_ignored() -> None:
    story = Story(BARE)
    ended = customers.ContractTerminated(contract="c-2", until_on=date(2026, 6, 30))
    story.add("contract-c-2", ended, "2026-02-01 08:00")

    contract = story.account().contract

    assert contract is not None
    assert contract.last_day is None


def test_work_on_a_ticket_whose_creation_is_not_among_the_events_is_ignored() -> None:
    story = Story(BARE)
    story.log("T", "2026-05-04 10:00", 30)
    created = next(each for each in story.events if isinstance(each.event, tickets.TicketCreated))

    assert [each.id for each in story.account().tickets] == ["T"]
    assert story.account([each for each in story.events if each is not created]).tickets == ()


def test_a_ticket_of_another_account_is_ignored() -> None:
    story = Story(BARE)
    story.log("T", "2026-05-04 10:00", 30)

    assert account("c-2", story.events).tickets == ()
    assert account("k-1", story.events).tickets == ()


def test_an_event_that_arrives_twice_counts_once() -> None:
    story = Story(BARE)
    story.log("T", "2026-05-04 10:00", 30)

    [ticket] = story.account([*story.events, *story.events]).tickets

    assert [each.minutes for each in ticket.work] == [30]

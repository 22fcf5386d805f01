"""Documents that were issued follow from what had been recorded then; whatever is changed of either is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from billing_service.domain.audit.divergence import Divergence, first_divergence
from billing_service.domain.audit.recomputation import divergence
from billing_service.domain.audit.records import AccountRecord, IssuedRecord, issued_record
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.published import PublishedAgreement, published_agreement
from fristwerk_language.events import Recorded, decode
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceBasis, InvoiceIssued
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import TicketCreated, TimeLogged
from fristwerk_language.terms import digest

STORED = Path(__file__).parent / "issued"
"""Two contracts' logs: each was invoiced, credited to be billed again, invoiced further, and that was waived."""
Change = Callable[[Recorded], Recorded]


def recorded(log: str) -> list[Recorded]:
    """A log's events with their positions."""
    lines = (STORED / f"{log}.ndjson").read_bytes().splitlines()
    found = enumerate(map(decode, lines), start=1)
    return [
        msgspec.structs.replace(each, envelope=msgspec.structs.replace(each.envelope, position=position))
        for position, each in found
    ]


class Books:
    """Both logs as an audit reads them, by customer."""

    def __init__(self, tickets: Sequence[Recorded], billing: Sequence[Recorded]) -> None:
        documents = [each for each in billing if isinstance(each.event, InvoiceIssued | CreditNoteIssued)]
        self.issued: dict[int, IssuedRecord] = {one.event.number: one for one in map(issued_record, documents)}
        self.published: dict[tuple[str, int], PublishedAgreement] = dict(
            published_agreement(each) for each in tickets if isinstance(each.event, AgreementPublished)
        )
        self._tickets, self._billing = tickets, billing

    def accounts(self, customer: str) -> list[AccountRecord]:
        about = [e for e in self._tickets if isinstance(e.event, CustomerRegistered) and e.event.customer == customer]
        signed = [
            e.event.contract
            for e in self._tickets
            if isinstance(e.event, ContractSigned) and e.event.customer == customer
        ]
        return [self._account(each, customer, about) for each in sorted([customer, *signed])]

    def _account(self, account: str, customer: str, about: list[Recorded]) -> AccountRecord:
        streams = {f"contract-{account}"} | {
            each.stream
            for each in self._tickets
            if isinstance(each.event, TicketCreated) and account == (each.event.contract or each.event.customer)
        }
        row = AccountRow(
            account=account,
            provider="infoniqa",
            customer=customer,
            kind="customer" if account == customer else "contract",
        )
        return AccountRecord(
            row=row,
            facts=[*about, *(each for each in self._tickets if each.stream in streams)],
            decisions=[e for e in self._billing if isinstance(e.event, ChargeDecided) and e.event.contract == account],
        )

    def divergences(self) -> list[Divergence | None]:
        """What each document comes to, in the order of numbers."""
        return [
            divergence(each, self.accounts(each.document.parties.buyer.customer), self.published, self.issued)
            for each in self.issued.values()
        ]


def with_event(each: Recorded, **fields: Any) -> Recorded:
    assert isinstance(each.event, msgspec.Struct)
    return msgspec.structs.replace(each, event=msgspec.structs.replace(each.event, **fields))


def test_every_document_follows_from_what_was_recorded() -> None:
    books = Books(recorded("tickets"), recorded("billing"))

    assert len(books.issued) == 8
    assert books.divergences() == [None] * 8


def test_a_longer_time_entry_is_named_on_each_document_that_rests_on_it() -> None:
    def longer(each: Recorded) -> Recorded:
        return with_event(each, minutes=each.event.minutes + 600) if isinstance(each.event, TimeLogged) else each

    found = Books([longer(each) for each in recorded("tickets")], recorded("billing")).divergences()

    first = found[0]
    assert first is not None
    assert (first.number, first.line) == (1, 1)
    assert str(first).startswith("Document 1, line 1: ")
    assert found[4] is not None


def test_what_the_read_model_had_not_applied_yet_is_no_divergence() -> None:
    """Work that was recorded just before an invoice, and that it did not bill."""
    tickets, billing = recorded("tickets"), recorded("billing")
    issued = next(each for each in billing if isinstance(each.event, InvoiceIssued))
    late = next(each for each in tickets if isinstance(each.event, TimeLogged))
    assert isinstance(late.event, TimeLogged)
    unseen = msgspec.structs.replace(
        with_event(late, entry="unseen"),
        envelope=msgspec.structs.replace(
            late.envelope,
            id="unseen",
            position=10_000,
            version=999,
            recorded_at=issued.recorded_at - timedelta(seconds=1),
        ),
    )

    books = Books([*tickets, unseen], billing)
    assert books.divergences()[0] is None

    early = msgspec.structs.replace(
        unseen,
        envelope=msgspec.structs.replace(unseen.envelope, recorded_at=issued.recorded_at - timedelta(hours=1)),
    )
    assert Books([*tickets, early], billing).divergences()[0] is not None


def test_a_read_model_that_was_hundreds_of_facts_behind_is_no_divergence() -> None:
    """A service that was killed answers while it still reads what one account did meanwhile."""
    tickets, billing = recorded("tickets"), recorded("billing")
    issued = next(each for each in billing if isinstance(each.event, InvoiceIssued))
    logged = next(each for each in tickets if isinstance(each.event, TimeLogged))
    unseen = [
        msgspec.structs.replace(
            with_event(logged, entry=f"unseen-{number}"),
            envelope=msgspec.structs.replace(
                logged.envelope,
                id=f"unseen-{number}",
                position=10_000 + number,
                version=1_000 + number,
                recorded_at=issued.recorded_at - timedelta(seconds=1),
            ),
        )
        for number in range(200)
    ]

    assert Books([*tickets, *unseen], billing).divergences()[0] is None


def test_an_older_document_over_one_account_of_a_customer_is_no_divergence() -> None:
    """An invoice run bills a customer's own work alone, on a document that names no contract."""
    books = Books(recorded("tickets"), recorded("billing"))
    first = books.issued[1]
    own = books.accounts(first.document.parties.buyer.customer)
    others = {each.document.parties.buyer.customer for each in books.issued.values()}
    other = next(each for each in sorted(others) if each != first.document.parties.buyer.customer)
    document = first.event.document | {"contract": None}
    event = msgspec.structs.replace(first.event, document=document, digest=digest(document))
    without = issued_record(msgspec.structs.replace(first.recorded, event=event))

    assert divergence(without, [*own, *books.accounts(other)], books.published, books.issued) is None


class BehindBy5000:
    """Both logs, and 5,000 facts of one account that billing had not read when it issued the first document."""

    def __init__(self) -> None:
        self.tickets, self._billing = recorded("tickets"), recorded("billing")
        self.first = next(each for each in self._billing if isinstance(each.event, InvoiceIssued))
        whole = Books(self.tickets, self._billing)
        (self.account,) = (
            each
            for each in whole.accounts(whole.issued[1].document.parties.buyer.customer)
            if each.row.account == whole.issued[1].event.account
        )
        self.known = [each for each in self.account.facts if each.recorded_at <= self.first.recorded_at]
        logged = next(each for each in self.account.facts if isinstance(each.event, TimeLogged))
        self.unseen = [
            msgspec.structs.replace(
                with_event(logged, entry=f"unseen-{number}"),
                envelope=msgspec.structs.replace(
                    logged.envelope,
                    id=f"unseen-{number}",
                    position=10_000 + number,
                    version=1_000 + number,
                    recorded_at=self.first.recorded_at - timedelta(minutes=1),
                ),
            )
            for number in range(5_000)
        ]

    def found(self, last_fact: str | None, unseen: Sequence[Recorded] = ()) -> Divergence | None:
        """What the first document comes to where it names a last fact, or none."""
        account = self.account.row.account
        basis = None if last_fact is None else InvoiceBasis(accounts=[account], last_fact=last_fact)
        billing = [with_event(each, basis=basis) if each is self.first else each for each in self._billing]
        books = Books([*self.tickets, *unseen], billing)
        first = books.issued[1]
        return divergence(first, books.accounts(first.document.parties.buyer.customer), books.published, books.issued)


def test_a_document_that_names_its_last_fact_is_computed_however_far_billing_was_behind() -> None:
    logs = BehindBy5000()

    assert logs.found(logs.known[-1].id, logs.unseen) is None


def test_a_last_fact_before_the_work_or_that_nobody_recorded_is_a_divergence() -> None:
    logs = BehindBy5000()
    signed = next(each for each in logs.known if isinstance(each.event, ContractSigned))
    too_early, nobodys = logs.found(signed.id), logs.found("nobody-recorded-it")

    assert too_early is not None
    assert too_early.field != "basis"
    assert str(nobodys) == (
        "Document 1: basis was issued as nobody-recorded-it, what was recorded then comes to nothing (no such fact is"
        " recorded)."
    )


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("totals", "net", "amount"), "totals.net.amount"),
        (("terms", 0, "digest"), "terms[0].digest"),
    ],
)
def test_a_changed_document_with_a_digest_that_fits_is_named_by_its_field(path: tuple[Any, ...], field: str) -> None:
    def change(each: Recorded) -> Recorded:
        if not isinstance(each.event, InvoiceIssued) or each.event.number != 1:
            return each
        document = msgspec.json.decode(msgspec.json.encode(each.event.document))
        *outer, last = path
        holder = document
        for key in outer:
            holder = holder[key]
        holder[last] = "9.99"
        return with_event(each, document=document, digest=digest(document))

    found = Books(recorded("tickets"), [change(each) for each in recorded("billing")]).divergences()[0]

    assert found is not None
    assert found.field == field


def test_a_document_that_is_not_what_its_digest_says_is_named() -> None:
    billing = [
        with_event(each, digest="sha256:0") if isinstance(each.event, CreditNoteIssued) else each
        for each in recorded("billing")
    ]

    found = [each for each in Books(recorded("tickets"), billing).divergences() if each is not None]

    assert {each.field for each in found} == {"digest"}
    assert len(found) == 4


def test_a_document_of_nobody_and_a_credit_note_over_nothing_come_to_nothing() -> None:
    books = Books(recorded("tickets"), recorded("billing"))
    credit = next(each for each in books.issued.values() if each.corrects is not None)
    accounts = books.accounts(credit.document.parties.buyer.customer)

    without_invoice = divergence(credit, accounts, books.published, {})
    nobody = divergence(books.issued[1], [], books.published, books.issued)
    unregistered = [
        msgspec.structs.replace(
            each, facts=[one for one in each.facts if not isinstance(one.event, CustomerRegistered)]
        )
        for each in accounts
    ]

    for found in (without_invoice, nobody, divergence(books.issued[1], unregistered, books.published, books.issued)):
        assert found is not None
        assert (found.field, str(found.computed)[:7]) == ("document", "nothing")


def test_the_first_difference_of_two_documents_is_told_with_its_line() -> None:
    one: dict[str, Any] = {"net": {"amount": "1.00", "currency": "CHF"}, "lines": [{"a": 1, "b": [1, 2]}, {"a": 2}]}

    assert first_divergence(1, one, one | {"later": 1}) is None
    shorter = first_divergence(1, one, one | {"lines": [one["lines"][0]]})
    other = first_divergence(1, one, one | {"lines": [{"a": 1, "b": [1, 3]}, {"a": 2}]})
    sums = first_divergence(1, one, one | {"net": None})
    assert shorter is not None
    assert (shorter.field, shorter.line) == ("number of lines", None)
    assert other is not None
    assert (other.field, other.line, other.issued, other.computed) == ("b[1]", 1, 2, 3)
    assert str(sums) == "Document 1: net was issued as 1.00 CHF, what was recorded then comes to nothing."

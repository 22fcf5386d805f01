"""The projector: facts go to their accounts once, repeated ones change nothing, and unknown types are skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from billing_service.domain.invoice.document import document_digest
from billing_service.projections.projector import Projector
from billing_service.projections.tables import metadata, unchecked_accounts
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentFilter, DocumentQueries, LineFilter
from fristwerk_language.events import Actor, Event, Recorded, UnknownEvent, decode
from fristwerk_language.events.billing import (
    ChargeDecided,
    CreditNoteIssued,
    InvoiceIssued,
    InvoicePaid,
    InvoiceSent,
    SealedText,
)
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.tickets import Responded, TicketCreated, TimeLogged
from fristwerk_platform.read_models import Database, sqlite_database
from tests.stored_line import stored_line

AT = datetime(2026, 6, 17, 12, tzinfo=UTC)
LINE: dict[str, Any] = {
    "charge": "f" * 32,
    "kind": "hourly",
    "ticket": "t-1",
    "on": "2026-06-17",
    "minutes": 60,
    "unit_price": {"amount": "195.00", "currency": "CHF"},
    "amount": {"amount": "195.00", "currency": "CHF"},
    "raw_minutes": 60,
    "sources": ["ticket-t-1#2"],
    "rules": ["R1"],
    "clauses": ["/billing/hourly"],
    "agreement": "infoniqa",
    "agreement_version": 1,
    "basis": {"type": "covered", "parts": []},
    "account": "k-1",
    "reference": "INF-1",
}
NET: dict[str, Any] = {"amount": "390.00", "currency": "CHF"}
BUYER: dict[str, Any] = {"customer": "c-1", "kind": "company", "country": None, "language": None, "name": "Muster AG"}
DOCUMENT: dict[str, Any] = {
    "account": "c-1",
    "until": "2026-06-30",
    "currency": "CHF",
    "parties": {
        "seller": {"provider": "infoniqa", "name": "Infoniqa"},
        "buyer": BUYER | {"address": None, "vat_id": None},
    },
    "terms": [],
    "corrects": None,
    "totals": {"net": NET, "taxes": [], "vat": NET, "gross": NET, "payable": NET},
    "contract": None,
    "issued_on": "2026-07-01",
    "timezone": "Europe/Zurich",
    "language": "de-CH",
    "reason": None,
    "refers_to": [],
    "lines": [LINE, LINE | {"charge": "e" * 32, "account": "k-2"}],
}


CREATED: dict[str, Any] = {
    "agreement": "infoniqa",
    "agreement_version": 1,
    "calendar": "infoniqa",
    "calendar_version": 1,
    "type": "normal",
    "channel": "email",
    "received_at": AT,
    "entitled": True,
    "entitled_why": "contract",
}


def told(stream: str, version: int, event: Event) -> Recorded:
    """A recorded event; its id is its place."""
    line = stored_line(
        event,
        stream,
        version,
        AT,
        event_id=f"{stream}#{version}",
        provider="infoniqa",
        actor=Actor(id="somebody", role="agent"),
    )
    return decode(line)


def story() -> list[Recorded]:
    """A customer with a contract, a ticket under it and one without, and work on both."""
    created = CREATED | {"customer": "c-1"}
    signed = ContractSigned(
        contract="k-1", customer="c-1", agreement="infoniqa", agreement_version=1, from_on=date(2026, 1, 1)
    )
    work = TimeLogged(entry="e-1", start=AT, minutes=60, activity="help", agent="agent-1")
    return [
        told("customer-c-1", 1, CustomerRegistered(customer="c-1", kind="company", name="Muster AG")),
        told("contract-k-1", 1, signed),
        told("ticket-t-1", 1, TicketCreated(reference="INF-1", contract="k-1", **created)),
        told("ticket-t-1", 2, work),
        told("ticket-t-1", 3, Responded(channel="email")),
        told("ticket-t-2", 1, TicketCreated(reference="INF-2", **created)),
        told("ticket-t-2", 2, work),
    ]


def own_story() -> list[Recorded]:
    """A decision, an invoice over two accounts that was sent and paid, and its credit note."""
    given: dict[str, Any] = {
        "series": "infoniqa",
        "account": "c-1",
        "until": date(2026, 6, 30),
        "document": DOCUMENT,
        "digest": document_digest(DOCUMENT),
    }
    decided = ChargeDecided(
        charge="f" * 32, contract="k-1", ticket="t-1", decision="waive", reason=SealedText("Kulanz")
    )
    return [
        told(f"charge-{'f' * 32}", 1, decided),
        told("invoices-infoniqa", 1, InvoiceIssued(number=1, **given)),
        told("invoice-infoniqa-1", 1, InvoiceSent(number=1, channel="email")),
        told("invoice-infoniqa-1", 2, InvoicePaid(number=1, paid_on=date(2026, 7, 20))),
        told("invoices-infoniqa", 2, CreditNoteIssued(number=2, corrects=1, **given)),
    ]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = sqlite_database(tmp_path / "billing.db", metadata)
    await found.create()
    yield found
    await found.close()


async def applied(database: Database, events: Sequence[Recorded], own: Sequence[Recorded] = ()) -> None:
    async with database.transaction() as connection:
        await Projector().apply(connection, events)
        await Projector().apply_own(connection, own)


async def contents(database: Database) -> dict[str, list[Any]]:
    """Every row of every table but of the accounts to be checked, which say what came last."""
    async with database.reading() as connection:
        return {
            table.name: sorted(repr(row) for row in await connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table is not unchecked_accounts
        }


async def test_facts_are_kept_with_the_account_that_they_bill(database: Any) -> None:
    await applied(database, story())

    model: Any = AccountQueries(database)
    contract, customer = [await model.account("infoniqa", each) for each in ("k-1", "c-1")]
    assert [each.envelope.id for each in await model.facts(contract)] == [
        "contract-k-1#1",
        "ticket-t-1#1",
        "ticket-t-1#2",
        "customer-c-1#1",
    ]
    assert "ticket-t-2#2" in {each.envelope.id for each in await model.facts(customer)}
    assert (await model.ticket("infoniqa", "INF-2")).account == "c-1"
    assert (await model.resting_on("infoniqa", "ticket-t-1#2")).account == "k-1"
    assert await model.resting_on("hamburg", "ticket-t-1#2") is None
    assert [row.account for row in await model.billable("infoniqa")] == ["c-1", "k-1"]


async def test_documents_are_kept_line_by_line_for_the_accounts_they_bill(database: Any) -> None:
    await applied(database, story(), own_story())

    documents: Any = DocumentQueries(database)
    invoice = await documents.document("infoniqa", 1)
    assert (invoice.type, invoice.customer, invoice.head.issued_on, invoice.credited_by) == (
        "invoice",
        "c-1",
        date(2026, 7, 1),
        2,
    )
    assert [type(step.event) for step in invoice.steps] == [InvoiceSent, InvoicePaid]
    assert invoice.version == 4
    last, ledgers = await documents.standing("infoniqa", ["k-1", "k-2", "k-3"])
    assert last == 2
    assert [len(ledgers[each].invoiced.lines) for each in ("k-1", "k-2", "k-3")] == [2, 2, 0]
    assert ledgers["k-1"].numbers == {"f" * 32: (1, 2)}
    wanted = LineFilter(documents=DocumentFilter(provider="infoniqa"), event="ticket-t-1#2")
    assert [(each.number, each.place) for each in await documents.lines(wanted)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert await AccountQueries(database).decisions("k-1") == {"f" * 32: "waive"}


async def test_what_is_repeated_changes_nothing(database: Any) -> None:
    await applied(database, story(), own_story())
    before = await contents(database)

    await applied(database, story(), own_story())
    await applied(database, story()[3:5], own_story()[2:3])

    assert await contents(database) == before


async def test_one_by_one_or_all_at_once_is_the_same(database: Any, tmp_path: Path) -> None:
    await applied(database, story(), own_story())
    other = sqlite_database(tmp_path / "other.db", metadata)
    await other.create()

    for each in story():
        await applied(other, [each])
    for each in own_story():
        await applied(other, [], [each])

    assert await contents(other) == await contents(database)
    await other.close()


async def test_an_unknown_type_is_skipped(database: Any) -> None:
    unknown = Recorded(envelope=story()[3].envelope, event=UnknownEvent(type="CoffeeServed"))

    await applied(database, [unknown], [unknown])

    assert all(rows == [] for rows in (await contents(database)).values())

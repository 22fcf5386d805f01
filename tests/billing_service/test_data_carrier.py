"""The rows and files of the data carrier, from stored documents alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from billing_service.documents.data_carrier import data_carrier
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.document import read_document
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.domain.tax_audit.rows import AuditedDocument, carrier_rows
from billing_service.domain.tax_audit.tables import TABLES
from fristwerk_language.events import Recorded
from fristwerk_language.events.billing import InvoiceIssued, InvoicePaid
from fristwerk_language.examples import example
from fristwerk_language.terms import AgreementDocument, BillingTerms, Publication
from fristwerk_language.terms.billing import PerformerRate
from fristwerk_platform.http.queries import csv_cell
from tests.description_standard import Carrier

STORED = [
    json.loads(line)["document"]
    for line in (Path(__file__).parent / "stored_documents.jsonl").read_text("utf-8").splitlines()
]
DAYS = {"from_on": date(2026, 1, 1), "until_on": date(2026, 12, 31)}


def audited(number: int, stored: dict[str, Any], *, paid: bool = False, **buyer: Any) -> AuditedDocument:
    envelope = example("InvoiceIssued").envelope
    event = InvoiceIssued(
        series="infoniqa", number=number, account="a", until=DAYS["until_on"], document=stored, digest="sha256:00"
    )
    steps = (Recorded(envelope=envelope, event=InvoicePaid(number=number, paid_on=date(2026, 8, 1))),)
    issued = IssuedDocument(issued=Recorded(envelope=envelope, event=event), steps=steps if paid else ())
    document = read_document(stored)
    parties = msgspec.structs.replace(document.parties, buyer=msgspec.structs.replace(document.parties.buyer, **buyer))
    return AuditedDocument(issued, msgspec.structs.replace(document, parties=parties))


def published(document: AgreementDocument) -> PublishedAgreement:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    publication = Publication(version=1, published_at=at, valid_from=document.valid_from, timezone=document.timezone)
    return PublishedAgreement(
        document=document, digest="sha256:00", publication=publication, recorded_at=at, event="e", position=1
    )


@pytest.fixture
def agreements(shipped: dict[str, AgreementDocument]) -> dict[tuple[str, int], PublishedAgreement]:
    return {(name, 1): published(document) for name, document in shipped.items()}


def written(documents: list[AuditedDocument], agreements: Any) -> Carrier:
    rows = carrier_rows(documents, agreements)
    carrier = Carrier(data_carrier("Musterfirma", rows, quoted=csv_cell, **DAYS))
    carrier.check()
    return carrier


def test_every_stored_document_is_on_the_carrier_with_its_lines_and_sums(agreements: Any) -> None:
    documents = [audited(number, stored) for number, stored in enumerate(STORED, start=1)]
    carrier = written(documents, agreements)
    assert [row["Netto"] for row in carrier.rows("Belege")] == [each.document.totals.net.amount for each in documents]
    assert len(carrier.rows("Positionen")) == sum(len(each.document.lines) for each in documents)
    assert sum(row["Netto"] for row in carrier.rows("Positionen")) == sum(
        line.amount.amount for each in documents for line in each.document.lines
    )


def test_a_recipient_is_written_in_one_line_whatever_form_its_address_has(agreements: Any) -> None:
    address = {"street": "Weg 1", "city": "Luzern", "region": None}
    documents = [
        audited(1, STORED[0], address=address, name="Anna\r\nMuster", paid=True),
        audited(2, STORED[0], address="Weg 1\n6003 Luzern", name=None),
    ]
    carrier = written(documents, agreements)
    named = [(row["Name"], row["Anschrift"]) for row in carrier.rows("Empfaenger")]
    assert named == [("Anna, Muster", "Luzern, Weg 1"), (None, "Weg 1, 6003 Luzern")]
    assert [row["BezahltAm"] for row in carrier.rows("Belege")] == [date(2026, 8, 1), None]


def test_numbers_have_as_many_decimals_as_the_finest_of_their_column(agreements: Any) -> None:
    stored = json.loads(json.dumps(STORED[0]))
    stored["lines"][0]["minutes"] = 7.125
    carrier = written([audited(1, stored), audited(2, STORED[0])], agreements)
    minutes = [row["Minuten"] for row in carrier.rows("Positionen")]
    assert minutes[0] == Decimal("7.125")
    assert {-int(each.as_tuple().exponent) for each in minutes} == {3}


def test_every_price_is_the_one_that_its_clause_states(shipped: dict[str, AgreementDocument]) -> None:
    partners = [PerformerRate(performer="partner", rate=Decimal(250))]
    digidesk = shipped["digidesk"].billing
    assert digidesk.hourly is not None
    hourly = digidesk.hourly.model_copy(update={"rates": partners})
    dearer = shipped["digidesk"].model_copy(update={"billing": digidesk.model_copy(update={"hourly": hourly})})
    bare = shipped["digidesk"].model_copy(update={"billing": BillingTerms()})
    clauses: set[str] = set()
    for each in (*shipped.values(), dearer, bare):
        stored = STORED[0] | {"terms": [{"agreement": "a", "version": 1, "digest": "sha256:00"}]}
        rows = carrier_rows([audited(1, stored)], {("a", 1): published(each)})["Preise"]
        assert bool(rows) == (each is not bare)
        for _, _, clause, amount, currency, *_ in rows:
            stated: Any = each.model_dump()
            for key in str(clause).split("/")[1:]:
                stated = stated[int(key) if isinstance(stated, list) else key]
            assert (Decimal(stated), each.currency) == (amount, currency)
            clauses.add(str(clause).split("/")[2])
    assert clauses == {"addons", "hourly", "minimum_charge", "package"}


def test_a_carrier_without_documents_describes_its_tables_all_the_same() -> None:
    carrier = written([], {})
    assert [carrier.rows(table.name) for table in TABLES] == [[]] * len(TABLES)
    assert carrier.root.findtext("DataSupplier/Name") == "Musterfirma"

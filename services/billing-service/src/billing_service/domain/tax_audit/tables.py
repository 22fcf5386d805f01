"""The tables of the data carrier: their files, keys and columns, described in German and English.

The names are German because the tax authority's software shows them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

ColumnKind = Literal["text", "number", "date"]
CarrierCell = str | int | Decimal | date | None
CarrierRow = tuple[CarrierCell, ...]
"""One cell for each column, keys first."""


class CarrierColumn(msgspec.Struct, frozen=True):
    """``decimals`` are how many a number has at least."""

    name: str
    german: str
    english: str
    kind: ColumnKind = "text"
    decimals: int = 0


class CarrierTable(msgspec.Struct, frozen=True, kw_only=True):
    """``keys`` tell two rows apart; ``refers_to`` maps a column to the table whose key it is."""

    file: str
    name: str
    german: str
    english: str
    keys: tuple[CarrierColumn, ...]
    columns: tuple[CarrierColumn, ...]
    refers_to: dict[str, str] = {}


NUMBER: Final = CarrierColumn("Belegnummer", "Nummer des Belegs", "number of the document", "number")
CURRENCY: Final = CarrierColumn("Waehrung", "Währung nach ISO 4217", "currency, ISO 4217")
_NET: Final = CarrierColumn("Netto", "Betrag ohne Steuer", "amount without tax", "number", 2)
_VAT: Final = CarrierColumn("Steuer", "Steuerbetrag", "amount of tax", "number", 2)
_PERCENT: Final = CarrierColumn("Steuersatz", "Steuersatz in Prozent", "rate of tax in percent", "number", 2)
_CATEGORY: Final = CarrierColumn(
    "Steuerart",
    "standard, reduced, zero, reverse_charge (Steuerschuldner ist der Empfänger) oder none",
    "standard, reduced, zero, reverse_charge (the recipient owes the tax) or none",
)
_AGREEMENT: Final = CarrierColumn("Vereinbarung", "Kennung der Vereinbarung", "id of the agreement")
_VERSION: Final = CarrierColumn("Version", "Version der Vereinbarung", "version of the agreement", "number")

DOCUMENTS: Final = CarrierTable(
    file="belege.csv",
    name="Belege",
    german="Ausgestellte Rechnungen und Gutschriften, lückenlos nummeriert",
    english="issued invoices and credit notes, numbered without gaps",
    keys=(NUMBER,),
    columns=(
        CarrierColumn("Art", "invoice: Rechnung, credit_note: Gutschrift", "invoice or credit_note"),
        CarrierColumn("Belegdatum", "Tag der Ausstellung", "day of issue", "date"),
        CarrierColumn("Erfasst", "Zeitpunkt der Erfassung, ISO 8601 in UTC", "recorded at, ISO 8601 in UTC"),
        CarrierColumn("Aussteller", "Wer ausgestellt hat", "who issued it"),
        CarrierColumn("Konto", "Vertrag oder Kunde", "contract or customer"),
        CarrierColumn("LeistungBis", "Letzter Tag der Leistung", "last day of service", "date"),
        CURRENCY,
        _NET,
        _VAT,
        CarrierColumn("Brutto", "Betrag mit Steuer", "amount with tax", "number", 2),
        CarrierColumn("Zahlbetrag", "Brutto, gerundet auf die kleinste Münze", "gross, in payable units", "number", 2),
        CarrierColumn("Grund", "Grund der Gutschrift", "reason of the credit note"),
        CarrierColumn("BezahltAm", "Tag der Zahlung", "day of payment", "date"),
        CarrierColumn("Pruefsumme", "SHA-256 des Belegs", "SHA-256 of the document"),
    ),
)
LINES: Final = CarrierTable(
    file="positionen.csv",
    name="Positionen",
    german="Positionen der Belege",
    english="lines of the documents",
    keys=(NUMBER, CarrierColumn("Position", "Position auf dem Beleg, ab 1", "line of the document, from 1", "number")),
    columns=(
        CarrierColumn("Konto", "Vertrag oder Kunde", "contract or customer"),
        CarrierColumn("Leistung", "Art der Leistung", "kind of charge"),
        CarrierColumn(
            "Aenderung", "new, changed oder withdrawn gegenüber früheren Belegen", "against earlier documents"
        ),
        CarrierColumn("Leistungstag", "Tag der Leistung", "day of service", "date"),
        CarrierColumn("Vorgang", "Kennung des Tickets", "reference of the ticket"),
        CarrierColumn("Minuten", "Berechnete Minuten", "billed minutes", "number"),
        CarrierColumn("Einzelpreis", "Preis je Stunde oder Monat", "price of an hour or month", "number", 2),
        _NET,
        CURRENCY,
        _PERCENT,
        _CATEGORY,
        _AGREEMENT,
        _VERSION,
        CarrierColumn("Klauseln", "Stellen der Vereinbarung, als JSON Pointer", "clauses, as JSON pointers"),
    ),
    refers_to={NUMBER.name: "Belege"},
)
TAXES: Final = CarrierTable(
    file="steuern.csv",
    name="Steuern",
    german="Steuer der Belege je Satz",
    english="tax of the documents by rate",
    keys=(NUMBER, _PERCENT, _CATEGORY),
    columns=(_NET, _VAT, CURRENCY),
    refers_to={NUMBER.name: "Belege"},
)
REFERENCES: Final = CarrierTable(
    file="bezuege.csv",
    name="Bezuege",
    german="Frühere Belege, die ein Beleg ändert",
    english="earlier documents that a document changes",
    keys=(NUMBER, CarrierColumn("Bezug", "Nummer des früheren Belegs", "number of the earlier document", "number")),
    columns=(CarrierColumn("Storno", "ja: der Beleg nimmt den früheren zurück", "ja: it takes the earlier one back"),),
    refers_to={NUMBER.name: "Belege"},
)
RECIPIENTS: Final = CarrierTable(
    file="empfaenger.csv",
    name="Empfaenger",
    german="Empfänger, wie sie auf dem Beleg stehen",
    english="recipients as the document names them",
    keys=(NUMBER,),
    columns=(
        CarrierColumn("Kunde", "Kennung des Kunden", "id of the customer"),
        CarrierColumn("Kundenart", "company, person oder prospect", "company, person or prospect"),
        CarrierColumn("Name", "Name; leer nach Ablauf der Aufbewahrung", "name; empty once the term is over"),
        CarrierColumn("Anschrift", "Anschrift", "address"),
        CarrierColumn("Land", "Land nach ISO 3166-1", "country, ISO 3166-1"),
        CarrierColumn("UStID", "Umsatzsteuer-Identifikationsnummer", "VAT id"),
    ),
    refers_to={NUMBER.name: "Belege"},
)
PRICES: Final = CarrierTable(
    file="preise.csv",
    name="Preise",
    german="Preise der Vereinbarungen, auf denen die Belege beruhen",
    english="prices of the agreements that the documents rest on",
    keys=(
        _AGREEMENT,
        _VERSION,
        CarrierColumn("Klausel", "Stelle der Vereinbarung, als JSON Pointer", "clause, as a JSON pointer"),
    ),
    columns=(
        CarrierColumn("Betrag", "Preis", "price", "number", 2),
        CURRENCY,
        CarrierColumn(
            "GueltigAb", "Gültig ab; leer: ab Veröffentlichung", "valid from; empty: since published", "date"
        ),
        CarrierColumn("Veroeffentlicht", "Zeitpunkt, ISO 8601 in UTC", "published at, ISO 8601 in UTC"),
        CarrierColumn("Pruefsumme", "SHA-256 der Vereinbarung", "SHA-256 of the agreement"),
    ),
)
TABLES: Final = (DOCUMENTS, LINES, TAXES, REFERENCES, RECIPIENTS, PRICES)

"""The words of printed documents in German and English; a document in any other language reads
English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """One language's words. ``vat`` takes the percent and the net amount, ``corrects`` the numbers."""

    invoice: str
    credit_note: str
    number: str
    date: str
    period: str
    head: str
    customer: str
    private_person: str
    vat_id: str
    on: str
    description: str
    quantity: str
    price: str
    amount: str
    net: str
    vat: str
    gross: str
    payable: str
    corrects: str
    refers_to: str
    reason: str
    terms: str
    ticket: str
    every_ticket: str
    minutes: str
    days: str
    change: Mapping[str, str]
    kinds: Mapping[str, str]
    categories: Mapping[str, str]


GERMAN: Final = Labels(
    invoice="Rechnung",
    credit_note="Gutschrift",
    number="Nummer",
    date="Datum",
    period="Leistungen bis",
    head="Prüfwert",
    customer="Kunde",
    private_person="Privatperson",
    vat_id="USt-IdNr.",
    on="Tag",
    description="Leistung",
    quantity="Menge",
    price="Preis",
    amount="Betrag",
    net="Summe netto",
    vat="MwSt. {percent} auf {net}",
    gross="Summe brutto",
    payable="Zahlbar",
    corrects="Hebt Rechnung {numbers} auf",
    refers_to="Betrifft auch {numbers}",
    reason="Grund",
    terms="Es gelten",
    ticket="Vorgang",
    every_ticket="alle Vorgänge",
    minutes="min",
    days="Tage",
    change={"new": "", "changed": "Änderung", "withdrawn": "entfällt"},
    kinds={
        "allowance": "Aus dem Kontingent",
        "overage": "Über das Kontingent hinaus",
        "hourly": "Arbeit nach Aufwand",
        "free": "Kostenlos",
        "cancellation": "Verspätete Absage",
        "minimum_top_up": "Mindestpauschale",
        "addon": "Zusatzleistung",
        "waiver": "Verzicht",
    },
    categories={
        "reverse_charge": "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge) auf {net}",
        "zero": "Steuersatz 0 % auf {net}",
        "none": "Ohne MwSt.: {net}",
    },
)
ENGLISH: Final = Labels(
    invoice="Invoice",
    credit_note="Credit note",
    number="Number",
    date="Date",
    period="Services up to",
    head="Audit value",
    customer="Customer",
    private_person="Private person",
    vat_id="VAT id",
    on="Day",
    description="Service",
    quantity="Quantity",
    price="Price",
    amount="Amount",
    net="Net total",
    vat="VAT {percent} on {net}",
    gross="Gross total",
    payable="Payable",
    corrects="Takes back invoice {numbers}",
    refers_to="Also concerns {numbers}",
    reason="Reason",
    terms="Under the terms of",
    ticket="Ticket",
    every_ticket="all tickets",
    minutes="min",
    days="days",
    change={"new": "", "changed": "change", "withdrawn": "withdrawn"},
    kinds={
        "allowance": "Drawn from the package",
        "overage": "Beyond the package",
        "hourly": "Hourly work",
        "free": "Free of charge",
        "cancellation": "Late cancellation",
        "minimum_top_up": "Minimum charge",
        "addon": "Add-on",
        "waiver": "Waiver",
    },
    categories={
        "reverse_charge": "Reverse charge: VAT is due from the recipient, on {net}",
        "zero": "VAT 0% on {net}",
        "none": "Without VAT: {net}",
    },
)


def labels_in(language: str) -> Labels:
    """The words of a language tag such as ``de-CH``."""
    return GERMAN if language.partition("-")[0].lower() == "de" else ENGLISH

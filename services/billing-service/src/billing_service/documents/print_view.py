"""The print view: a document with every figure written as its country writes it, before it becomes
text or a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from billing_service.documents.labels import Labels, labels_in
from billing_service.domain.invoice.document import Buyer, BuyerAddress, DocumentLine, InvoiceDocument, NumberedDocument
from billing_service.domain.money import Money
from billing_service.domain.statement.charge_line import EVERY_TICKET, AddonMonth, Waived
from billing_service.domain.statement.statement import Totals


class PrintRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line as printed."""

    on: str
    description: str
    quantity: str
    price: str
    amount: str


class PrintView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is printed, in order. ``details`` and ``sums`` are pairs of a label and its
    value.
    """

    language: str
    title: str
    seller: str
    buyer: Sequence[str]
    details: Sequence[tuple[str, str]]
    labels: Labels
    rows: Sequence[PrintRow]
    sums: Sequence[tuple[str, str]]
    notes: Sequence[str]


def print_view(numbered: NumberedDocument, head: str | None = None) -> PrintView:
    """The document in its own language. ``head`` is the short form of the first signed head that covers its event."""
    document = numbered.document
    writer = _Writer(document.language)
    labels = writer.labels
    title = labels.invoice if numbered.type == "invoice" else labels.credit_note
    return PrintView(
        language=document.language,
        title=f"{title} {numbered.number}",
        seller=document.parties.seller.name,
        buyer=_buyer(document.parties.buyer, labels),
        details=[
            (labels.number, f"{numbered.series}-{numbered.number}"),
            (labels.date, writer.day(document.issued_on)),
            (labels.period, writer.day(document.until)),
            *([] if head is None else [(labels.head, head)]),
        ],
        labels=labels,
        rows=[_row(line, writer) for line in document.lines],
        sums=_sums(document.totals, writer),
        notes=_notes(document, labels),
    )


class _Writer:
    """Writes figures and dates in one language; an unknown language is written as English is."""

    def __init__(self, language: str) -> None:
        self.labels = labels_in(language)
        try:
            self._locale = Locale.parse(language, sep="-")
        except (ValueError, UnknownLocaleError):
            self._locale = Locale("en")

    def money(self, value: Money) -> str:
        return format_currency(value.amount, value.currency, locale=self._locale)

    def exactly(self, value: Money) -> str:
        """An amount with all its places: a unit price may have more than two."""
        return format_currency(value.amount, value.currency, locale=self._locale, decimal_quantization=False)

    def number(self, value: Decimal | int) -> str:
        return format_decimal(Decimal(value), locale=self._locale, decimal_quantization=False)

    def percent(self, value: Decimal) -> str:
        """As the language writes it: ``8.1%`` in English and Swiss German, ``19 %`` in Germany."""
        pattern = self._locale.percent_formats[None].pattern.replace("#,##0", "0.###")
        return format_decimal(value.scaleb(-2), format=pattern, locale=self._locale)

    def day(self, value: date) -> str:
        return format_date(value, format="medium", locale=self._locale)


def _buyer(buyer: Buyer, labels: Labels) -> list[str]:
    name = buyer.name or f"{labels.private_person} ({labels.customer} {buyer.customer})"
    lines = [name, *_address(buyer.address)]
    if buyer.country and buyer.country not in lines:
        lines.append(buyer.country)
    if buyer.vat_id:
        lines.append(f"{labels.vat_id} {buyer.vat_id}")
    return lines


def _address(address: BuyerAddress | None) -> list[str]:
    match address:
        case None:
            return []
        case str():
            return address.splitlines()
        case dict():
            place = " ".join(part for name in ("postal_code", "city") if (part := address.get(name)))
            others = [address[part] for part in address if part not in ("street", "postal_code", "city", "country")]
            return [each for each in (address.get("street"), place, *others, address.get("country")) if each]


def _row(line: DocumentLine, writer: _Writer) -> PrintRow:
    labels = writer.labels
    if line.days is not None:
        quantity = f"{writer.number(line.days)} {labels.days}"
    else:
        quantity = f"{writer.number(line.minutes)} {labels.minutes}" if line.minutes else ""
    return PrintRow(
        on=writer.day(line.on),
        description=_description(line, labels),
        quantity=quantity,
        price=writer.exactly(line.unit_price) if line.unit_price.amount else "",
        amount=writer.money(line.amount),
    )


def _description(line: DocumentLine, labels: Labels) -> str:
    parts = [labels.kinds[line.kind]]
    match line.basis:
        case Waived(waives=kind):
            parts[0] += f": {labels.kinds[kind]}"
        case AddonMonth(addon=addon):
            parts.append(f"{addon} {line.month}")
        case _:
            pass
    if line.ticket == EVERY_TICKET:
        parts.append(labels.every_ticket)
    elif line.ticket is not None:
        parts.append(f"{labels.ticket} {line.reference or line.ticket}")
    change = labels.change[line.change]
    return ", ".join([*parts, change] if change else parts)


def _sums(totals: Totals, writer: _Writer) -> list[tuple[str, str]]:
    labels = writer.labels
    sums = [(labels.net, writer.money(totals.net))]
    for tax in totals.taxes:
        label = labels.categories.get(tax.category, labels.vat)
        text = label.format(percent=writer.percent(tax.percent), net=writer.money(tax.net))
        sums.append((text, writer.money(tax.vat)))
    return [*sums, (labels.gross, writer.money(totals.gross)), (labels.payable, writer.money(totals.payable))]


def _notes(document: InvoiceDocument, labels: Labels) -> list[str]:
    notes: list[str] = []
    others = [number for number in document.refers_to if number != document.corrects]
    if document.corrects is not None:
        notes.append(labels.corrects.format(numbers=document.corrects) + ".")
    if others:
        notes.append(labels.refers_to.format(numbers=", ".join(str(each) for each in others)) + ".")
    if document.reason:
        notes.append(f"{labels.reason}: {document.reason}")
    named = ", ".join(f"{each.agreement}@{each.version}" for each in document.terms)
    return [*notes, f"{labels.terms} {named}."]

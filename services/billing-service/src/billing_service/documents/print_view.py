"""A document with every figure written out as its country writes it, before it becomes text or a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from billing_service.documents.labels import Labels, labels_in
from billing_service.domain.statement.statement import EVERY_TICKET


class PrintRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line as printed."""

    on: str
    description: str
    quantity: str
    price: str
    amount: str


class PrintView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is printed, in order. ``sums`` and ``facts`` are pairs of a label and what stands beside it."""

    language: str
    title: str
    seller: str
    buyer: Sequence[str]
    facts: Sequence[tuple[str, str]]
    words: Labels
    rows: Sequence[PrintRow]
    sums: Sequence[tuple[str, str]]
    notes: Sequence[str]


def print_view(invoice: Mapping[str, Any]) -> PrintView:
    """The sheet of a document as ``GET /v1/invoices/{number}`` shows it."""
    writer = _Writer(invoice["language"])
    words = writer.words
    title = words.invoice if invoice["type"] == "invoice" else words.credit_note
    facts = [
        (words.number, f"{invoice['series']}-{invoice['number']}"),
        (words.date, writer.day(invoice["issued_on"])),
        (words.period, writer.day(invoice["until"])),
    ]
    return PrintView(
        language=invoice["language"],
        title=f"{title} {invoice['number']}",
        seller=invoice["parties"]["seller"]["name"],
        buyer=_buyer(invoice["parties"]["buyer"], words),
        facts=facts,
        words=words,
        rows=[_row(line, writer) for line in invoice["lines"]],
        sums=_sums(invoice, writer),
        notes=_notes(invoice, words),
    )


class _Writer:
    """Figures and dates in one language; one that is unknown is written as English is."""

    def __init__(self, language: str) -> None:
        self.words = labels_in(language)
        try:
            self._locale = Locale.parse(language, sep="-")
        except (ValueError, UnknownLocaleError):
            self._locale = Locale("en")

    def money(self, value: Mapping[str, str]) -> str:
        return format_currency(Decimal(value["amount"]), value["currency"], locale=self._locale)

    def exactly(self, value: Mapping[str, str]) -> str:
        """An amount with all its places: a unit price may have more than two."""
        return format_currency(
            Decimal(value["amount"]), value["currency"], locale=self._locale, decimal_quantization=False
        )

    def number(self, value: Decimal | int | str) -> str:
        return format_decimal(Decimal(value), locale=self._locale, decimal_quantization=False)

    def percent(self, value: str) -> str:
        """As the language writes it: ``8.1%`` in English and Swiss German, ``19 %`` in Germany."""
        pattern = self._locale.percent_formats[None].pattern.replace("#,##0", "0.###")
        return format_decimal(Decimal(value).scaleb(-2), format=pattern, locale=self._locale)

    def day(self, value: str | date) -> str:
        on = value if isinstance(value, date) else date.fromisoformat(value)
        return format_date(on, format="medium", locale=self._locale)


def _buyer(buyer: Mapping[str, Any], words: Labels) -> list[str]:
    name = buyer["name"] or f"{words.private_person} ({words.customer} {buyer['customer']})"
    lines = [str(name), *_address(buyer["address"])]
    if buyer["country"] and buyer["country"] not in lines:
        lines.append(str(buyer["country"]))
    if buyer["vat_id"]:
        lines.append(f"{words.vat_id} {buyer['vat_id']}")
    return lines


def _address(address: Any) -> list[str]:
    match address:
        case None:
            return []
        case dict():
            place = " ".join(str(address[part]) for part in ("postal_code", "city") if address.get(part))
            others = [address[part] for part in address if part not in ("street", "postal_code", "city", "country")]
            return [str(each) for each in (address.get("street"), place, *others, address.get("country")) if each]
        case _:
            return str(address).splitlines()


def _row(line: Mapping[str, Any], writer: _Writer) -> PrintRow:
    words = writer.words
    if line["days"] is not None:
        quantity = f"{writer.number(line['days'])} {words.days}"
    else:
        quantity = f"{writer.number(line['minutes'])} {words.minutes}" if Decimal(line["minutes"]) else ""
    price = writer.exactly(line["unit_price"]) if Decimal(line["unit_price"]["amount"]) else ""
    return PrintRow(
        on=writer.day(line["on"]),
        description=_description(line, words),
        quantity=quantity,
        price=price,
        amount=writer.money(line["amount"]),
    )


def _description(line: Mapping[str, Any], words: Labels) -> str:
    parts = [words.kinds[line["kind"]]]
    if line["kind"] == "waiver":
        parts[0] += f": {words.kinds[line['basis']['waives']]}"
    if line["kind"] == "addon":
        parts.append(f"{line['basis']['addon']} {line['month']}")
    if line["ticket"] == EVERY_TICKET:
        parts.append(words.every_ticket)
    elif line["ticket"] is not None:
        parts.append(f"{words.ticket} {line['reference'] or line['ticket']}")
    change = words.change[line["change"]]
    return ", ".join([*parts, change] if change else parts)


def _sums(invoice: Mapping[str, Any], writer: _Writer) -> list[tuple[str, str]]:
    words = writer.words
    sums = [(words.net, writer.money(invoice["net"]))]
    for tax in invoice["taxes"]:
        net = writer.money(tax["net"])
        label = words.categories.get(tax["category"], words.vat)
        sums.append((label.format(percent=writer.percent(tax["percent"]), net=net), writer.money(tax["vat"])))
    return [
        *sums,
        (words.gross, writer.money(invoice["gross"])),
        (words.payable, writer.money(invoice["payable"])),
    ]


def _notes(invoice: Mapping[str, Any], words: Labels) -> list[str]:
    notes: list[str] = []
    others = [number for number in invoice["refers_to"] if number != invoice["corrects"]]
    if invoice["corrects"] is not None:
        notes.append(words.corrects.format(numbers=invoice["corrects"]) + ".")
    if others:
        notes.append(words.refers_to.format(numbers=", ".join(str(each) for each in others)) + ".")
    if invoice["reason"]:
        notes.append(f"{words.reason}: {invoice['reason']}")
    named = ", ".join(f"{each['agreement']}@{each['version']}" for each in invoice["terms"])
    return [*notes, f"{words.terms} {named}."]

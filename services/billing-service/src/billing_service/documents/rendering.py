"""A document as plain text for a terminal and as an HTML page that loads nothing; whatever is not
ours is escaped, and cannot change the direction in which the rest is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from billing_service.documents.print_view import PrintRow, PrintView, print_view
from billing_service.domain.invoice.document import NumberedDocument
from fristwerk_language.terms.hidden_characters import escaped

WIDTH: Final = 110
_COLUMNS: Final = (12, 52, 12, 15, 15)
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem;color:#111}"
    "table{border-collapse:collapse;width:100%;margin:1.5rem 0}th,td{padding:.3rem .5rem;text-align:left;"
    "border-bottom:1px solid #ddd;vertical-align:top}.n{text-align:right;white-space:nowrap}"
    "address{font-style:normal}tfoot tr:last-child{font-weight:600}dl{display:grid;grid-template-columns:max-content auto;"
    "gap:.1rem 1rem}dd{margin:0}"
)


def as_text(numbered: NumberedDocument, head: str | None = None) -> str:
    """The document as text, at most 110 columns wide where nothing in it is longer."""
    view = print_view(numbered, head)
    labels = view.labels
    header = PrintRow(
        on=labels.on, description=labels.description, quantity=labels.quantity, price=labels.price, amount=labels.amount
    )
    text = "\n".join(
        [
            view.seller,
            "",
            *view.buyer,
            "",
            view.title,
            *(f"{label}: {value}" for label, value in view.details),
            "",
            _text_row(header),
            "-" * WIDTH,
            *(_text_row(row) for row in view.rows),
            "-" * WIDTH,
            *(f"{label:>{WIDTH - 18}}{value:>18}" for label, value in view.sums),
            "",
            *view.notes,
            "",
        ]
    )
    return escaped(text, but="\n")


def as_html(numbered: NumberedDocument, head: str | None = None) -> str:
    """The document as one page of HTML."""
    view = print_view(numbered, head)
    labels = view.labels
    heads = (labels.on, labels.description, labels.quantity, labels.price, labels.amount)
    details = "".join(f"<dt>{escape(label)}</dt><dd>{_isolated(value)}</dd>" for label, value in view.details)
    notes = "".join(f"<p>{_isolated(note)}</p>" for note in view.notes)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(view.language)}"><head><meta charset="utf-8">'
        f"<title>{escape(view.title)}</title><style>{_STYLE}</style></head><body>"
        f"<p>{_isolated(view.seller)}</p><address>{'<br>'.join(map(_isolated, view.buyer))}</address>"
        f"<h1>{escape(view.title)}</h1><dl>{details}</dl>"
        f"<table><thead><tr>{_cells('th', heads)}</tr></thead><tbody>{_body(view)}</tbody>"
        f"<tfoot>{_foot(view)}</tfoot></table>{notes}</body></html>\n"
    )


def _isolated(text: str) -> str:
    """Text that somebody else wrote: whatever its direction, it does not reach beyond its element."""
    return f"<bdi>{escape(text)}</bdi>"


def _text_row(row: PrintRow) -> str:
    on, description, quantity, price, amount = _COLUMNS
    return (
        f"{row.on:<{on}} {row.description:<{description}} {row.quantity:>{quantity}} "
        f"{row.price:>{price}} {row.amount:>{amount}}"
    )


def _body(view: PrintView) -> str:
    rows = ((row.on, row.description, row.quantity, row.price, row.amount) for row in view.rows)
    return "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)


def _foot(view: PrintView) -> str:
    return "".join(
        f'<tr><td colspan="4">{escape(label)}</td><td class="n">{escape(value)}</td></tr>' for label, value in view.sums
    )


def _cells(tag: str, texts: Iterable[str]) -> str:
    """Cells of a row; from the third on they are figures."""
    return "".join(
        f'<{tag} class="n">{escape(text)}</{tag}>' if place > 1 else f"<{tag}>{_isolated(text)}</{tag}>"
        for place, text in enumerate(texts)
    )

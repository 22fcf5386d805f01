"""Writes ``docs/reference/visibility.md`` from the tables: ``.venv/bin/python docs/write_visibility.py``. A test compares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from textwrap import fill
from typing import Final, get_args

from billing_service.application import visibility as bills
from fristwerk_language.events import TYPE_NAMES
from fristwerk_language.events.tickets import TicketEvent
from sla_service.application import visibility as timers
from ticket_service.domain.contract.visibility import CONTRACT_SHOWS
from ticket_service.domain.ticket import visibility as tickets

PAGE: Final = Path(__file__).parent / "reference" / "visibility.md"
_INTRODUCTION: Final = """# What a customer sees

A customer's token reads the own company's tickets, contracts, timers and bills. It sees the matter,
not the vendor's house. This page says what that is; it is written by `docs/write_visibility.py`
from the tables of the three services. What does not stand here is hidden, so whatever is added
later is hidden until somebody decides.

Everybody else who may read a ticket sees every event and every field. Feeds carry every customer's
events: a customer's token opens neither them nor the worklist nor reports.

## Events of a ticket

The same table holds for a ticket's history and for the events in the answer to a command. Where
somebody else than the customer's own people acted, `actor` is `{"id": "vendor", "role": "vendor"}`,
and `correlation_id` and `causation_id` are null. Notes among staff (`visible` false) are hidden.

| event | fields of `data` | personal fields | hidden |
|---|---|---|---|
"""
_AFTER_EVENTS: Final = """
¹ Only where the customer's own people caused it.

## A ticket's state

The same fields stand in `GET /v1/tickets/{ticket}` (also `?at=` and `?known_at=`), in lists, in the
overview of a customer and in the answers to commands. A customer lists by no other field: a filter
by one is 403.

"""


def page() -> str:
    """The whole page."""
    return "".join([_INTRODUCTION, *map(_row, get_args(TicketEvent)), _AFTER_EVENTS, *_states(), *_others()])


def _row(kind: type[TicketEvent]) -> str:
    name, rule = TYPE_NAMES[kind], tickets.CUSTOMER_SEES.get(kind)
    if rule is None:
        return f"| `{name}` | – | – | the whole event |\n"
    mark = " ¹" if rule.own_only else ""
    hidden = rule.hidden_data | rule.hidden_personal
    return f"| `{name}`{mark} | {_named(rule.data)} | {_named(rule.personal)} | {_named(hidden)} |\n"


def _states() -> Iterator[str]:
    yield _paragraph(f"Of the ticket: {_named(tickets.TICKET_SHOWS)}.")
    yield "\nOf the escalations only those that the customer's own people raised.\n"
    for part, shows in tickets.PARTS_SHOW.items():
        yield "\n" + _paragraph(f"Of each `{part.__name__}`: {_named(shows)}.")


def _others() -> Iterator[str]:
    yield "\n## A contract\n\n" + _paragraph(f"{_named(CONTRACT_SHOWS)}.")
    yield "\n## A timer\n\n" + _paragraph(f"{_named(timers.TIMER_SHOWS)}.")
    yield f"\nOf an explanation the steps {_named(timers.HIDDEN_STEPS)} are left out.\n"
    yield "\n## Bills\n\n" + _paragraph(f"Of a preview: {_named(bills.PREVIEW_SHOWS)}.")
    yield "\n" + _paragraph(f"Of an invoice or credit note: {_named(bills.DOCUMENT_SHOWS)}.")
    yield f"\nOf a waiver, wherever its line stands, these are empty: {_named(bills.WAIVER_HIDES)}.\n"
    yield "\nLines, charges, balances and traces are shown whole otherwise.\n"


def _paragraph(text: str) -> str:
    return fill(text, 100, break_long_words=False, break_on_hyphens=False) + "\n"


def _named(names: Collection[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(names)) or "–"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

"""Prints what came out of a story for people: deadlines and invoice lines as tables, one explanation in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from fristwerk_language.terms import zone
from fristwerk_local.results import ProviderResult, TicketResult
from fristwerk_local.story import ProviderStory, Story

_COLOURS: Final = {"met": "green", "missed": "red", "running": "yellow", "paused": "yellow", "cancelled": "dim"}


def print_outcome(console: Console, story: Story, outcome: Mapping[str, ProviderResult]) -> None:
    """Two tables a provider: the timers of its tickets, and what its customers would be invoiced."""
    for provider in story.providers:
        result = outcome[provider.name]
        console.print(_timers(provider, result))
        if result.previews:
            console.print(_previews(provider, result))


def print_explanation(console: Console, title: str, sentences: Sequence[str]) -> None:
    """The derivation of one timer, a sentence a step."""
    console.print(f"\n[bold]{title}[/bold]")
    for number, sentence in enumerate(sentences, 1):
        console.print(f"  {number}. {sentence}", highlight=False)


def local(instant: str | None, timezone: str) -> str:
    """An instant as people at the provider read it, e.g. ``Fri 5 Jun 09:30``; a dash where there is none."""
    if instant is None:
        return "–"
    when = datetime.fromisoformat(instant).astimezone(zone(timezone))
    return f"{when:%a} {when.day} {when:%b %H:%M}"


def _timers(provider: ProviderStory, result: ProviderResult) -> Table:
    table = Table(
        title=f"{provider.name}: deadlines, in {provider.timezone}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
    )
    for column in ("ticket", "metric", "state", "target", "from", "due", "met or missed", "note"):
        table.add_column(column, no_wrap=column != "note", overflow="fold")
    for name, ticket in result.tickets.items():
        for row in _timer_rows(name, ticket, provider.timezone):
            table.add_row(*row)
    return table


def _timer_rows(name: str, ticket: TicketResult, timezone: str) -> Iterator[list[str]]:
    for timer in ticket.timers:
        state = timer["state"]
        yield [
            name,
            timer["metric"],
            f"[{_COLOURS.get(state, '')}]{state}[/]",
            timer["target"] or "measured",
            local(timer["started_at"], timezone),
            local(timer["due_at"], timezone),
            local(timer["met_at"] or timer["missed_at"], timezone),
            timer["note"] or "",
        ]
    if not ticket.timers:
        reasons = sorted({each["reason"] for each in ticket.absent})
        yield [name, "–", "–", "–", "–", "–", "–", ", ".join(reasons)]


def _previews(provider: ProviderStory, result: ProviderResult) -> Table:
    table = Table(
        title=f"{provider.name}: invoice lines if issued now", title_justify="left", title_style="bold", box=SIMPLE_HEAD
    )
    for column in ("customer", "line", "for", "on", "minutes", "unit price", "amount"):
        table.add_column(column, justify="right" if column in {"minutes", "unit price", "amount"} else "left")
    for name, preview in result.previews.items():
        for line in preview["lines"]:
            of = line.get("month") or result.ticket_name(line.get("ticket")) or ""
            minutes = line.get("minutes")
            table.add_row(
                name,
                line["kind"],
                str(of),
                str(line.get("on") or ""),
                "" if minutes is None else str(minutes),
                _money(line.get("unit_price")),
                _money(line["amount"]),
            )
        table.add_row(
            name, "[bold]payable[/]", _rest(preview, result), "", "", "", f"[bold]{_money(preview['payable'])}[/]"
        )
        table.add_section()
    return table


def _rest(preview: Mapping[str, Any], result: ProviderResult) -> str:
    """What the lines do not show: tax, what is left of a package, what is held."""
    parts = [f"net {_money(preview['net'])}", f"VAT {_money(preview['vat'])}"]
    if preview.get("package_left_minutes"):
        parts.append(f"{preview['package_left_minutes']} min left in the package")
    parts += [
        f"{minutes} min of {result.ticket_name(ticket)} held until the customer approves"
        for ticket, minutes in preview.get("held_minutes", {}).items()
        if minutes
    ]
    return ", ".join(parts)


def _money(value: Mapping[str, str] | None) -> str:
    return "" if value is None else f"{value['amount']} {value['currency']}"

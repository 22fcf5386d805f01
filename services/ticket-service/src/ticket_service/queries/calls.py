"""Reads of the log of calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from ticket_service.domain.call.state import LoggedCall
from ticket_service.projections.tables import calls, tickets

_call: Final = msgspec.json.Decoder(LoggedCall)


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls. ``numbers`` are keyed digests of one caller's number; ``open``: whether it waits for a decision,
    belonging to no ticket and not dismissed. None: all.
    """

    call: str | None = None
    numbers: tuple[str, ...] | None = None
    ticket: str | None = None
    customer: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    open: bool | None = None
    voicemail: bool | None = None
    abandoned: bool | None = None


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A call, its sealed parts closed, whose it is, and its ticket's reference."""

    state: LoggedCall
    customer: str | None
    reference: str | None


def call_rows(provider: str, wanted: CallFilter, after: str, limit: int | None) -> Select[Any]:
    """The statement that finds calls in the order in which they began."""
    owner = func.coalesce(tickets.c.customer, calls.c.customer)
    statement = (
        select(calls.c.document, owner.label("customer"), tickets.c.reference)
        .join_from(calls, tickets, calls.c.ticket == tickets.c.ticket, isouter=True)
        .where(*_whose(provider, wanted))
        .order_by(calls.c.started_at, calls.c.call)
        .limit(limit)
    )
    if after:
        seconds, _, call = after.partition(".")
        since = datetime.fromtimestamp(int(seconds), UTC)
        later = and_(calls.c.started_at == since, calls.c.call > call)
        statement = statement.where(or_(calls.c.started_at > since, later))
    if wanted.customer is not None:
        statement = statement.where(owner == wanted.customer)
    if wanted.since is not None:
        statement = statement.where(calls.c.started_at >= wanted.since)
    if wanted.before is not None:
        statement = statement.where(calls.c.started_at < wanted.before)
    for name in ("call", "open", "voicemail", "abandoned"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(calls.c[name] == value)
    return statement


def _whose(provider: str, wanted: CallFilter) -> Sequence[ColumnElement[bool]]:
    """The provider's calls; of one ticket, number or customer those that an index has. The provider is compared in a way
    then that no index has: SQLite would rather read all of its calls in their order.
    """
    found = []
    if wanted.numbers is not None:
        found.append(_those(calls.c.phone_index.in_(wanted.numbers)))
    if wanted.ticket is not None:
        found.append(_those(calls.c.ticket == wanted.ticket))
    if wanted.customer is not None:
        theirs = select(tickets.c.ticket).where(tickets.c.provider == provider, tickets.c.customer == wanted.customer)
        on_tickets = _those(calls.c.ticket.in_(theirs.correlate(None)))
        found.append(or_(_those(calls.c.customer == wanted.customer), on_tickets))
    if found:
        return [*found, func.coalesce(calls.c.provider, "") == provider]
    return [calls.c.provider == provider]


def _those(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return calls.c.call.in_(select(calls.c.call).where(condition).correlate(None))


def call_of(row: Any) -> CallRow:
    """A row of the statement."""
    return CallRow(state=_call.decode(row["document"]), customer=row["customer"], reference=row["reference"])

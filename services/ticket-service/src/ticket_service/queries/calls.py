"""Reads of the log of calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, and_, func, or_, select

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
        .where(calls.c.provider == provider)
        .order_by(calls.c.started_at, calls.c.call)
        .limit(limit)
    )
    if after:
        seconds, _, call = after.partition(".")
        since = datetime.fromtimestamp(int(seconds), UTC)
        later = and_(calls.c.started_at == since, calls.c.call > call)
        statement = statement.where(or_(calls.c.started_at > since, later))
    if wanted.numbers is not None:
        statement = statement.where(calls.c.phone_index.in_(wanted.numbers))
    if wanted.customer is not None:
        statement = statement.where(owner == wanted.customer)
    if wanted.since is not None:
        statement = statement.where(calls.c.started_at >= wanted.since)
    if wanted.before is not None:
        statement = statement.where(calls.c.started_at < wanted.before)
    for name in ("call", "ticket", "open", "voicemail", "abandoned"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(calls.c[name] == value)
    return statement


def call_of(row: Any) -> CallRow:
    """A row of the statement."""
    return CallRow(state=_call.decode(row["document"]), customer=row["customer"], reference=row["reference"])

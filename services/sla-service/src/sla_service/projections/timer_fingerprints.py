"""What the tables say of each ticket, as digests: two derivations agree if, and only if, these do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sla_service.projections.tables import tickets, timers
from sla_service.projections.writer import DerivedTicket, ticket_row

PAGE: Final = 500
_COLUMNS: Final = tuple(sorted(column.name for column in tickets.columns))


def derived_fingerprint(ticket: DerivedTicket) -> bytes:
    """The digest of a ticket as it was derived."""
    return _digest(ticket_row(ticket), [msgspec.json.encode(timer) for timer in ticket.derived.timers])


async def stored_fingerprints(connection: AsyncConnection) -> dict[str, bytes]:
    """The digest of every ticket as it is stored, by ticket."""
    found: dict[str, bytes] = {}
    after = ""
    while True:
        page = select(tickets).where(tickets.c.ticket > after).order_by(tickets.c.ticket).limit(PAGE)
        rows = (await connection.execute(page)).all()
        if not rows:
            return found
        own = select(timers.c.ticket, timers.c.document).where(timers.c.ticket.in_([row.ticket for row in rows]))
        documents: dict[str, list[bytes]] = {row.ticket: [] for row in rows}
        for row in await connection.execute(own.order_by(timers.c.ticket, timers.c.place)):
            documents[row.ticket].append(row.document)
        for row in rows:
            found[row.ticket] = _digest(dict(row._mapping), documents[row.ticket])  # noqa: SLF001 - SQLAlchemy's public name
        after = rows[-1].ticket


def combined_fingerprint(digests: Mapping[str, bytes]) -> str:
    """One digest over all tickets."""
    whole = sha256()
    for ticket in sorted(digests):
        whole.update(ticket.encode() + digests[ticket])
    return f"sha256:{whole.hexdigest()}"


def _digest(row: Mapping[str, object], documents: Sequence[bytes]) -> bytes:
    head = msgspec.msgpack.encode([row[name] for name in _COLUMNS])
    return sha256(msgspec.msgpack.encode([head, documents])).digest()

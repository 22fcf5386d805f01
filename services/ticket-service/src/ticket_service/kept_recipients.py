"""Recipients of invoices that outlive their person's forgetting, each sealed under a key of its own
until the term of its invoices is over.

They lie beside the keys, so a backup that has the keys has them too. A row without a sealed
recipient says until when one has to be kept should the person be forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events.customers import PostalAddress
from fristwerk_platform.read_models import Database
from ticket_service.personal_data import PersonalData, Sealed, kept_recipients

RECIPIENT: Final = "recipient"
"""What is bound to a sealed recipient in place of an event's id."""


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """To whom invoices are addressed."""

    name: str
    address: PostalAddress | None = None
    vat_id: str | None = None


def recipient_of(known: Mapping[str, Any]) -> Recipient:
    """The recipient that a customer's data say, or the personal part of its registration."""
    return Recipient(name=known["name"], address=known.get("address"), vat_id=known.get("vat_id"))


class KeptRecipients:
    """Keeps recipients and lets go of them. Every method may be repeated."""

    def __init__(self, database: Database, personal: PersonalData) -> None:
        self._database = database
        self._personal = personal

    async def until(self, customer: str) -> date | None:
        """The last day for which the customer's recipient has to be there; None for one without
        invoices.
        """
        statement = select(kept_recipients.c.kept_until).where(kept_recipients.c.customer == customer)
        async with self._database.reading() as connection:
            found: date | None = (await connection.execute(statement)).scalar()
        return found

    async def extend(self, customer: str, until: date) -> None:
        """Note that the recipient has to be there up to that day; never shortened."""
        await self._store(customer, until, None)

    async def keep(self, customer: str, recipient: Recipient, until: date) -> None:
        """Keep the recipient up to that day, or longer where that was noted."""
        content: dict[str, Any] = msgspec.to_builtins(recipient)
        sealed = await self._personal.seal(_subject(customer), RECIPIENT, content)
        await self._store(customer, until, sealed)

    async def kept(self, customer: str) -> Recipient | None:
        """The recipient that was kept; None where none was, and once its term was over."""
        statement = select(kept_recipients.c.sealed).where(kept_recipients.c.customer == customer)
        async with self._database.reading() as connection:
            sealed = (await connection.execute(statement)).scalar()
        if sealed is None:
            return None
        opened = await self._personal.open([Sealed(RECIPIENT, sealed)], [_subject(customer)])
        content = opened.get(RECIPIENT)
        return None if content is None else msgspec.convert(content, Recipient)

    async def expire(self, today: date) -> int:
        """Delete what was to be kept up to a day before ``today``, keys first; how many rows they
        were.
        """
        over = kept_recipients.c.kept_until < today
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(kept_recipients).where(over))).all()
        for row in rows:
            if row.sealed is not None:
                await self._personal.forget(_subject(row.customer))
        if rows:
            async with self._database.transaction() as connection:
                mine = kept_recipients.c.customer.in_([row.customer for row in rows])
                await connection.execute(delete(kept_recipients).where(over, mine))
        return len(rows)

    async def _store(self, customer: str, until: date, sealed: str | None) -> None:
        async with self._database.transaction() as connection:
            before = await _locked(connection, customer)
            later = until if before is None else max(until, before.kept_until)
            row = {"customer": customer, "kept_until": later}
            if sealed is not None:
                row["sealed"] = sealed
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = insert(kept_recipients).values(row)
            await connection.execute(statement.on_conflict_do_update(index_elements=["customer"], set_=row))


async def _locked(connection: AsyncConnection, customer: str) -> Any:
    statement = select(kept_recipients).where(kept_recipients.c.customer == customer).with_for_update()
    return (await connection.execute(statement)).first()


def _subject(customer: str) -> str:
    """Whose key seals the kept recipient: none that counts as the customer's present subject."""
    return f"{customer}~kept"

"""Writes by which words tickets and customers are found: references and companies' names as they are, sealed words as keyed
digests that go when the person is forgotten (decision 0045).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.read_models import store
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.words import reference_word, words_of
from ticket_service.personal_data import PersonalData, Sealed, WordKind, subject_of
from ticket_service.projections import tables
from ticket_service.projections.documents import ticket_from

Row = dict[str, Any]


async def write_search(connection: AsyncConnection, batch: Sequence[Recorded], personal_data: PersonalData) -> None:
    """Apply a batch to what is searched."""
    begun = [each for each in batch if isinstance(each.event, TicketCreated | CustomerRegistered)]
    if not begun:
        return
    sealed = [Sealed(each.envelope.id, text) for each in begun if (text := each.envelope.personal) is not None]
    opened = await personal_data.open(sealed, {subject_of(each.text) for each in sealed})
    words = [row for each in begun for row in _words(each, opened.get(each.envelope.id, {}), personal_data)]
    await store(connection, tables.search_prefixes, [row for each in begun for row in _prefixes(each)])
    await store(connection, tables.search_words, words)


async def forget_words(connection: AsyncConnection, customer: Customer) -> None:
    """Delete the words that were sealed for a person who is forgotten now, and those of its tickets that were sealed before
    they came to it: what they say is opened no more either.
    """
    table, moved = tables.search_words, list[ColumnElement[bool]]()
    tickets = select(tables.tickets.c.document).where(tables.tickets.c.customer == customer.id)
    for (document,) in await connection.execute(tickets):
        if b'"moves":[{' not in document:
            continue
        ticket = ticket_from(document)
        moved += [and_(_sealed_for(each.from_customer), table.c.item == ticket.id) for each in ticket.moves]
    for condition in (table.c.sealed_for.in_(customer.forgotten_subjects), *moved):
        await connection.execute(delete(table).where(condition))


def _sealed_for(customer: str) -> ColumnElement[bool]:
    column = tables.search_words.c.sealed_for
    return or_(column == customer, column.startswith(f"{customer}~"))


def _prefixes(recorded: Recorded) -> Iterable[Row]:
    provider, event = recorded.envelope.provider, recorded.event
    if isinstance(event, TicketCreated):
        yield {
            "provider": provider,
            "word": reference_word(event.reference),
            "item": streams.TICKET.subject(recorded.envelope.stream),
        }
    elif isinstance(event, CustomerRegistered) and event.name is not None:
        for word in words_of(event.name):
            yield {"provider": provider, "word": word, "item": event.customer}


def _words(recorded: Recorded, said: dict[str, Any], personal_data: PersonalData) -> Iterable[Row]:
    envelope, event = recorded.envelope, recorded.event
    kind: WordKind = "subject" if isinstance(event, TicketCreated) else "name"
    text = said.get(kind)
    if envelope.personal is None or not text:
        return
    item = event.customer if isinstance(event, CustomerRegistered) else streams.TICKET.subject(envelope.stream)
    for word in words_of(text):
        yield {
            "sealed_for": subject_of(envelope.personal),
            "item": item,
            "word": personal_data.word_digest(envelope.provider, kind, word),
            "provider": envelope.provider,
        }

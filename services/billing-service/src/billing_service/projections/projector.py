"""The projector: from the ticket service's feed and billing's own log to the facts of each account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.domain.facts.fact_events import (
    EventWithoutPrice,
    TicketChangeEvent,
    TicketFactEvent,
    is_unreadable_fact,
)
from billing_service.projections import tables
from billing_service.projections.writer import BatchWriter
from fristwerk_language.events import (
    BillingEvent,
    ContractEvent,
    Recorded,
    UnknownEvent,
    UnreadableEvent,
    streams,
)
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.read_models import in_list

_log = structlog.get_logger()


class Projector:
    """Applies batches. Events without a price are ignored."""

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """Apply a batch of the ticket service's feed, inside the subscription's transaction."""
        owners = await _ticket_accounts(connection, batch)
        writer = BatchWriter()
        for recorded in batch:
            _apply(writer, owners, recorded)
        await writer.store(connection)

    async def apply_own(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """Apply a batch of billing's own log: decisions are kept next to the facts, documents line
        by line.
        """
        writer = BatchWriter()
        for recorded in batch:
            event = recorded.event
            if isinstance(event, BillingEvent):
                _apply_own(writer, recorded, event)
        await writer.store(connection)


def _apply(writer: BatchWriter, owners: dict[str, str], recorded: Recorded) -> None:
    event, provider = recorded.event, recorded.envelope.provider
    if isinstance(event, TicketChangeEvent):
        _add_fact(writer, owners, recorded)
    elif isinstance(event, EventWithoutPrice | UnknownEvent):
        pass
    elif isinstance(event, TicketCreated):
        writer.ticket(recorded.envelope, event)
        writer.fact(event.contract or event.customer, recorded)
    elif isinstance(event, ContractEvent):
        if isinstance(event, ContractSigned):
            writer.account(event.contract, provider, event.customer, "contract")
        writer.fact(event.contract, recorded)
    elif isinstance(event, CustomerRegistered):
        writer.account(event.customer, provider, event.customer, "customer")
        writer.fact(event.customer, recorded)
    elif isinstance(event, AgreementPublished):
        writer.agreement(recorded, event)
    elif isinstance(event, UnreadableEvent):
        if is_unreadable_fact(event):
            _add_fact(writer, owners, recorded)
    else:
        assert_never(event)


def _apply_own(writer: BatchWriter, recorded: Recorded, event: BillingEvent) -> None:
    match event:
        case ChargeDecided():
            writer.decision(recorded, event)
        case InvoiceIssued() | CreditNoteIssued():
            writer.document(recorded, event)
        case InvoiceSent() | InvoicePaid():
            writer.document_step(recorded, event)


async def _ticket_accounts(connection: AsyncConnection, batch: Sequence[Recorded]) -> dict[str, str]:
    """The account of each ticket stream with a fact in the batch; its creation may lie in this
    batch or before it.
    """
    owners: dict[str, str] = {}
    named: set[str] = set()
    for recorded in batch:
        event = recorded.event
        if isinstance(event, TicketCreated):
            owners[recorded.envelope.stream] = event.contract or event.customer
        elif isinstance(event, TicketFactEvent) or is_unreadable_fact(event):
            named.add(recorded.envelope.stream)
    wanted = [streams.TICKET.subject(each) for each in named - owners.keys() if streams.TICKET.includes(each)]
    table = tables.tickets
    statement = select(table.c.ticket, table.c.account).where(in_list(connection, table.c.ticket, wanted))
    for ticket, account in (await connection.execute(statement)).all():
        owners[streams.TICKET.stream(ticket)] = account
    return owners


def _add_fact(writer: BatchWriter, owners: dict[str, str], recorded: Recorded) -> None:
    """A fact under its account: a contract's or customer's stream names it, a ticket's was named by
    its creation.
    """
    envelope = recorded.envelope
    stream = envelope.stream
    account = owners.get(stream) if streams.TICKET.includes(stream) else stream.partition("-")[2]
    if account is None:
        _log.error("fact_without_account", stream=stream, type=envelope.type, position=envelope.position)
    else:
        writer.fact(account, recorded)

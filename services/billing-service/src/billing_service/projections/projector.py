"""The projector: from the ticket service's feed and billing's own log to the facts of each account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, assert_never

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.domain.facts.fact_events import (
    EventWithoutPrice,
    TicketChangeEvent,
    TicketFactEvent,
    is_unreadable_fact,
)
from billing_service.projections.writer import BatchWriter, StoredFact
from fristwerk_language.events import (
    BillingEvent,
    ContractEvent,
    Envelope,
    Recorded,
    UnknownEvent,
    UnreadableEvent,
    streams,
)
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.read_models import Query, fetch

_ACCOUNTS: Final = Query("SELECT ticket, account FROM tickets WHERE ticket IN LIST($1)")
_FACTS: Final = Query("SELECT account, stream, version, event, line FROM facts WHERE stream IN LIST($1)")
_log = structlog.get_logger()


class FactWriter(Protocol):
    """Takes what the ticket service's events come to: a batch's rows, or what an audit collects."""

    def account(self, account: str, provider: str, customer: str, kind: str) -> None:
        """The account of a contract or a customer."""
        ...

    def agreement(self, recorded: Recorded, event: AgreementPublished) -> None:
        """A version of an agreement."""
        ...

    def ticket(self, envelope: Envelope, event: TicketCreated) -> None:
        """A ticket and the account that its work belongs to."""
        ...

    def fact(self, account: str, recorded: Recorded) -> None:
        """A fact of an account's bill."""
        ...

    def move(self, recorded: Recorded, event: TicketMoved, account: str) -> None:
        """A ticket goes from an account to another one, with every fact of it so far."""
        ...


class OwnWriter(Protocol):
    """Takes what billing's own events come to."""

    def decision(self, recorded: Recorded, event: ChargeDecided) -> None:
        """A decision on a charge."""
        ...

    def document(self, recorded: Recorded, event: InvoiceIssued | CreditNoteIssued) -> None:
        """An issued document."""
        ...

    def document_step(self, recorded: Recorded, event: InvoiceSent | InvoicePaid) -> None:
        """What became of a document."""
        ...


class Projector:
    """Applies batches. Events without a price are ignored."""

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """Apply a batch of the ticket service's feed, inside the subscription's transaction."""
        owners = await _ticket_accounts(connection, batch)
        writer = BatchWriter(await _facts_of_moved(connection, batch))
        for recorded in batch:
            apply_event(writer, owners, recorded)
        await writer.store(connection)

    async def apply_own(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """Apply a batch of billing's own log: decisions are kept next to the facts, documents line
        by line.
        """
        writer = BatchWriter()
        for recorded in batch:
            event = recorded.event
            if isinstance(event, BillingEvent):
                apply_own_event(writer, recorded, event)
        await writer.store(connection)


def concerns_all_accounts(recorded: Recorded) -> bool:
    """Whether an event is one that accounts of every partition may rest on: terms, and what is known
    of customers. Who applies a contract's or ticket's events has applied these before.
    """
    stream = recorded.envelope.stream
    return streams.AGREEMENT.includes(stream) or streams.CUSTOMER.includes(stream)


def apply_event(writer: FactWriter, owners: dict[str, str], recorded: Recorded) -> None:  # noqa: C901 - a kind of event each
    """What an event of the ticket service comes to. ``owners`` has the account of each ticket stream
    created before; a move changes it.
    """
    event, provider = recorded.event, recorded.envelope.provider
    if isinstance(event, TicketChangeEvent):
        _add_fact(writer, owners, recorded)
    elif isinstance(event, EventWithoutPrice | UnknownEvent):
        pass
    elif isinstance(event, TicketCreated):
        writer.ticket(recorded.envelope, event)
        writer.fact(event.contract or event.customer, recorded)
    elif isinstance(event, TicketMoved):
        _move(writer, owners, recorded, event)
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


def apply_own_event(writer: OwnWriter, recorded: Recorded, event: BillingEvent) -> None:
    """What an event of billing's own log comes to."""
    match event:
        case ChargeDecided():
            writer.decision(recorded, event)
        case InvoiceIssued() | CreditNoteIssued():
            writer.document(recorded, event)
        case InvoiceSent() | InvoicePaid():
            writer.document_step(recorded, event)


def _move(writer: FactWriter, owners: dict[str, str], recorded: Recorded, event: TicketMoved) -> None:
    """The move is a fact of both accounts: one loses the ticket by it, the other gets it."""
    before = owners.get(recorded.stream)
    if before is None:
        report_homeless(recorded.stream, recorded.type, recorded.position)
        return
    owners[recorded.stream] = event.contract or event.customer
    writer.fact(before, recorded)
    writer.move(recorded, event, before)


async def _facts_of_moved(connection: AsyncConnection, batch: Sequence[Recorded]) -> list[StoredFact]:
    """What is stored of the tickets that a batch moves."""
    moved = sorted({each.stream for each in batch if isinstance(each.event, TicketMoved)})
    return [StoredFact(*row) for row in await fetch(connection, _FACTS, moved)] if moved else []


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
    for ticket, account in await fetch(connection, _ACCOUNTS, wanted) if wanted else ():
        owners[streams.TICKET.stream(ticket)] = account
    return owners


def account_of(owners: Mapping[str, str], stream: str) -> str | None:
    """Whose fact an event of the stream is: a contract's or customer's stream names its account, a
    ticket's was named by its creation; None where that is not known.
    """
    return owners.get(stream) if streams.TICKET.includes(stream) else streams.subject_of(stream)


def report_homeless(stream: str, event_type: str, position: int) -> None:
    """Say in the service's log that a fact belongs to no account; it is left out."""
    _log.error("fact_without_account", stream=stream, type=event_type, position=position)


def _add_fact(writer: FactWriter, owners: Mapping[str, str], recorded: Recorded) -> None:
    account = account_of(owners, recorded.stream)
    if account is None:
        report_homeless(recorded.stream, recorded.type, recorded.position)
    else:
        writer.fact(account, recorded)

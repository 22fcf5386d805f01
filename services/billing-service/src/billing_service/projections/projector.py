"""From the ticket service's feed, and from billing's own log, to the facts of each account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.domain.invoice.document import InvoiceDocument, read_document
from billing_service.projections import tables
from fristwerk_language.events import TYPE_NAMES, Recorded, UnreadableEvent
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_language.events.catalogue import AgreementPublished
from fristwerk_language.events.customers import (
    AddonBooked,
    AddonEnded,
    ContractSigned,
    ContractTerminated,
    CustomerRegistered,
    PackagePurchased,
)
from fristwerk_language.events.streams import TICKET, subject_of
from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    Closed,
    CostApproved,
    CostRejected,
    Resolved,
    TermsMigrated,
    TicketCreated,
    TimeLogCorrected,
    TimeLogged,
    TypeChanged,
)
from fristwerk_platform.read_models import in_list, store

CONTRACT_FACTS: Final = (ContractSigned, ContractTerminated, PackagePurchased, AddonBooked, AddonEnded)
TICKET_FACTS: Final = (
    TicketCreated,
    TypeChanged,
    TimeLogged,
    TimeLogCorrected,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    CostApproved,
    CostRejected,
    Resolved,
    Closed,
    TermsMigrated,
)
_FACT_TYPES: Final = frozenset(TYPE_NAMES[each] for each in (CustomerRegistered, *CONTRACT_FACTS, *TICKET_FACTS))
_log = structlog.get_logger()


class Projector:
    """Applies batches; messages, notes and states of a ticket cost nothing and are left aside."""

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch of the ticket service's feed, inside the follower's transaction."""
        owners = await self._owners(connection, batch)
        agreements: list[dict[str, Any]] = []
        accounts: list[dict[str, Any]] = []
        opened: list[dict[str, Any]] = []
        facts: list[dict[str, Any]] = []
        for each in batch:
            event, provider = each.event, each.envelope.provider
            match event:
                case AgreementPublished():
                    agreements.append(
                        {"provider": provider, "name": event.name, "version": event.version, "line": each.line}
                    )
                case CustomerRegistered():
                    accounts.append(_account(event.customer, provider, event.customer, "customer"))
                    facts.append(_fact(event.customer, each))
                case ContractSigned():
                    accounts.append(_account(event.contract, provider, event.customer, "contract"))
                    facts.append(_fact(event.contract, each))
                case TicketCreated():
                    opened.append(_ticket(each, event))
                    facts.append(_fact(event.contract or event.customer, each))
                case _ if isinstance(event, CONTRACT_FACTS):
                    facts.append(_fact(event.contract, each))
                case _ if isinstance(event, TICKET_FACTS) or _is_unreadable_fact(each):
                    facts += _facts_of(owners, each)
                case _:
                    pass
        await _write(
            connection,
            (tables.agreements, agreements),
            (tables.accounts, accounts),
            (tables.tickets, opened),
            (tables.facts, facts),
        )

    async def apply_own(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch of billing's own log: decisions stand beside the facts, documents are kept line by line."""
        decisions: list[dict[str, Any]] = []
        documents: list[dict[str, Any]] = []
        steps: list[dict[str, Any]] = []
        lines: list[dict[str, Any]] = []
        sources: list[dict[str, Any]] = []
        for each in batch:
            match each.event:
                case ChargeDecided():
                    decisions.append(_decision(each, each.event))
                case InvoiceIssued() | CreditNoteIssued():
                    document = read_document(each.event.document)
                    documents.append(_document(each, each.event, document))
                    lines += _lines(each, each.event, document)
                    sources += _sources(each, each.event, document)
                case InvoiceSent() | InvoicePaid():
                    steps.append(_step(each, each.event))
                case _:
                    pass
        await _write(
            connection,
            (tables.decisions, decisions),
            (tables.documents, documents),
            (tables.document_steps, steps),
            (tables.document_lines, lines),
            (tables.line_sources, sources),
        )

    @staticmethod
    async def _owners(connection: AsyncConnection, batch: Sequence[Recorded]) -> dict[str, str]:
        """The account of each ticket stream in the batch."""
        owners = {
            each.envelope.stream: each.event.contract or each.event.customer
            for each in batch
            if isinstance(each.event, TicketCreated)
        }
        about_tickets = [each for each in batch if isinstance(each.event, TICKET_FACTS) or _is_unreadable_fact(each)]
        streams = {each.envelope.stream for each in about_tickets} - owners.keys()
        wanted = [TICKET.subject(stream) for stream in streams]
        table = tables.tickets
        statement = select(table.c.ticket, table.c.account).where(in_list(connection, table.c.ticket, wanted))
        for ticket, account in (await connection.execute(statement)).all():
            owners[TICKET.stream(ticket)] = account
        return owners


async def _write(connection: AsyncConnection, *written: tuple[Table, list[dict[str, Any]]]) -> None:
    for table, rows in written:
        await store(connection, table, rows)


def _is_unreadable_fact(each: Recorded) -> bool:
    """Whether a fact was recorded that this version cannot read: its account must not be rated as if it were not there."""
    return isinstance(each.event, UnreadableEvent) and each.event.type in _FACT_TYPES


def _facts_of(owners: Mapping[str, str], each: Recorded) -> list[dict[str, Any]]:
    """The fact under its account; of contracts and customers the stream says which, of tickets their first event."""
    stream = each.envelope.stream
    account = owners.get(stream) if TICKET.includes(stream) else subject_of(stream)
    if account is None:
        _log.error("fact_without_account", stream=stream, type=each.envelope.type, position=each.envelope.position)
        return []
    return [_fact(account, each)]


def _account(account: str, provider: str, customer: str, kind: str) -> dict[str, Any]:
    return {"account": account, "provider": provider, "customer": customer, "kind": kind}


def _ticket(each: Recorded, event: TicketCreated) -> dict[str, Any]:
    return {
        "ticket": TICKET.subject(each.envelope.stream),
        "provider": each.envelope.provider,
        "reference": event.reference,
        "account": event.contract or event.customer,
        "customer": event.customer,
    }


def _fact(account: str, each: Recorded) -> dict[str, Any]:
    envelope = each.envelope
    return {
        "account": account,
        "stream": envelope.stream,
        "version": envelope.version,
        "event": envelope.id,
        "line": each.line,
    }


def _decision(each: Recorded, event: ChargeDecided) -> dict[str, Any]:
    envelope = each.envelope
    return {
        "account": event.contract,
        "charge": event.charge,
        "version": envelope.version,
        "event": envelope.id,
        "line": each.line,
    }


def _document(each: Recorded, event: InvoiceIssued | CreditNoteIssued, document: InvoiceDocument) -> dict[str, Any]:
    return {
        "provider": each.envelope.provider,
        "number": event.number,
        "type": "invoice" if isinstance(event, InvoiceIssued) else "credit_note",
        "account": event.account,
        "customer": document.parties.buyer.customer,
        "until": event.until,
        "issued_on": document.issued_on,
        "corrects": event.corrects if isinstance(event, CreditNoteIssued) else None,
        "line": each.line,
    }


def _lines(each: Recorded, event: InvoiceIssued | CreditNoteIssued, document: InvoiceDocument) -> list[dict[str, Any]]:
    return [
        {
            "provider": each.envelope.provider,
            "number": event.number,
            "place": place,
            "account": line.account,
            "until": event.until,
            "occurred_at": each.envelope.occurred_at,
            "recorded_at": each.envelope.recorded_at,
            "line": msgspec.json.encode(line),
        }
        for place, line in enumerate(document.lines, start=1)
    ]


def _sources(
    each: Recorded, event: InvoiceIssued | CreditNoteIssued, document: InvoiceDocument
) -> list[dict[str, Any]]:
    return [
        {
            "provider": each.envelope.provider,
            "event": source,
            "number": event.number,
            "place": place,
            "account": line.account,
        }
        for place, line in enumerate(document.lines, start=1)
        for source in dict.fromkeys(line.sources)
    ]


def _step(each: Recorded, event: InvoiceSent | InvoicePaid) -> dict[str, Any]:
    envelope = each.envelope
    return {
        "provider": envelope.provider,
        "number": event.number,
        "version": envelope.version,
        "line": each.line,
    }

"""Writes of the read model that follow from events: the rows of a batch, collected and stored table
by table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.domain.invoice.document import read_document
from billing_service.projections import tables
from billing_service.projections.unchecked_accounts import Wide, mark_of, wide_marks
from fristwerk_language.events import Envelope, Recorded, streams
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.read_models import Write, write
from fristwerk_platform.read_models.bulk import Row


class StoredFact(NamedTuple):
    """A row of ``facts``."""

    account: str
    stream: str
    version: int
    event: str
    line: bytes


class BatchWriter:
    """Collects the rows of a batch; a row replaces the stored one with the same key, so repetition
    changes nothing.
    """

    def __init__(self, of_moved: Sequence[StoredFact] = ()) -> None:
        """``of_moved`` is what is stored of the tickets that the batch moves."""
        self._rows: defaultdict[Table, list[Row]] = defaultdict(list)
        self._of_moved = of_moved
        self._changed: dict[str, Row] = {}
        self._wide: list[Wide] = []

    async def store(self, connection: AsyncConnection) -> None:
        """Write all collected rows in one statement; only what concerns every account of a provider
        or a customer, which is rare, takes further ones.

        Where processes share the work they write some of the same rows. They do so in one order,
        by table and by account, so that none waits for another that waits for it.
        """
        writes = [Write("store", table, rows) for table, rows in self._rows.items()]
        marks = self._changed
        if self._wide:
            for each in sorted(writes, key=lambda each: each.table.name):
                await write(connection, each)
            writes, marks = [], await wide_marks(connection, self._wide) | self._changed
        changed = Write("store", tables.unchecked_accounts, [marks[account] for account in sorted(marks)])
        await write(connection, *writes, changed)

    def agreement(self, recorded: Recorded, event: AgreementPublished) -> None:
        """A version of an agreement."""
        named = {"provider": recorded.envelope.provider, "name": event.name, "version": event.version}
        self._rows[tables.agreements].append({**named, "line": recorded.line})
        self._wide.append(Wide(recorded.envelope, None))

    def account(self, account: str, provider: str, customer: str, kind: str) -> None:
        """The account of a contract or a customer."""
        row = {"account": account, "provider": provider, "customer": customer, "kind": kind}
        self._rows[tables.accounts].append(row)

    def ticket(self, envelope: Envelope, event: TicketCreated) -> None:
        """A ticket and the account that its work belongs to."""
        self._rows[tables.tickets].append(
            {
                "ticket": streams.TICKET.subject(envelope.stream),
                "provider": envelope.provider,
                "reference": event.reference,
                "account": event.contract or event.customer,
                "customer": event.customer,
            }
        )

    def fact(self, account: str, recorded: Recorded) -> None:
        """A fact of an account's bill."""
        envelope = recorded.envelope
        self._rows[tables.facts].append(
            {
                "account": account,
                "stream": envelope.stream,
                "version": envelope.version,
                "event": envelope.id,
                "line": recorded.line,
            }
        )
        if streams.CUSTOMER.includes(envelope.stream):
            self._wide.append(Wide(envelope, account))
        else:
            self._changes(account, envelope)

    def move(self, recorded: Recorded, event: TicketMoved, account: str) -> None:
        """A ticket goes from an account to another one, with every fact of it so far."""
        stream, to = recorded.stream, event.contract or event.customer
        self._rows[tables.tickets].append(
            {
                "ticket": streams.TICKET.subject(stream),
                "provider": recorded.envelope.provider,
                "reference": event.reference,
                "account": to,
                "customer": event.customer,
            }
        )
        of_ticket = account, stream
        stored = [each._asdict() for each in self._of_moved if (each.account, each.stream) == of_ticket]
        self._changes(to, recorded.envelope)
        in_batch = [row for row in self._rows[tables.facts] if (row["account"], row["stream"]) == of_ticket]
        self._rows[tables.facts] += [{**row, "account": to} for row in (*stored, *in_batch)]

    def decision(self, recorded: Recorded, event: ChargeDecided) -> None:
        """A decision on a charge."""
        envelope = recorded.envelope
        self._rows[tables.decisions].append(
            {
                "account": event.contract,
                "charge": event.charge,
                "version": envelope.version,
                "event": envelope.id,
                "line": recorded.line,
            }
        )
        self._changes(event.contract, envelope)

    def document(self, recorded: Recorded, event: InvoiceIssued | CreditNoteIssued) -> None:
        """An issued document with its lines, and the events that each line rests on."""
        document, envelope = read_document(event.document), recorded.envelope
        numbered = {"provider": envelope.provider, "number": event.number}
        self._rows[tables.documents].append(
            {
                **numbered,
                "type": "invoice" if isinstance(event, InvoiceIssued) else "credit_note",
                "account": event.account,
                "customer": document.parties.buyer.customer,
                "until": event.until,
                "issued_on": document.issued_on,
                "corrects": event.corrects if isinstance(event, CreditNoteIssued) else None,
                "line": recorded.line,
            }
        )
        for place, line in enumerate(document.lines, start=1):
            at = {**numbered, "place": place, "account": line.account}
            self._changes(line.account, envelope)
            self._rows[tables.document_lines].append(
                {
                    **at,
                    "until": event.until,
                    "occurred_at": envelope.occurred_at,
                    "recorded_at": envelope.recorded_at,
                    "line": msgspec.json.encode(line),
                }
            )
            self._rows[tables.line_sources] += [{**at, "event": source} for source in dict.fromkeys(line.sources)]

    def document_step(self, recorded: Recorded, event: InvoiceSent | InvoicePaid) -> None:
        """What became of a document."""
        envelope = recorded.envelope
        numbered = {"provider": envelope.provider, "number": event.number}
        self._rows[tables.document_steps].append({**numbered, "version": envelope.version, "line": recorded.line})

    def _changes(self, account: str, envelope: Envelope) -> None:
        """Of the changes of one account in a batch the last is named."""
        self._changed[account] = mark_of(account, envelope)

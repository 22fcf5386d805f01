"""What both logs say, collected by account in one pass each, without decoding what can be told from a line's head."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import date
from hashlib import sha256
from types import TracebackType
from typing import Final, Self, get_args

import msgspec

from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.fact_events import EventWithoutPrice, TicketChangeEvent
from billing_service.domain.invoice.document import document_digest, read_document
from billing_service.projections.projector import account_of, apply_event, apply_own_event, report_homeless
from fristwerk_language.events import (
    EVENT_TYPES,
    TYPE_NAMES,
    BillingEvent,
    Envelope,
    Recorded,
    decode_tolerantly,
    streams,
)
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_platform.subscriptions import LineSpool


class _Head(msgspec.Struct, frozen=True, gc=False):
    """As much of a line as says whose it is."""

    position: int
    type: str
    stream: str


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A billed line as both sides of the comparison write it down."""

    provider: str
    number: int
    place: int
    until: date
    line: msgspec.Raw


SMALL_BYTES: Final = 2 * 1024**2
"""What waits in memory of a spool that is small beside the facts."""
_head: Final = msgspec.json.Decoder(_Head)
_entry: Final = msgspec.json.Encoder()
_CHANGES: Final = frozenset(TYPE_NAMES[each] for each in get_args(TicketChangeEvent))
_READ_WHOLE: Final = EVENT_TYPES.keys() - {TYPE_NAMES[each] for each in get_args(EventWithoutPrice)} - _CHANGES


class CollectedLogs:
    """Both logs by account. In memory are the accounts, the tickets' accounts and the agreements;
    facts, decisions and billed lines lie in temporary files.
    """

    def __init__(self) -> None:
        with ExitStack() as opened:
            self.facts = opened.enter_context(LineSpool())
            self.registrations = opened.enter_context(LineSpool(SMALL_BYTES))
            """By customer, what stands in the customer's own stream: it counts for all of its accounts."""
            self.decisions = opened.enter_context(LineSpool(SMALL_BYTES))
            self.ledgers = opened.enter_context(LineSpool(SMALL_BYTES))
            self.issued = opened.enter_context(LineSpool(SMALL_BYTES))
            """By provider and customer, with a line feed between, the lines that issued documents."""
            self._files = opened.pop_all()
        self.accounts: dict[str, AccountRow] = {}
        self.agreements: dict[str, dict[tuple[str, int], bytes]] = {}
        """By provider the published versions' lines."""
        self.documents: dict[str, dict[int, bytes]] = {}
        """By provider and number the SHA-256 of the line that issued the document."""
        self.unsound: set[tuple[str, int]] = set()
        """Documents that are not what their digests say."""
        self._owners: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._worked_for: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def billable(self, provider: str) -> list[AccountRow]:
        """As ``AccountQueries.billable``: contracts, and customers with a ticket outside of one."""
        return [
            row
            for row in self.accounts.values()
            if row.provider == provider and (row.kind == "contract" or row.account in self._worked_for)
        ]

    def read(self, lines: Iterable[bytes], until_position: int) -> None:
        """Collect lines of the ticket service's log up to a position.

        What changes a ticket is a fact whatever it says, and most of the rest has no price: the type
        tells. Both are judged by the head alone.
        """
        decode_head: Callable[[bytes], _Head] = _head.decode
        for line in lines:
            head = decode_head(line)
            if head.position > until_position:
                return
            if head.type in _CHANGES:
                account = account_of(self._owners, head.stream)
                if account is None:
                    report_homeless(head.stream, head.type, head.position)
                else:
                    self._add_fact(account, head.stream, line)
            elif head.type in _READ_WHOLE:
                apply_event(self, self._owners, decode_tolerantly(line))

    def read_own(self, lines: Iterable[bytes], until_position: int) -> None:
        """Collect lines of billing's own log up to a position."""
        for recorded in map(decode_tolerantly, lines):
            if recorded.position > until_position:
                return
            event = recorded.event
            if isinstance(event, BillingEvent):
                apply_own_event(self, recorded, event)

    def account(self, account: str, provider: str, customer: str, kind: str) -> None:
        """See ``FactWriter``."""
        self.accounts[account] = AccountRow(account=account, provider=provider, customer=customer, kind=kind)

    def agreement(self, recorded: Recorded, event: AgreementPublished) -> None:
        """See ``FactWriter``."""
        published = self.agreements.setdefault(recorded.envelope.provider, {})
        published[event.name, event.version] = recorded.line

    def ticket(self, envelope: Envelope, event: TicketCreated) -> None:
        """See ``FactWriter``."""
        named = event.contract or event.customer
        account = self._names.setdefault(named, named)  # one text for all tickets of an account
        self._owners[envelope.stream] = account
        self._worked_for.add(account)

    def fact(self, account: str, recorded: Recorded) -> None:
        """See ``FactWriter``."""
        self._add_fact(account, recorded.stream, recorded.line)

    def move(self, recorded: Recorded, event: TicketMoved, account: str) -> None:
        """See ``FactWriter``. What the other account has of the ticket already is not added again."""
        named = event.contract or event.customer
        to = self._names.setdefault(named, named)
        known = set(self.facts.lines(to))
        for line in self.facts.lines(account):
            if _head.decode(line).stream == recorded.stream and line not in known:
                self.facts.add(to, line)
        self._worked_for.add(to)

    def decision(self, recorded: Recorded, event: ChargeDecided) -> None:
        """See ``OwnWriter``."""
        self.decisions.add(event.contract, recorded.line)

    def document(self, recorded: Recorded, event: InvoiceIssued | CreditNoteIssued) -> None:
        """See ``OwnWriter``."""
        provider = recorded.envelope.provider
        self.documents.setdefault(provider, {})[event.number] = sha256(recorded.line).digest()
        if document_digest(event.document) != event.digest:
            self.unsound.add((provider, event.number))
        document = read_document(event.document)
        self.issued.add(f"{provider}\n{document.parties.buyer.customer}", recorded.line)
        for place, line in enumerate(document.lines, start=1):
            stored = msgspec.Raw(msgspec.json.encode(line))
            self.ledgers.add(line.account, ledger_entry(provider, event.number, place, event.until, stored))

    def document_step(self, recorded: Recorded, event: InvoiceSent | InvoicePaid) -> None:
        """See ``OwnWriter``: what became of a document is on no statement."""

    def _add_fact(self, account: str, stream: str, line: bytes) -> None:
        self.facts.add(account, line)
        if stream == streams.CUSTOMER.stream(account):
            self.registrations.add(account, line)


def ledger_entry(provider: str, number: int, place: int, until: date, line: msgspec.Raw) -> bytes:
    """A billed line's provider, document, place, day and text as one line of bytes."""
    return _entry.encode(LedgerEntry(provider=provider, number=number, place=place, until=until, line=line))

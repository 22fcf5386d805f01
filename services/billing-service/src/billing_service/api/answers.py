"""What the operations answer, as types that describe it for OpenAPI; no answer passes through them.

Where a domain's struct is answered as it is, it stands here itself. A field with a default may be missing.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from billing_service.domain.explanation.trace import TraceStepName
from billing_service.domain.money import Money
from billing_service.domain.statement.charge_line import BilledMinutes, ChargeLine
from billing_service.domain.statement.statement import (
    Balance,
    NeverCharged,
    NotRated,
    Remark,
    Shares,
    Tax,
    Violation,
)
from fristwerk_language.events import BILLING
from fristwerk_language.events.described import described_events
from fristwerk_language.examples import fed_line
from fristwerk_platform.http.feed_routes import FeedLines

if TYPE_CHECKING:
    Event = Any  # a type that is made when the service starts
else:
    Event = described_events(BILLING.values())
    """One event of this service's log."""
LINES: Final = FeedLines(fed_line("InvoicePaid"), Event)


class ShownLine(ChargeLine, frozen=True, gc=False, kw_only=True):
    """A line of a statement; ``charge`` is the public id, ``rule`` the rules in one text."""

    rule: str


class InvoicedLine(ShownLine, frozen=True, gc=False, kw_only=True):
    """A line with its invoice and its place on it, both null for what is not invoiced yet."""

    invoice: int | None
    n: int | None
    account: str
    reference: str | None


class NumberedLine(ShownLine, frozen=True, gc=False, kw_only=True):
    """A line of a document, counted from 1."""

    n: int
    account: str
    reference: str | None


class ChargeItem(ShownLine, frozen=True, gc=False, kw_only=True):
    """A charge with its state and the numbers of the documents that it is on."""

    id: str
    state: Literal["rated", "proposed", "charged", "waived", "invoiced"]
    invoices: list[int]


class Sums(msgspec.Struct):
    """Sums of lines; null where there is nothing with a currency."""

    net: Money | None
    vat: Money | None
    gross: Money | None
    payable: Money | None
    taxes: list[Tax]


class LinesToInvoice(Sums):
    """What the next invoice would say."""

    lines: list[ShownLine]


class AccountInPreview(msgspec.Struct):
    """One account of a preview."""

    account: str
    kind: str
    until: date
    net: Money
    invoiced_until: date | None


class Preview(Sums):
    """What is owed so far; minutes are by ticket."""

    lines: list[ShownLine]
    package_left_minutes: BilledMinutes
    packages: list[Balance]
    held_minutes: dict[str, int]
    written_off_minutes: dict[str, int]
    not_rated: list[NotRated]
    never_charged: list[NeverCharged]
    proposed: list[ShownLine]
    open_decisions: list[str]
    violations: list[Violation]
    remarks: list[Remark]
    to_invoice: LinesToInvoice
    accounts: list[AccountInPreview]


class AccountBalance(msgspec.Struct):
    """Packages, held minutes and open decisions of an account."""

    account: str
    until: date
    packages: list[Balance]
    package_left_minutes: BilledMinutes
    held_minutes: dict[str, int]
    written_off_minutes: dict[str, int]
    open_decisions: list[str]
    shares: Shares


class DifferenceOfSums(msgspec.Struct):
    """Sums then less sums now."""

    net: Money
    vat: Money
    gross: Money
    payable: Money


class ComparedTerms(msgspec.Struct):
    """The same facts under the real terms and under others; without a difference where the currencies differ."""

    until: date
    now: Preview
    then: Preview
    difference: DifferenceOfSums | None
    lines: list[ShownLine]


class ChargePage(msgspec.Struct):
    """Charges."""

    items: list[ChargeItem]


class OpenCharge(ChargeItem, frozen=True, gc=False, kw_only=True):
    """A charge that waits for a decision, and whose it is; ``contract`` is null where no contract covers the work."""

    account: str
    contract: str | None
    customer: str


class OpenChargePage(msgspec.Struct):
    """Charges that wait for a decision; ``total`` where it was asked for."""

    items: list[OpenCharge]
    total: int | msgspec.UnsetType = msgspec.UNSET


class ChargeAnswer(msgspec.Struct):
    """The charge that was decided on, and the event."""

    charge: ChargeItem
    events: list[Event]


class SourceEvent(msgspec.Struct):
    """An event that a line rests on: where it stands in the log, and when it happened."""

    id: str
    type: str
    stream: str
    version: int
    occurred_at: datetime
    recorded_at: datetime


class Clause(msgspec.Struct):
    """What a place in an agreement says, in the version that a line was rated under."""

    agreement: str
    version: int
    digest: str
    pointer: str
    says: object


class ExplainedFigures(msgspec.Struct):
    """One step of the arithmetic: figures by name, the rule of R1 to R14, and the events that it takes in."""

    name: TraceStepName
    rule: str
    figures: dict[str, object]
    sources: list[str]


class TraceRead(msgspec.Struct):
    """How a line came about."""

    line: ShownLine
    charge: str
    steps: list[ExplainedFigures]
    sentences: list[str]
    language: str
    events: list[SourceEvent]
    clauses: list[Clause]


class TracePage(msgspec.Struct):
    """Each line of a charge, explained."""

    items: list[TraceRead]


class LineTrace(TraceRead):
    """A line of a document, explained."""

    invoice: int
    n: int


class LinePage(msgspec.Struct):
    """Lines."""

    items: list[InvoicedLine]

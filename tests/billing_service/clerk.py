"""A clerk who issues the documents of one account, decides on its charges and keeps the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from billing_service.domain.invoice.credit import ChargeLeft, left_of, taken_back, waived_for_good
from billing_service.domain.invoice.document import document_line
from billing_service.domain.invoice.invoice import difference
from billing_service.domain.invoice.totals import BilledDocument, document_totals, documented_of
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.ledger import Invoiced
from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import billing
from tests.billing_service.conftest import Story

SUMS = ("net", "vat", "gross", "payable")


def as_charged(line: ChargeLine) -> ChargeLine:
    """The line of a document as the ledger has it."""
    return ChargeLine(**{name: getattr(line, name) for name in ChargeLine.__struct_fields__})


class Clerk:
    """Issues the documents of one account and keeps the ledger."""

    def __init__(self, account: Story) -> None:
        self.account = account
        self.documents: list[BilledDocument] = []
        self.credited: set[int] = set()

    @property
    def ledger(self) -> Invoiced:
        return Invoiced(tuple(line for each in self.documents for line in each.lines), len(self.documents))

    def statement(self, until: date) -> Statement:
        return self.account.rate(until.isoformat(), invoiced=self.ledger)

    def issue(self, until: date) -> BilledDocument:
        return self._add(difference(self.statement(until).lines, self.ledger.lines), until)

    def credit(self, number: int, then: str, until: date) -> BilledDocument | None:
        """What is left of a document; None where nothing is."""
        if number in self.credited:
            return None
        lines = [document_line(line, self.account.id, None) for line in self.documents[number - 1].lines]
        left = left_of(lines, {self.account.id: self.ledger.lines})
        if not sum(each.amount for each in left):
            return None
        self.credited.add(number)
        if then == "reissue":
            return self._add(taken_back(left), until)
        waived: list[ChargeLine] = []
        for each in left:
            if each.amount or each.draws:
                event = self._waive(each, until)
                waived += waived_for_good(each, reason="sorry", actor="clerk-1", decision=event)
        return self._add(waived, until)

    def decision(self, charge: str) -> billing.ChargeDecided | None:
        """The last decision on a charge."""
        decided = [each.event for each in self.account.events if isinstance(each.event, billing.ChargeDecided)]
        return next((each for each in reversed(decided) if each.charge == charge), None)

    def decide(self, place: int, decision: Literal["charge", "waive"], until: date) -> None:
        """A clerk decides on a charge, where that is possible: not yet decided, or charged and invoiced and now waived."""
        statement = self.statement(until)
        lines = [each for each in (*statement.proposed, *statement.lines) if each.ticket is not None]
        if not lines:
            return
        charge = lines[place % len(lines)].charge
        before = self.decision(charge)
        is_billed = any(line.charge == charge for line in self.ledger.lines)
        if before is None or (before.decision == "charge" and decision == "waive" and is_billed):
            self.account.decide(charge, decision, f"{until} 13:00")

    def sums(self) -> list[Decimal]:
        return [sum((getattr(d.totals, name).amount for d in self.documents), Decimal(0)) for name in SUMS]

    def _waive(self, left: ChargeLeft, until: date) -> str:
        earlier = self.decision(left.charge)
        at_most: Decimal | None = left.amount
        minutes = left.drawn_minutes
        if earlier is not None and earlier.decision == "waive":
            at_most = None if earlier.at_most is None else left.amount + earlier.at_most
            minutes += earlier.at_most_minutes or 0
        event = billing.ChargeDecided(
            charge=left.charge,
            contract=self.account.id,
            ticket=None,
            decision="waive",
            reason=billing.SealedText("sorry"),
            at_most=at_most,
            at_most_minutes=None if at_most is None else minutes,
        )
        return self.account.add(f"charge-{left.charge}", event, f"{until} 12:00")

    def _add(self, lines: Sequence[ChargeLine], until: date) -> BilledDocument:
        statement = self.statement(until)
        frame = statement.currency, statement.cash_rounding
        documented = documented_of(self.account.id, self.documents, *frame)
        totals = document_totals(list(lines), self.ledger.lines, documented, *frame)
        number = len(self.documents) + 1
        kept = tuple(as_charged(each) for each in lines)
        document = BilledDocument(number=number, contract=self.account.id, totals=totals, lines=kept)
        self.documents.append(document)
        return document

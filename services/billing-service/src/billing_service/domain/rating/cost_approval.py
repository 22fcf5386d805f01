"""The cost gate: raw billable minutes beyond the limit are held until the customer decides (R10)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from billing_service.domain.facts.account import CostDecision
from billing_service.domain.rating.work import Piece, resting_on
from billing_service.domain.statement.statement import Violation
from fristwerk_language.terms import AgreementDocument


class Gated(msgspec.Struct, frozen=True, gc=False):
    """What became of a ticket's billable pieces; an entry may be split between the three."""

    passed: list[Piece]
    held: list[Piece]
    written_off: list[Piece]
    violations: list[Violation]


class _Gate:
    """The gate while a ticket's work and decisions are walked through in the order in which they
    happened.
    """

    def __init__(self) -> None:
        self.used = 0
        self.extra = 0
        self.is_open = False
        self.approvals: list[str] = []
        self.waiting: deque[Piece] = deque()
        self.passed: list[Piece] = []
        self.written_off: list[Piece] = []

    def admit(self, piece: Piece) -> None:
        room = self._room(piece)
        if room >= piece.minutes:
            self._let_pass(piece)
            return
        if room > 0:
            self._let_pass(_shortened(piece, room))
        self.waiting.append(_shortened(piece, piece.minutes - max(room, 0)))

    def approve(self, event: str, extra_minutes: int | None) -> None:
        self.approvals.append(event)
        if extra_minutes is None:
            self.is_open = True
        else:
            self.extra += extra_minutes
        waiting, self.waiting = self.waiting, deque()
        for piece in waiting:
            self.admit(piece)

    def reject(self) -> None:
        self.written_off += self.waiting
        self.waiting = deque()

    def _room(self, piece: Piece) -> int:
        gate = piece.agreement.cost_approval
        return piece.minutes if gate is None or self.is_open else gate.after_minutes + self.extra - self.used

    def _let_pass(self, piece: Piece) -> None:
        self.used += piece.minutes
        gate = piece.agreement.cost_approval
        beyond = gate is not None and self.used > gate.after_minutes
        self.passed.append(resting_on(piece, self.approvals) if beyond else piece)


def hold(
    agreement: AgreementDocument, ticket: str, pieces: Sequence[Piece], decisions: Sequence[CostDecision]
) -> Gated:
    """Raw minutes add up over the ticket's life; more than the limit is held, the limit itself is
    not.

    An approval raises the limit, by a number of minutes or for good, and frees what waits; a
    rejection writes off what waits at that moment. Each approval's number is decided once.
    ``pieces`` are the billable ones in the order of their start, each under the gate of its own
    terms; ``agreement`` is the ticket's newest.
    """
    gate = _Gate()
    pending = deque(decisions)
    decided: set[int] = set()
    gates = [agreement, *(piece.agreement for piece in pieces)]
    violations = _without_gate(ticket, decisions) if all(each.cost_approval is None for each in gates) else []
    for piece in pieces:
        while pending and pending[0].stamp.occurred_at < piece.start:
            _decide(gate, pending.popleft(), decided)
        gate.admit(piece)
    for decision in pending:
        _decide(gate, decision, decided)
    passed = sorted(gate.passed, key=lambda piece: (piece.start, piece.entry))
    return Gated(_joined(passed), list(gate.waiting), gate.written_off, violations)


def _decide(gate: _Gate, decision: CostDecision, decided: set[int]) -> None:
    if decision.number in decided:
        return
    decided.add(decision.number)
    if decision.approved:
        gate.approve(decision.stamp.event, decision.extra_minutes)
    else:
        gate.reject()


def _without_gate(ticket: str, decisions: Sequence[CostDecision]) -> list[Violation]:
    detail = f"Ticket {ticket}: costs were decided on, but its agreement has no cost approval."
    return [Violation("approval_without_gate", detail)] if decisions else []


def _shortened(piece: Piece, minutes: int) -> Piece:
    return piece if minutes == piece.minutes else msgspec.structs.replace(piece, minutes=minutes)


def _joined(passed: list[Piece]) -> list[Piece]:
    """The parts of one entry that passed at different times, as one piece again."""
    joined: list[Piece] = []
    for piece in passed:
        if joined and joined[-1].entry == piece.entry:
            sources = tuple(dict.fromkeys((*joined[-1].sources, *piece.sources)))
            minutes = joined[-1].minutes + piece.minutes
            joined[-1] = msgspec.structs.replace(joined[-1], minutes=minutes, sources=sources)
        else:
            joined.append(piece)
    return joined

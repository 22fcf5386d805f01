"""Sorting: where each logged minute of a ticket belongs, before anything is grouped or priced."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from billing_service.domain.facts.account import BilledTicket
from billing_service.domain.rating import cost_approval, coverage, work
from billing_service.domain.rating.work import Piece, TermsInForce
from billing_service.domain.statement.statement import Remark, Violation
from fristwerk_language.terms.coverage import is_unknown_word


class ClassifiedWork(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A ticket's pieces, each minute in one place. ``coverage`` is the clause that made an entry
    free; ``internal`` work is on no line.

    ``unresolved`` are those that do not count yet (``bill_when: resolved``). ``logged_minutes`` is
    the whole, as corrected.
    """

    ticket: BilledTicket
    logged_minutes: int
    in_force: TermsInForce
    free: list[Piece]
    coverage: dict[str, str]
    internal: list[Piece]
    preparation: list[Piece]
    billable: list[Piece]
    held: list[Piece]
    written_off: list[Piece]
    unresolved: list[Piece]
    violations: list[Violation]


def classify_work(ticket: BilledTicket, in_force: TermsInForce) -> ClassifiedWork:
    """A ticket's work after corrections, classes, the cost gate and ``bill_when``."""
    entries, violations = work.corrected(ticket)
    classes: dict[str, list[Piece]] = {"free": [], "internal": [], "preparation": [], "billable": []}
    clauses: dict[str, str] = {}
    verdicts: dict[tuple[str, bool, int, str | None], coverage.WorkClass] = {}
    for piece in work.pieces(ticket, in_force, entries):
        kind = piece.activity, piece.appointment is not None, piece.version, piece.performer
        if kind not in verdicts:
            verdicts[kind] = coverage.class_of_work(piece, ticket)
        classes[verdicts[kind].verdict].append(piece)
        clauses[piece.entry] = verdicts[kind].clause
    gated = cost_approval.hold(in_force.newest[1], ticket.id, classes["billable"], ticket.cost_decisions)
    free, unresolved_free = counted(classes["free"], ticket)
    billable, unresolved = counted(gated.passed, ticket)
    return ClassifiedWork(
        ticket=ticket,
        logged_minutes=sum(entry.minutes for entry in entries),
        in_force=in_force,
        free=free,
        coverage=clauses,
        internal=classes["internal"],
        preparation=classes["preparation"],
        billable=billable,
        held=gated.held,
        written_off=gated.written_off,
        unresolved=[*unresolved_free, *unresolved],
        violations=[*violations, *gated.violations],
    )


def remarks(tickets: Iterable[ClassifiedWork]) -> tuple[Remark, ...]:
    """Words that no coverage rule knows, where the agreement lists none: a misspelt one costs money."""
    unknown = {
        (piece.ticket, piece.agreement.agreement, piece.activity)
        for each in tickets
        for piece in (*each.billable, *each.held)
        if is_unknown_word(piece.agreement, piece.activity)
    }
    return tuple(
        Remark(
            "unknown_activity",
            f"Ticket {ticket}: no coverage rule of the agreement {agreement} knows the activity {activity!r}.",
            ticket,
        )
        for ticket, agreement, activity in sorted(unknown)
    )


def counted(pieces: list[Piece], ticket: BilledTicket) -> tuple[list[Piece], list[Piece]]:
    """The pieces that count already, and those that do not yet.

    Under ``bill_when: resolved`` a piece counts once the ticket was resolved or closed at or after
    its start, and then rests on that event too; reopening takes nothing back.
    """
    counts: list[Piece] = []
    waits: list[Piece] = []
    for piece in pieces:
        if piece.agreement.lifecycle.bill_when == "logged":
            counts.append(piece)
        elif done := next((each for each in ticket.done if each.stamp.occurred_at >= piece.start), None):
            counts.append(work.resting_on(piece, [done.stamp.event]))
        else:
            waits.append(piece)
    return counts, waits

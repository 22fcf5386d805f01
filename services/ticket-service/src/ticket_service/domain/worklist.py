"""The order in which tickets are taken up, and which of them can be.

The agreement names the keys; ``due_at`` is never one of them: the order is a promise of its own, not a reaction to timers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

import msgspec

from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.agreement import Rank, WorklistKey
from ticket_service.domain.ticket.lifecycle import WORKABLE
from ticket_service.domain.ticket.state import QUEUE, Ticket, TicketState

SortKey = tuple[tuple[int, ...], str]
SeverityKey = tuple[int, int]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Of a ticket only what its place rests on and what lists are filtered by: thousands of them are kept in order.

    ``position`` is where in the log it changed last.
    """

    id: str
    position: int
    reference: str
    customer: str
    contract: str | None = None
    agreement: str
    agreement_version: int
    state: TicketState
    assignee: str | None
    department: str | None = None
    level: str | None = None
    site: str | None = None
    group: str | None = None
    opened_by: str | None = None
    type: str
    severity: str | None
    priority: int
    channel: str
    received_at: datetime

    @property
    def unassigned(self) -> bool:
        """Whether nobody has the ticket yet."""
        return self.assignee is None or self.assignee == QUEUE


_OF_TICKET: Final = [name for name in Placed.__struct_fields__ if name != "position"]


def placed(ticket: Ticket, position: int) -> Placed:
    """What the ticket's place rests on; ``position`` is where in the log it changed last."""
    return Placed(position=position, **{name: getattr(ticket, name) for name in _OF_TICKET})


def sort_key(ticket: Ticket | Placed, group: str | None, agreement: AgreementDocument) -> SortKey:
    """The ticket's place by its agreement: the smallest comes first.

    ``group`` is that of the contract that serves the ticket now: the place follows the present, entitlement does not. Keys
    of different agreements compare without error. What is equal in all keys stands in order of receipt, then of reference.
    """
    keys = tuple(_value(key, ticket, group, agreement) for key in agreement.worklist.order)
    return (*keys, _microseconds(ticket.received_at)), ticket.reference


def severity_key(ticket: Ticket | Placed, agreement: AgreementDocument) -> SeverityKey:
    """The ticket's place by its severity alone, on the agreement's scale, then by receipt: the smallest comes first."""
    return _severity(ticket.severity, agreement), _microseconds(ticket.received_at)


def is_workable(ticket: Ticket | Placed) -> bool:
    """Whether it is the vendor's turn: nothing is awaited from the customer, and the matter is not done."""
    return ticket.state in WORKABLE


def is_free(ticket: Ticket | Placed) -> bool:
    """Whether ``next`` may give the ticket to somebody: workable, and nobody has it."""
    return is_workable(ticket) and ticket.unassigned


def _value(key: WorklistKey, ticket: Ticket | Placed, group: str | None, agreement: AgreementDocument) -> int:
    match key:
        case "group":
            return _place(group, [each.id for each in agreement.groups])
        case "rank":
            return _rank(ticket, group, agreement.worklist.rank)
        case "type":
            return _place(ticket.type, [each.id for each in agreement.ticket_types])
        case "priority":
            return ticket.priority
        case "severity":
            return _severity(ticket.severity, agreement)
        case "received_at":
            return _microseconds(ticket.received_at)
        case _:
            assert_never(key)


def _severity(severity: str | None, agreement: AgreementDocument) -> int:
    """The place on the scale. Not set yet is the last; where the strictest target holds until then, the first."""
    if severity is None and agreement.unclassified == "strictest":
        return -1
    return _place(severity, [each.id for each in agreement.severities])


def _rank(ticket: Ticket | Placed, group: str | None, ranks: list[Rank]) -> int:
    """The first line all of whose named keys fit; behind them all where none does."""
    facts = {"type": ticket.type, "severity": ticket.severity, "group": group, "channel": ticket.channel}
    fits = (all(getattr(rank, key) in {None, value} for key, value in facts.items()) for rank in ranks)
    return next((place for place, fit in enumerate(fits) if fit), len(ranks))


def _place(value: str | None, order: list[str]) -> int:
    return order.index(value) if value in order else len(order)


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND

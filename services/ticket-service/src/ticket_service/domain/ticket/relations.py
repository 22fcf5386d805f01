"""Duplicates, links and split matters: what becomes of both tickets, as facts for the stream of each.

The two tickets are appended to in one transaction. Whoever derives clocks or charges reads one stream at a time, so the
fact that a ticket gains time carries that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from fristwerk_language.events.relations import (
    CarriedEntry,
    DuplicateMerged,
    LinkKind,
    MergedInto,
    SplitFrom,
    SplitOff,
    TicketLinked,
    TicketUnlinked,
)
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import Link, Merge, RelationCommand, Split, Unlink
from ticket_service.domain.ticket.state import Ticket, TicketLink
from ticket_service.domain.validation import Violations, personal

OPPOSITE: Final[dict[LinkKind, LinkKind]] = {
    "related": "related",
    "causes": "caused_by",
    "caused_by": "causes",
    "blocks": "blocked_by",
    "blocked_by": "blocks",
    "part_of": "has_part",
    "has_part": "part_of",
}
"""What a linked ticket is to the other one."""
PERFORMERS: Final[dict[str, Literal["employee", "partner"]]] = {"employee": "employee", "partner": "partner"}
Facts = list[DecidedEvent]


def relate(ticket: Ticket, command: RelationCommand, other: Ticket | None) -> Facts:
    """The facts of a command for the ticket it was given to; ``other`` is the one that it names. Raises a refusal."""
    if isinstance(command, Split):
        return _split(ticket, command)
    assert other is not None, "a command that names another ticket is decided with it"
    match command:
        case Merge():
            _check_merge(ticket, command, other)
            return [
                DecidedEvent(MergedInto(ticket=other.id, reference=other.reference), personal(reason=command.reason))
            ]
        case Link(kind=kind):
            _check_link(ticket, command, other)
            return [DecidedEvent(TicketLinked(ticket=other.id, reference=other.reference, kind=kind))]
        case Unlink(kind=kind):
            if _link(kind, other) not in ticket.links:
                sentence = f"the ticket {ticket.reference} has no link {kind} to it"
                raise NotAcceptable("There is no such link.", [("/to", sentence)])
            return [DecidedEvent(TicketUnlinked(ticket=other.id, reference=other.reference, kind=kind))]


def counterpart(ticket: Ticket, command: RelationCommand) -> Facts:
    """What the same command brings about on the other ticket, or, for a split, on the new one."""
    this = {"ticket": ticket.id, "reference": ticket.reference}
    match command:
        case Merge():
            return [DecidedEvent(DuplicateMerged(**this, entries=_carried(ticket, _movable(ticket))))]
        case Link(kind=kind):
            return [DecidedEvent(TicketLinked(**this, kind=OPPOSITE[kind]))]
        case Unlink(kind=kind):
            return [DecidedEvent(TicketUnlinked(**this, kind=OPPOSITE[kind]))]
        case Split(entries=entries):
            return [DecidedEvent(SplitFrom(**this, entries=_carried(ticket, dict.fromkeys(entries))))]


def _split(ticket: Ticket, command: Split) -> Facts:
    violations = Violations()
    violations.texts(subject=command.subject, reason=command.reason)
    for place, entry in enumerate(command.entries):
        known = ticket.time_entries.get(entry)
        sentence = f"the ticket {ticket.reference} has no time entry {entry}"
        violations.require(known is not None, f"/entries/{place}", sentence)
        if known is not None and known.appointment is not None:
            violations.add(f"/entries/{place}", f"prepares the appointment {known.appointment}, and stays with it")
    violations.raise_if_any(f"The ticket {ticket.reference} cannot be split like this.")
    wanted = list(dict.fromkeys(command.entries))
    off = SplitOff(ticket=command.new_ticket, reference=command.new_reference, entries=wanted)
    return [DecidedEvent(off, personal(reason=command.reason))]


def _check_merge(ticket: Ticket, command: Merge, other: Ticket) -> None:
    violations = Violations()
    violations.texts(reason=command.reason)
    violations.require(other.id != ticket.id, "/into", "is the ticket itself")
    if other.customer != ticket.customer:
        violations.add("/into", f"the ticket {other.reference} is another customer's; move one of the two first")
    if other.merged_into is not None:
        violations.add("/into", f"the ticket {other.reference} was itself merged, into the ticket {other.merged_into}")
    violations.raise_if_any(f"The ticket {ticket.reference} cannot be merged.")
    if open_things := list(_unsettled(ticket)):
        raise NotInThisState(
            "duplicate-not-settled",
            f"The ticket {ticket.reference} cannot be merged while something is promised or awaited on it: "
            f"{', '.join(open_things)}.",
        )


def _check_link(ticket: Ticket, command: Link, other: Ticket) -> None:
    violations = Violations()
    violations.require(other.id != ticket.id, "/to", "is the ticket itself")
    violations.require(_link(command.kind, other) not in ticket.links, "/to", f"is linked already as {command.kind}")
    violations.raise_if_any(f"The ticket {ticket.reference} cannot be linked like this.")


def _link(kind: LinkKind, other: Ticket) -> TicketLink:
    return TicketLink(kind=kind, ticket=other.id, reference=other.reference)


def _movable(ticket: Ticket) -> list[str]:
    """The time that a duplicate brings: what prepares an appointment stays with that."""
    return [entry for entry, each in ticket.time_entries.items() if each.appointment is None]


def _carried(ticket: Ticket, entries: Iterable[str]) -> list[CarriedEntry]:
    """Time entries as the other ticket takes them over; one that was corrected to nothing is left behind."""
    return [
        CarriedEntry(
            entry=each.entry,
            start=each.start,
            minutes=each.minutes,
            activity=each.activity,
            agent=each.agent,
            source=each.source,
            performer=each.performer or PERFORMERS.get(ticket.performer or ""),
        )
        for each in map(ticket.time_entries.__getitem__, entries)
        if each.minutes > 0
    ]


def _unsettled(ticket: Ticket) -> Iterator[str]:
    """What somebody waits for on a ticket: closing it as a duplicate would forget the promise."""
    yield from (f"the callback {each.number}" for each in ticket.callbacks if each.completed_at is None)
    for appointment in ticket.appointments:
        if appointment.state in {"requested", "booked", "cancellation_not_written"}:
            yield f"the appointment {appointment.number}"
    yield from (f"the cost approval {each.number}" for each in ticket.cost_approvals if each.state == "requested")
    yield from (f"the escalation {each.number}" for each in ticket.escalations if each.closed_at is None)
    if ticket.deliveries and ticket.deliveries[-1].accepted is None and "awaiting_acceptance" in ticket.waits:
        yield "the acceptance of what was delivered"

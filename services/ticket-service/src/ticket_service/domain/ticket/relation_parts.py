"""How a ticket changes by what happens between it and other tickets, customers or contracts."""

from __future__ import annotations

from fristwerk_language.events import Envelope, relations
from ticket_service.domain.ticket.state import Ticket, TicketLink, TicketMove, TimeEntry
from ticket_service.domain.ticket.ticket_changes import TicketChanges


def changes_after(
    ticket: Ticket, event: relations.RelationEvent | relations.TicketMoved, envelope: Envelope
) -> TicketChanges:
    """What a merge, split, link or move changes."""
    if isinstance(event, relations.TicketMoved):
        return _moved(ticket, event, envelope.version)
    changes = TicketChanges(
        links=links_after(ticket.links, event), time_entries=entries_after(ticket.time_entries, event)
    )
    if isinstance(event, relations.MergedInto):
        return changes | TicketChanges(merged_into=event.ticket, closed_at=envelope.occurred_at)
    if isinstance(event, relations.TakingOver) and event.entries:
        starts = [each.start for each in event.entries]
        changes["work_started_at"] = min(
            starts if ticket.work_started_at is None else (ticket.work_started_at, *starts)
        )
    return changes


def links_after(links: tuple[TicketLink, ...], event: relations.RelationEvent) -> tuple[TicketLink, ...]:
    """A ticket's links after an event; a repeated link is one."""
    match event:
        case relations.TicketUnlinked():
            gone = TicketLink(kind=event.kind, ticket=event.ticket, reference=event.reference)
            return tuple(each for each in links if each != gone)
        case relations.TicketLinked():
            new = TicketLink(kind=event.kind, ticket=event.ticket, reference=event.reference)
        case relations.MergedInto():
            new = TicketLink(kind="duplicate_of", ticket=event.ticket, reference=event.reference)
        case relations.DuplicateMerged():
            new = TicketLink(kind="duplicate", ticket=event.ticket, reference=event.reference)
        case relations.SplitOff():
            new = TicketLink(kind="split_off", ticket=event.ticket, reference=event.reference)
        case relations.SplitFrom():
            new = TicketLink(kind="split_from", ticket=event.ticket, reference=event.reference)
    return (*(each for each in links if each != new), new)


def entries_after(entries: dict[str, TimeEntry], event: relations.RelationEvent) -> dict[str, TimeEntry]:
    """A ticket's time entries after an event: what counts with another ticket is no longer its own."""
    match event:
        case relations.MergedInto():
            return {entry: each for entry, each in entries.items() if each.appointment is not None}
        case relations.SplitOff():
            return {entry: each for entry, each in entries.items() if entry not in event.entries}
        case relations.DuplicateMerged() | relations.SplitFrom():
            return entries | {each.entry: _taken_over(each, event.ticket) for each in event.entries}
        case relations.TicketLinked() | relations.TicketUnlinked():
            return entries


def _moved(ticket: Ticket, event: relations.TicketMoved, version: int) -> TicketChanges:
    """What a move changes; ``version`` is the event's."""
    move = TicketMove(
        version=version,
        from_customer=event.from_customer,
        from_contract=event.from_contract,
        customer=event.customer,
        sealed_for=event.sealed_for,
    )
    return {
        "customer": event.customer,
        "contract": event.contract,
        "plan": event.plan,
        "site": event.site,
        "addons": tuple(event.addons),
        "agreement": event.agreement,
        "agreement_version": event.agreement_version,
        "calendar": event.calendar,
        "calendar_version": event.calendar_version,
        "type": event.type,
        "severity": event.severity,
        "group": event.group,
        "entitled": event.entitled,
        "entitled_by": event.entitled_by,
        "entitled_why": event.entitled_why,
        "moves": (*ticket.moves, move),
    }


def _taken_over(entry: relations.CarriedEntry, ticket: str) -> TimeEntry:
    return TimeEntry(
        entry=entry.entry,
        start=entry.start,
        minutes=entry.minutes,
        activity=entry.activity,
        agent=entry.agent,
        source=entry.source,
        performer=entry.performer,
        from_ticket=ticket,
    )

"""How events between two tickets change a ticket's links and the time that counts with it."""

from __future__ import annotations

from fristwerk_language.events import relations
from ticket_service.domain.ticket.state import TicketLink, TimeEntry


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

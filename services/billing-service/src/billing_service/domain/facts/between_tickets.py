"""Facts about time that goes from one ticket to another, and tickets that go from one account to another."""

from __future__ import annotations

from billing_service.domain.facts.account import FactStamp, HandedOver, LoggedWork, Stay
from billing_service.domain.facts.fact_events import HandingOver
from fristwerk_language.events import relations
from fristwerk_language.events import tickets as events


def stay(stamp: FactStamp, event: events.TicketCreated | relations.TicketMoved) -> Stay:
    """Where a ticket is billed since it was opened or moved."""
    return Stay(
        stamp=stamp,
        account=event.contract or event.customer,
        plan=event.plan,
        group=event.group,
        entitled_by=event.entitled_by,
        agreement=event.agreement,
        agreement_version=event.agreement_version,
        type=event.type,
        site=event.site,
    )


def handed_over(stamp: FactStamp, event: HandingOver) -> HandedOver:
    """Which time counts with another ticket since a merge or a split."""
    match event:
        case relations.MergedInto():
            return HandedOver(stamp=stamp, entries=None)
        case relations.SplitOff(entries=entries):
            return HandedOver(stamp=stamp, entries=frozenset(entries))


def taken_over(stamp: FactStamp, entry: relations.CarriedEntry) -> LoggedWork:
    """An entry as if it was logged with the event that brought it."""
    return LoggedWork(
        stamp=stamp,
        entry=entry.entry,
        start=entry.start,
        minutes=entry.minutes,
        activity=entry.activity,
        appointment=None,
        performer=entry.performer,
    )

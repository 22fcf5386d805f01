"""The time that counts with a ticket: logged on it, corrected, brought by another ticket or gone to one."""

from __future__ import annotations

from fristwerk_language.events import relations, tickets
from sla_service.domain.calendar.epoch import seconds_of
from sla_service.domain.timers.timeline import Moment, WorkEntry

TimeEvent = (
    tickets.TimeLogged
    | tickets.TimeLogCorrected
    | relations.MergedInto
    | relations.SplitOff
    | relations.DuplicateMerged
    | relations.SplitFrom
)


class WorkLog:
    """Takes a ticket's work in the order in which it occurred. What was entered before what decides by version."""

    def __init__(self) -> None:
        self._logged: dict[str, tuple[Moment, tickets.TimeLogged]] = {}
        self._corrections: dict[str, tuple[int, int]] = {}
        self._brought: dict[str, int] = {}
        self._gone: list[tuple[int, frozenset[str] | None]] = []

    def note(self, moment: Moment, event: TimeEvent) -> None:
        """Take an event. Time of another ticket is as if it was logged here with the event that brings it."""
        match event:
            case tickets.TimeLogged():
                self._logged.setdefault(event.entry, (moment, event))
            case tickets.TimeLogCorrected():
                self._corrections[event.entry] = moment.version, event.minutes
            case relations.MergedInto():
                self._gone.append((moment.version, None))
            case relations.SplitOff(entries=entries):
                self._gone.append((moment.version, frozenset(entries)))
            case relations.DuplicateMerged(entries=entries) | relations.SplitFrom(entries=entries):
                self._logged |= {each.entry: (moment, _as_logged(each)) for each in entries}
                self._brought |= {each.entry: moment.version for each in entries}

    def entries(self) -> tuple[WorkEntry, ...]:
        """The time entries by their start, without those corrected to nothing and those that went to another
        ticket.
        """
        work = []
        for moment, event in self._logged.values():
            version, minutes = self._corrections.get(event.entry, (0, event.minutes))
            if version < self._brought.get(event.entry, 0):  # an earlier correction is in the minutes that were brought
                minutes = event.minutes
            if minutes > 0 and not self._went(moment, event):
                work.append(
                    WorkEntry(
                        entry=event.entry,
                        start=seconds_of(event.start),
                        seconds=minutes * 60,
                        activity=event.activity,
                        appointment=event.appointment,
                        performer=event.performer,
                        logged=moment,
                    )
                )
        return tuple(sorted(work, key=lambda entry: (entry.start, entry.logged)))

    def _went(self, logged: Moment, event: tickets.TimeLogged) -> bool:
        """Whether the entry counts with another ticket since it was logged; after a merge all but
        preparation.
        """
        return any(
            logged.version < version and (event.appointment is None if entries is None else event.entry in entries)
            for version, entries in self._gone
        )


def _as_logged(entry: relations.CarriedEntry) -> tickets.TimeLogged:
    return tickets.TimeLogged(
        entry=entry.entry,
        start=entry.start,
        minutes=entry.minutes,
        activity=entry.activity,
        agent=entry.agent,
        source=entry.source,
        performer=entry.performer,
    )

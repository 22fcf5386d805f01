"""What if other terms had held: the terms tried instead, and a ticket's timers under them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.reports.comparison import SubstitutedTerms
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.service_levels import ServiceLevels
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timer import TimerSet


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """The terms to try.

    ``levels`` hold instead of a ticket's agreement; None: its own. ``calendars`` hold instead of
    the calendars of those names, ``calendar`` instead of every other one. What is given by its name
    alone holds in the version in force when each ticket was received.
    """

    levels: str | ServiceLevels | None = None
    calendars: Mapping[str, str | Calendar] = {}
    calendar: str | Calendar | None = None

    def timers(self, timeline: Timeline, terms: PublishedTerms) -> TimerSet:
        """The timers that a history would give. Entitlement, group and plan stay as they were
        decided at receipt.

        Raises UnknownTermsError where the agreement names a calendar that nobody published.
        """
        created = timeline.ground
        name, received_at = created.calendar, created.received_at
        levels = terms.agreement_at(self.levels, received_at) if isinstance(self.levels, str) else self.levels
        if levels is not None:
            name = levels.document.calendar_for(created.channel, created.site)
        calendar = self.calendars.get(name, self.calendar)
        if calendar is None and name != created.calendar:
            calendar = name
        compiled = None if calendar is None else _compiled(calendar, terms, received_at)
        return derive_timers(
            timeline, SubstitutedTerms(terms, levels, compiled, self._of_lines(levels, timeline, terms))
        )

    def _of_lines(self, levels: ServiceLevels | None, timeline: Timeline, terms: PublishedTerms) -> dict[str, Calendar]:
        """The calendars of lines: those of the agreement that is tried, else those tried in place of the ticket's own."""
        received_at = timeline.created.received_at
        names = timeline.ground.line_calendars if levels is None else levels.document.line_calendars
        replaced = {name: self.calendars.get(name, self.calendar) for name in names}
        return {
            name: _compiled(name if each is None else each, terms, received_at)
            for name, each in replaced.items()
            if levels is not None or each is not None
        }


def _compiled(calendar: str | Calendar, terms: PublishedTerms, at: datetime) -> Calendar:
    return terms.calendar_at(calendar, at) if isinstance(calendar, str) else calendar

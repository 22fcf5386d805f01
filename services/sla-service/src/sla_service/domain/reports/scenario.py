"""What if other terms had held: the terms tried instead, and a ticket's timers under them."""

from __future__ import annotations

from collections.abc import Mapping

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
    the calendars of those names, ``calendar`` instead of every other one.
    """

    levels: ServiceLevels | None = None
    calendars: Mapping[str, Calendar] = {}
    calendar: Calendar | None = None

    def timers(self, timeline: Timeline, terms: PublishedTerms) -> TimerSet:
        """The timers that a history would give. Entitlement, group and plan stay as they were
        decided at receipt.

        Raises UnknownTermsError where the agreement names a calendar that nobody published.
        """
        created = timeline.created
        name = created.calendar
        if self.levels is not None:
            name = self.levels.document.calendar_for(created.channel, created.site)
        calendar = self.calendars.get(name, self.calendar)
        if calendar is None and name != created.calendar:
            calendar = terms.calendar(name, terms.newest_calendar(name))
        return derive_timers(timeline, SubstitutedTerms(terms, self.levels, calendar))

"""What a ticket's events mean for its timers: states, answers, messages, callbacks and work, each
in order of time.

``read_timeline`` of ``timeline_reader`` makes a timeline from recorded events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from fristwerk_language.events import tickets
from fristwerk_language.events.waits import NOTHING, OpenWaits
from sla_service.domain.timers.ticket_state import DONE, TicketState


class Moment(msgspec.Struct, frozen=True, order=True):
    """When a fact took effect, in whole seconds since the epoch, and the event that says so.

    Moments sort by instant, then by ``place``, their position in the timeline; ``version`` is that
    of the event in its stream, ``event`` its id and ``type`` its stored name.
    """

    at: int
    place: int
    version: int
    event: str
    type: str


class TargetContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a target is looked up by, from ``since`` on. ``ground`` is the ticket as it was opened, or as
    it would have been opened for the customer and contract that it was moved to. ``line_calendars`` are the versions of the
    calendars that lines name for themselves.
    """

    since: Moment
    ground: tickets.TicketCreated
    severity: str | None
    type: str
    agreement_version: int
    calendar_version: int
    line_calendars: Mapping[str, int]


class StatePeriod(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket was in ``state`` from ``since`` until ``until``; None: it still is. ``waits`` is all
    that was awaited, of which the state names the first. ``away``: it was at another level than the
    one that is measured.
    """

    state: TicketState
    waits: OpenWaits = NOTHING
    since: Moment
    until: Moment | None = None
    away: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to call back: the caller's role, and whether it reached the customer or completed
    the callback.
    """

    moment: Moment
    role: str
    reached: bool
    completed: bool


class PromisedCallback(msgspec.Struct, frozen=True, kw_only=True):
    """A promised call, with the attempts at it in order."""

    number: int
    purpose: Literal["failed_transfer", "voicemail", "requested"]
    requested: Moment
    attempts: tuple[Attempt, ...]


class WorkEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A time entry after its last correction: ``seconds`` of work from the instant ``start`` on, by
    ``performer``, where the entry says.
    """

    entry: str
    start: int
    seconds: int
    activity: str
    appointment: int | None
    performer: str | None
    logged: Moment


class MergedAt(msgspec.Struct, frozen=True, kw_only=True):
    """When the ticket was merged as a duplicate, and the reference of the one that it was merged into."""

    moment: Moment
    reference: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as its timers see it.

    ``answers`` are what the customer saw or heard, ``messages`` what the customer sent. ``endings``
    are the moments of ``Resolved`` and ``Closed``, ``notices`` those of ``EffortNoticeSent`` and
    ``CostApprovalRequested``, ``assignments`` pair a moment with the
    agent's id, ``transfers`` with the level, None where a department alone was named. ``merged`` ends
    whatever still runs.
    """

    ticket: str
    created: tickets.TicketCreated
    received: Moment
    contexts: tuple[TargetContext, ...]
    state_periods: tuple[StatePeriod, ...]
    answers: tuple[Moment, ...]
    messages: tuple[Moment, ...]
    endings: tuple[Moment, ...]
    callbacks: tuple[PromisedCallback, ...]
    work_starts: tuple[Moment, ...]
    work: tuple[WorkEntry, ...]
    notices: tuple[Moment, ...]
    assignments: tuple[tuple[Moment, str], ...]
    transfers: tuple[tuple[Moment, str | None], ...] = ()
    merged: MergedAt | None = None

    def context_at(self, moment: Moment) -> TargetContext:
        """The context in force at a moment."""
        found = self.contexts[0]
        for context in self.contexts[1:]:
            if context.since > moment:
                break
            found = context
        return found

    @property
    def ground(self) -> tickets.TicketCreated:
        """Whose ticket it is now, and under which terms."""
        return self.contexts[-1].ground

    @property
    def done(self) -> tuple[StatePeriod, ...]:
        """The periods in which the ticket was resolved or closed; a resolution and the closing
        after it are one.
        """
        result: list[StatePeriod] = []
        for period in self.state_periods:
            if period.state not in DONE:
                continue
            first = result.pop() if result and result[-1].until == period.since else period
            result.append(msgspec.structs.replace(first, until=period.until))
        return tuple(result)

"""Work on a ticket: begun, logged, corrected, and the notice that it takes longer."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.terms.agreement import REMOTE_SESSION
from fristwerk_language.terms.billing import Performer
from ticket_service.domain.ticket.commands.ticket_command import TicketCommand


class StartWork(TicketCommand, frozen=True, kw_only=True):
    word = "work"
    agent: str


class LogTime(TicketCommand, frozen=True, kw_only=True):
    """``minutes`` of work from ``start`` on. ``appointment`` numbers the appointment that was prepared.

    ``performer`` is who did it; None: whom the ticket names.
    """

    word = "time-entries"
    entry: str
    start: datetime
    minutes: int
    activity: str
    agent: str
    note: str | None = None
    appointment: int | None = None
    performer: Performer | None = None


class CorrectTime(TicketCommand, frozen=True, kw_only=True):
    """The entry's minutes are ``minutes`` instead; 0 takes it back."""

    word = "time-entries/{entry}/corrections"
    entry: str
    minutes: int
    reason: str


class SendEffortNotice(TicketCommand, frozen=True, kw_only=True):
    word = "effort-notices"
    text: str


class StartRemoteSession(TicketCommand, frozen=True, kw_only=True):
    """``agent`` is on the customer's computer from now on."""

    word = "remote-sessions"
    agent: str


class StopRemoteSession(TicketCommand, frozen=True, kw_only=True):
    """The session ``number`` is over. ``entry`` is the id of its time entry, of ``minutes``, by default as long as it
    lasted.
    """

    word = "remote-sessions/{n}/end"
    number: int
    entry: str
    minutes: int | None = None
    activity: str = REMOTE_SESSION
    performer: Performer | None = None


RemoteSessionCommand = StartRemoteSession | StopRemoteSession
WorkCommand = StartWork | LogTime | CorrectTime | SendEffortNotice

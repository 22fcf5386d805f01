"""A ticket as it stands: what its events so far amount to, and nothing personal.

Encoded as JSON this is what the API answers as ``{"ticket": {…}}``, for staff and for a customer's portal alike.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from fristwerk_language.events.relations import LinkKind, TimeSource
from fristwerk_language.events.waits import NOTHING, OpenWaits

TicketState = Literal[
    "new",
    "open",
    "in_progress",
    "waiting_customer",
    "waiting_approval",
    "awaiting_acceptance",
    "accepted",
    "resolved",
    "closed",
]
QUEUE: Final = "queue"
"""The assignee that stands for nobody yet."""
DEFAULT_PRIORITY: Final = 3
SHORTEST_APPOINTMENT: Final = timedelta(minutes=1)
"""What an appointment of unknown length takes of its agent's time: two never begin together."""


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic confirmation of receipt that was sent."""

    cost_notice: bool


class TimeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Logged work; ``minutes`` after the last correction. ``performer`` null: whom the ticket names. ``from_ticket`` is the
    ticket it was logged on, if another one.
    """

    entry: str
    start: datetime
    minutes: int
    activity: str
    agent: str
    source: TimeSource
    appointment: int | None = None
    performer: Literal["employee", "partner"] | None = None
    corrected: bool = False
    from_ticket: str | None = None


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """A promised call. ``reached`` says whether any attempt got through, ``completed_by`` the role that called."""

    number: int
    purpose: Literal["failed_transfer", "voicemail", "requested"]
    requested_at: datetime
    attempts: int = 0
    reached: bool = False
    completed_at: datetime | None = None
    completed_by: str | None = None


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """``minutes`` of ``agent`` from ``start`` on. ``cancelled_in_writing`` is null until it is cancelled.

    ``cancellation_not_written`` stands until the cancellation comes in writing, as the agreement asks (``missing``).
    """

    number: int
    kind: str
    state: Literal["requested", "booked", "cancelled", "cancellation_not_written", "held", "missed"] = "requested"
    proposals: tuple[datetime, ...]
    notices: tuple[str, ...] = ()
    start: datetime | None = None
    cancelled_by: Literal["customer", "vendor"] | None = None
    cancelled_at: datetime | None = None
    cancelled_in_writing: bool | None = None
    minutes: int | None = None
    agent: str | None = None
    missing: Literal["writing"] | None = None


def appointment_end(start: datetime, minutes: int | None) -> datetime:
    """The instant from which the agent of an appointment is free again."""
    return start + max(timedelta(minutes=minutes or 0), SHORTEST_APPOINTMENT)


class KeptAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment that an agent has on some ticket."""

    ticket: str
    reference: str
    number: int
    agent: str
    start: datetime
    minutes: int | None = None

    @property
    def end(self) -> datetime:
        """The instant from which the agent is free again."""
        return appointment_end(self.start, self.minutes)


class CostApproval(msgspec.Struct, frozen=True, kw_only=True):
    """``extra_minutes`` null on an approval leaves the end open; ``requested_at`` is null where an earlier version stored it."""

    number: int
    estimate_minutes: int
    state: Literal["requested", "approved", "rejected"] = "requested"
    extra_minutes: int | None = None
    requested_at: datetime | None = None
    decided_at: datetime | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """``accepted`` is null until the customer has said."""

    system: Literal["test", "live"]
    delivered_at: datetime
    accepted: bool | None = None


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """It went to the role ``to``, which ``agent`` holds for this customer; ``asked_for`` is set where that was another.
    ``owner`` is who was made responsible for it since.
    """

    number: int
    to: str
    agent: str | None = None
    asked_for: str | None = None
    raised_at: datetime
    closed_at: datetime | None = None
    by_customer: bool = False
    owner: str | None = None


class EscalationTask(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has to be cleared inside the house before an escalation is closed."""

    number: int
    escalation: int
    agent: str | None = None
    due_at: datetime | None = None
    added_at: datetime
    done_at: datetime | None = None


class RemoteSession(msgspec.Struct, frozen=True, kw_only=True):
    """``agent`` on the customer's computer; ``entry`` is the time entry that the end has logged."""

    number: int
    agent: str
    started_at: datetime
    ended_at: datetime | None = None
    entry: str | None = None


class TicketLink(msgspec.Struct, frozen=True, kw_only=True):
    """What another ticket is to this one. What was merged or split is linked as well, and stays so."""

    kind: LinkKind | Literal["duplicate", "duplicate_of", "split_off", "split_from"]
    ticket: str
    reference: str


class TicketMove(msgspec.Struct, frozen=True, kw_only=True):
    """With the event ``version`` the ticket left this customer and contract; ``sealed_for`` is whose key seals since then."""

    version: int
    from_customer: str
    from_contract: str | None = None
    customer: str
    sealed_for: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One matter. Immutable: every event gives a new one (see ``evolution.evolve``).

    ``priority_rule`` names the rule that derived the priority; null where a person set it or nobody did. ``classification``
    is the one communicated to the customer with the ticket's number. ``last_…_at`` are the latest occurrences so far.
    ``waits`` is all that is awaited; of several the state names the first (see ``fristwerk_language.events.waits``).
    ``follows`` is the id of an earlier ticket about the same matter, such as one on which the customer wrote too late to
    reopen it. ``merged_into`` is the id of the ticket that this one is a duplicate of. ``opened_by`` is who of the customer's
    people opened it; null: the vendor did. ``planned_for`` and ``progress_percent`` are the last that was reported.
    """

    id: str
    reference: str
    version: int
    state: TicketState = "new"
    waits: OpenWaits = NOTHING
    type: str
    severity: str | None = None
    suggested_severity: str | None = None
    priority: int = DEFAULT_PRIORITY
    priority_rule: str | None = None
    group: str | None = None
    entitled: bool
    entitled_by: Literal["contract", "warranty"] | None = None
    entitled_why: str
    assignee: str | None = None
    department: str | None = None
    level: str | None = None
    customer: str
    contract: str | None = None
    plan: str | None = None
    site: str | None = None
    addons: tuple[str, ...] = ()
    agreement: str
    agreement_version: int
    calendar: str
    calendar_version: int
    channel: str
    received_at: datetime
    fields: dict[str, str] = {}
    category: str | None = None
    circumstances: dict[str, bool] = {}
    empty: bool = False
    opened_by: str | None = None
    acknowledged: Acknowledgement | None = None
    classification: str | None = None
    last_activity_at: datetime
    last_customer_message_at: datetime | None = None
    last_response_at: datetime | None = None
    last_progress_at: datetime | None = None
    planned_for: date | None = None
    progress_percent: int | None = None
    work_started_at: datetime | None = None
    effort_notice_at: datetime | None = None
    released_at: datetime | None = None
    resolved_at: datetime | None = None
    reopened_at: datetime | None = None
    closed_at: datetime | None = None
    follows: str | None = None
    feedback_score: int | None = None
    time_entries: dict[str, TimeEntry] = {}
    callbacks: tuple[Callback, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    cost_approvals: tuple[CostApproval, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    escalation_tasks: tuple[EscalationTask, ...] = ()
    remote_sessions: tuple[RemoteSession, ...] = ()
    merged_into: str | None = None
    links: tuple[TicketLink, ...] = ()
    moves: tuple[TicketMove, ...] = ()

    @property
    def moved_here(self) -> int:
        """The version with which the ticket came to its present customer from another one; 0 where it always was."""
        return max((each.version for each in self.moves if each.from_customer != each.customer), default=0)

    @property
    def performer(self) -> str | None:
        """Who does the work, ``employee`` or ``partner``; None where the request did not say."""
        return self.fields.get("performer")

    @property
    def unassigned(self) -> bool:
        """Whether nobody has the ticket yet."""
        return self.assignee is None or self.assignee == QUEUE

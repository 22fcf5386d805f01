"""What a customer sees of a ticket: the matter, not the vendor's house. The one table of it, of events and of the state.

Everybody else who may read a ticket reads every field. What does not stand here is hidden, so whatever is added later is
hidden until somebody decides; a test asks for that decision. The page ``docs/reference/visibility.md`` is written from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fristwerk_language.events import TYPE_NAMES, relations
from fristwerk_language.events import tickets as events
from ticket_service.domain.ticket import state
from ticket_service.domain.ticket.state import Ticket

VENDOR: Final = {"id": "vendor", "role": "vendor"}
"""Who acted, where it was a member of the vendor's staff or one of its systems."""


class EventRule(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an event's ``data`` and of its opened personal part that a customer sees, and those it does not.

    ``own_only``: the event is seen only where the customer's own people caused it.
    """

    data: frozenset[str]
    personal: frozenset[str]
    hidden_data: frozenset[str]
    hidden_personal: frozenset[str]
    own_only: bool = False


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _seen(
    data: str = "", personal: str = "", *, but_not: str = "", nor_personal: str = "", own_only: bool = False
) -> EventRule:
    return EventRule(
        data=_names(data),
        personal=_names(personal),
        hidden_data=_names(but_not),
        hidden_personal=_names(nor_personal),
        own_only=own_only,
    )


CUSTOMER_SEES: Final[Mapping[type[events.TicketEvent], EventRule]] = {
    events.TicketCreated: _seen(
        "reference customer contract plan site addons agreement agreement_version calendar calendar_version type channel"
        " received_at entitled entitled_by entitled_why severity fields follows prices"
        " entitled_by_dating line_calendars category circumstances empty",
        "subject description fields",
        but_not="group source",
        nor_personal="source_id",
    ),
    events.AcknowledgementSent: _seen("cost_notice"),
    events.SeveritySuggested: _seen("severity"),
    events.SeveritySet: _seen("severity", but_not="against", nor_personal="reason"),
    events.TypeChanged: _seen("type"),
    events.CustomerMessageReceived: _seen(
        "channel automatic needs_answer", "text", but_not="source", nor_personal="source_id"
    ),
    events.Responded: _seen("channel visible automatic", "text"),
    events.ProgressReported: _seen("channel planned_for percent", "text"),
    events.InformationRequested: _seen("beside", "question"),
    events.InformationReceived: _seen("", "text", but_not="source", nor_personal="source_id"),
    events.WorkStarted: _seen(but_not="agent"),
    events.TimeLogged: _seen(
        "entry start minutes activity source appointment performer", but_not="agent", nor_personal="note"
    ),
    events.TimeLogCorrected: _seen("entry minutes", nor_personal="reason"),
    events.CallReceived: _seen(
        "call started_at minutes to automatic waited_seconds queued_at answered_at abandoned dedicated",
        "from",
        but_not="source for_agent",
        nor_personal="source_id",
    ),
    events.CallbackRequested: _seen("callback purpose", "purpose"),
    events.CallbackAttempted: _seen("callback reached", nor_personal="text"),
    events.CallbackCompleted: _seen("callback", nor_personal="text"),
    events.VoicemailLeft: _seen("call", "text from"),
    events.TicketNumberCommunicated: _seen("classification channel"),
    events.AppointmentRequested: _seen("appointment kind proposals notices"),
    events.AppointmentBooked: _seen("appointment start minutes agreed", "contact", but_not="agent"),
    events.AppointmentCancelled: _seen("appointment by written missing", "reason"),
    events.AppointmentHeld: _seen("appointment"),
    events.AppointmentMissed: _seen("appointment"),
    events.EffortNoticeSent: _seen("", "text"),
    events.CostApprovalRequested: _seen("approval estimate_minutes beside", "text"),
    events.CostApproved: _seen("approval extra_minutes on_behalf", "contact"),
    events.CostRejected: _seen("approval on_behalf", "contact"),
    events.Delivered: _seen("system beside agreed", "text contact"),
    events.Accepted: _seen("on_behalf", "text contact"),
    events.AcceptanceRefused: _seen("on_behalf", "text contact"),
    events.ReleasedToProduction: _seen(),
    events.RemoteSessionStarted: _seen("session", but_not="agent"),
    events.RemoteSessionEnded: _seen("session entry"),
    events.EscalationRaised: _seen("escalation to agent asked_for", "text", own_only=True),
    events.Resolved: _seen("", "text"),
    events.Reopened: _seen("", "reason"),
    events.Closed: _seen(),
    events.NoAnswerNeeded: _seen(
        "message reopening state waits resolved_at reopened_at last_customer_message_at", nor_personal="reason"
    ),
    events.FeedbackReceived: _seen("score channel", "text"),
    relations.MergedInto: _seen("ticket reference", nor_personal="reason"),
    relations.DuplicateMerged: _seen("ticket reference", but_not="entries"),
    relations.SplitOff: _seen("ticket reference", but_not="entries", nor_personal="reason"),
    relations.SplitFrom: _seen("ticket reference", but_not="entries"),
    relations.TicketMoved: _seen(
        "reference customer contract plan site addons agreement agreement_version calendar calendar_version line_calendars"
        " type severity entitled entitled_by entitled_why",
        but_not="from_customer from_contract sealed_for group",
        nor_personal="reason",
    ),
    events.TermsMigrated: _seen("agreement_version calendar_version line_calendars", but_not="reason"),
}
CUSTOMER_SEES_NOT: Final[frozenset[type[events.TicketEvent]]] = frozenset(
    {
        events.PriorityDerived,
        events.PriorityChanged,
        events.Assigned,
        events.Transferred,
        events.CallTransferAttempted,
        events.EscalationClosed,
        events.EscalationAssigned,
        events.EscalationTaskAdded,
        events.EscalationTaskDone,
        relations.TicketLinked,
        relations.TicketUnlinked,
    }
)
"""Events of which a customer sees nothing, not even that they are there."""
TICKET_SHOWS: Final = _names(
    "id reference version state waits type severity suggested_severity entitled entitled_by entitled_why customer contract"
    " plan site addons agreement agreement_version calendar calendar_version channel received_at fields acknowledged"
    " classification last_customer_message_at last_response_at last_progress_at planned_for progress_percent work_started_at"
    " effort_notice_at category circumstances empty opened_by"
    " released_at resolved_at reopened_at closed_at follows feedback_score time_entries callbacks appointments"
    " cost_approvals deliveries escalations merged_into remote_sessions"
)
"""The fields of a ticket's state that a customer sees; no other can be asked for as a filter of its lists either.

Of the escalations those that the customer's own people raised: a customer is told to whom they went.
"""
PARTS_SHOW: Final[Mapping[type[msgspec.Struct], frozenset[str]]] = {
    state.TimeEntry: _names("entry start minutes activity source appointment performer corrected from_ticket"),
    state.RemoteSession: _names("number started_at ended_at entry"),
    state.Callback: _names("number purpose requested_at attempts reached completed_at"),
    state.Appointment: _names(
        "number kind state proposals notices start cancelled_by cancelled_at cancelled_in_writing minutes missing"
    ),
}
"""The fields of the parts of a ticket that a customer does not see whole."""
_BY_NAME: Final = {TYPE_NAMES[each]: shown for each, shown in CUSTOMER_SEES.items()}


def event_for_customer(envelope: dict[str, Any]) -> dict[str, Any] | None:
    """The envelope as the customer sees it; None where the event is not for its eyes.

    ``personal`` is the opened part, or still sealed: then it stays where the customer may see anything of it.
    """
    rule = _BY_NAME.get(envelope["type"])
    own = envelope["actor"]["role"] == "customer"
    if rule is None or envelope["data"].get("visible") is False or (rule.own_only and not own):
        return None
    data = {name: value for name, value in envelope["data"].items() if name in rule.data}
    personal = envelope["personal"]
    if isinstance(personal, dict):
        personal = {name: value for name, value in personal.items() if name in rule.personal}
    seen = envelope | {"data": data, "personal": (personal or None) if rule.personal else None}
    return seen if own else seen | {"actor": VENDOR, "correlation_id": None, "causation_id": None}


def event_since_a_move(envelope: dict[str, Any], moved_here: int) -> dict[str, Any] | None:
    """What a customer sees of an event when the ticket came to it with the version ``moved_here``.

    What happened before happened under another customer's name: its people's own words and doings are not shown, and of
    what staff did no words.
    """
    if envelope["version"] >= moved_here:
        return envelope
    return None if envelope["actor"]["role"] == "customer" else envelope | {"personal": None}


def line_for_customer(line: bytes) -> bytes | None:
    """A stored line as the customer sees it, its personal part still sealed; None where it is not for its eyes."""
    seen = event_for_customer(msgspec.json.decode(line, type=dict[str, Any]))
    return None if seen is None else msgspec.json.encode(seen)


def request_for_customer(said: dict[str, Any]) -> dict[str, Any]:
    """The opened personal part of the request that became a ticket, as the customer sees it."""
    return {name: value for name, value in said.items() if name in CUSTOMER_SEES[events.TicketCreated].personal}


def ticket_for_customer(ticket: Ticket) -> dict[str, Any]:
    """The ticket's state as the customer sees it."""
    seen = {name: getattr(ticket, name) for name in Ticket.__struct_fields__ if name in TICKET_SHOWS}
    return seen | {
        "time_entries": {entry: _part(each) for entry, each in ticket.time_entries.items()},
        "callbacks": [_part(each) for each in ticket.callbacks],
        "appointments": [_part(each) for each in ticket.appointments],
        "remote_sessions": [_part(each) for each in ticket.remote_sessions],
        "escalations": [each for each in ticket.escalations if each.by_customer],
    }


def _part(part: msgspec.Struct) -> dict[str, Any]:
    shown = PARTS_SHOW[type(part)]
    return {name: getattr(part, name) for name in part.__struct_fields__ if name in shown}

"""What a customer sees of a ticket's events: the matter, not the vendor's house. The one table of it.

Everybody else who may read a ticket reads every field. The page ``docs/reference/visibility.md`` says the same for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fristwerk_language.events import TYPE_NAMES
from fristwerk_language.events import tickets as events


class Shown(msgspec.Struct, frozen=True):
    """The fields of an event's ``data`` and of its opened personal part that a customer sees."""

    data: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()


def _shown(data: str = "", personal: str = "") -> Shown:
    return Shown(frozenset(data.split()), frozenset(personal.split()))


CUSTOMER_SEES: Final[Mapping[type[events.TicketEvent], Shown]] = {
    events.TicketCreated: _shown(
        "reference customer contract plan site addons agreement agreement_version calendar calendar_version type channel"
        " received_at entitled entitled_by entitled_why severity fields follows prices",
        "subject description fields",
    ),
    events.AcknowledgementSent: _shown("cost_notice"),
    events.SeveritySuggested: _shown("severity"),
    events.SeveritySet: _shown("severity"),
    events.TypeChanged: _shown("type"),
    events.CustomerMessageReceived: _shown("channel automatic needs_answer", "text"),
    events.Responded: _shown("channel visible automatic", "text"),
    events.ProgressReported: _shown("channel", "text"),
    events.InformationRequested: _shown("beside", "question"),
    events.InformationReceived: _shown("", "text"),
    events.WorkStarted: _shown(),
    events.TimeLogged: _shown("entry start minutes activity source appointment"),
    events.TimeLogCorrected: _shown("entry minutes"),
    events.CallReceived: _shown("call started_at minutes to automatic", "from"),
    events.CallbackRequested: _shown("callback purpose", "purpose"),
    events.CallbackAttempted: _shown("callback reached"),
    events.CallbackCompleted: _shown("callback"),
    events.VoicemailLeft: _shown("call", "text from"),
    events.TicketNumberCommunicated: _shown("classification channel"),
    events.AppointmentRequested: _shown("appointment kind proposals notices"),
    events.AppointmentBooked: _shown("appointment start minutes agreed", "contact"),
    events.AppointmentCancelled: _shown("appointment by written missing", "reason"),
    events.AppointmentHeld: _shown("appointment"),
    events.AppointmentMissed: _shown("appointment"),
    events.EffortNoticeSent: _shown("", "text"),
    events.CostApprovalRequested: _shown("approval estimate_minutes beside", "text"),
    events.CostApproved: _shown("approval extra_minutes on_behalf", "contact"),
    events.CostRejected: _shown("approval on_behalf", "contact"),
    events.Delivered: _shown("system beside", "text"),
    events.Accepted: _shown("on_behalf", "text contact"),
    events.AcceptanceRefused: _shown("on_behalf", "text contact"),
    events.ReleasedToProduction: _shown(),
    events.Resolved: _shown("", "text"),
    events.Reopened: _shown("", "reason"),
    events.Closed: _shown(),
    events.FeedbackReceived: _shown("score", "text"),
    events.TermsMigrated: _shown("agreement_version calendar_version"),
}
"""An event type that does not stand here is hidden: priorities, assignments, transfers, escalations, attempts to put a
caller through, and whatever is added later until somebody decides.
"""
_BY_NAME: Final = {TYPE_NAMES[each]: shown for each, shown in CUSTOMER_SEES.items()}


def for_customer(envelope: dict[str, Any]) -> dict[str, Any] | None:
    """The envelope, personal part opened, as the customer sees it; None where the event is not for its eyes."""
    shown = _BY_NAME.get(envelope["type"])
    if shown is None or envelope["data"].get("visible") is False:
        return None
    data = {name: value for name, value in envelope["data"].items() if name in shown.data}
    personal = envelope["personal"]
    if isinstance(personal, dict):
        personal = {name: value for name, value in personal.items() if name in shown.personal} or None
    return envelope | {"data": data, "personal": personal}

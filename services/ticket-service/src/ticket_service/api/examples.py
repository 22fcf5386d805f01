"""What good answers look like, for OpenAPI and its readers: the worked examples of the language, as this service shows them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fristwerk_language.examples import line


def _event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(line(name))
    return found


def _data(name: str) -> dict[str, Any]:
    data: dict[str, Any] = _event(name)["data"]
    return data


_CREATED: Final = _event("TicketCreated")
_TICKET_ID: Final = _CREATED["stream"].removeprefix("ticket-")
_OF_TICKET: Final = ("plan", "site", "addons", "agreement", "agreement_version", "calendar", "calendar_version", "type")
_NOT_YET: Final = (
    "suggested_severity",
    "priority_rule",
    "department",
    "level",
    "classification",
    "last_customer_message_at",
    "last_progress_at",
    "work_started_at",
    "effort_notice_at",
    "released_at",
    "resolved_at",
    "reopened_at",
    "closed_at",
    "follows",
    "merged_into",
    "feedback_score",
)
TICKET: Final[dict[str, Any]] = {
    "id": _TICKET_ID,
    "reference": _CREATED["data"]["reference"],
    "version": _event("Responded")["version"],
    "state": "open",
    "waits": [],
    "severity": "kritisch",
    "priority": 3,
    "group": None,
    "assignee": "agent-3",
    **{name: _CREATED["data"][name] for name in ("entitled", "entitled_by", "entitled_why", "customer", "contract")},
    **{name: _CREATED["data"][name] for name in (*_OF_TICKET, "channel", "received_at", "fields")},
    "category": None,
    "empty": False,
    "opened_by": None,
    "circumstances": {},
    "planned_for": "2026-06-09",
    "progress_percent": 40,
    "acknowledged": {"cost_notice": True},
    "last_activity_at": _event("Responded")["occurred_at"],
    "last_response_at": _event("Responded")["occurred_at"],
    **dict.fromkeys(_NOT_YET),
    "time_entries": {},
    "callbacks": [],
    "appointments": [],
    "cost_approvals": [],
    "deliveries": [],
    "escalations": [],
    "escalation_tasks": [],
    "remote_sessions": [],
}
PERSONAL: Final[dict[str, Any]] = {
    "subject": "Lohnlauf bricht ab",
    "description": "Fehler 17 beim Abschluss",
    "fields": {"phone": "+41 41 000 00 00"},
}
TICKET_ANSWER: Final[dict[str, Any]] = {"ticket": TICKET, "events": [_event("Responded")]}
OPENED_EVENT: Final[dict[str, Any]] = _event("Responded") | {"personal": {"text": "Der Lohnlauf ist korrigiert."}}
CALL_TAKEN: Final[dict[str, Any]] = {"ticket": TICKET, "events": [_event("CallReceived")]}
_CALLED: Final = _data("CallReceived")
CALL: Final[dict[str, Any]] = {
    "id": _CALLED["call"],
    "from": "+49 40 000001",
    **{name: _CALLED[name] for name in ("to", "started_at", "minutes")},
    "automatic": False,
    "queued_at": "2026-05-13T13:49:10Z",
    "answered_at": "2026-05-13T13:50:00Z",
    "waited_seconds": 50,
    "abandoned": False,
    "dedicated": False,
    "for_agent": None,
    "taken_by": "agent-3",
    "customer": TICKET["customer"],
    "ticket": TICKET["id"],
    "reference": TICKET["reference"],
    "dismissed_at": None,
    "transfers": [{"to": "specialist", "result": "failed"}],
    "voicemail": None,
}
_KEPT: Final = ("id", "started_at", "minutes", "to", "dedicated", "for_agent")
CALL_DISMISSED: Final[dict[str, Any]] = {
    "call": {name: CALL[name] for name in _KEPT} | {"customer": None},
    "events": [_event("CallDismissed")],
}
_SIGNED: Final = _data("ContractSigned")
CONTRACT: Final[dict[str, Any]] = {
    "id": _SIGNED["contract"],
    "customer": _SIGNED["customer"],
    "agreement": _SIGNED["agreement"],
    "agreement_version": 1,
    "plan": _SIGNED["plan"],
    "package_hours": _SIGNED["package_hours"],
    "site": None,
    "group": None,
    "from": _SIGNED["from"],
    "until": None,
    "addons": [{"addon": "dedicated_support", "from": "2026-06-16", "until": None}],
    "packages": [_data("PackagePurchased")],
}
CONTRACT_CHANGED: Final[dict[str, Any]] = {"contract": CONTRACT, "events": [_event("ContractSigned")]}
PACKAGE_BOUGHT: Final[dict[str, Any]] = {
    "contract": CONTRACT,
    "package": {"id": _data("PackagePurchased")["package"], "hours": 8, "from": "2026-07-01"},
    "events": [_event("PackagePurchased")],
}
ADDON_CHANGED: Final[dict[str, Any]] = {
    "contract": CONTRACT,
    "addon": {"id": "dedicated_support", "addon": "dedicated_support", "from": "2026-06-16", "until": None},
    "events": [_event("AddonBooked")],
}
_REGISTERED: Final = _data("CustomerRegistered")
_CUSTOMER: Final[dict[str, Any]] = {
    "id": _REGISTERED["customer"],
    **{name: _REGISTERED[name] for name in ("kind", "language", "country", "vat_id", "name", "address")},
    "devices": [],
    "contacts": {"customer_success_manager": "csm-7"},
    "surveys": [],
    "suggestions": [],
    "portal_users": {},
    "forgotten": False,
    "times_forgotten": 0,
}
CUSTOMER: Final[dict[str, Any]] = _CUSTOMER | {
    "version": 2,
    "contact": {"name": "Vera Muster", "phone": "+41 41 000 00 00"},
}
CUSTOMER_CHANGED: Final[dict[str, Any]] = {"customer": _CUSTOMER, "events": [_event("CustomerRegistered")]}
DEVICE_ADDED: Final[dict[str, Any]] = {
    "device": {"id": _data("DeviceRegistered")["device"]} | _data("DeviceRegistered"),
    "events": [_event("DeviceRegistered")],
}
CONTACT_ADDED: Final[dict[str, Any]] = {
    "contact": {"id": "customer_success_manager", "role": "customer_success_manager", "agent": "csm-7"},
    "events": [_event("ContactAssigned")],
}
_INVITED: Final = _data("PortalUserInvited")
_PORTAL_USER: Final[dict[str, Any]] = {
    **{name: _INVITED[name] for name in ("user", "administrator")},
    "state": "invited",
    "invited_at": _event("PortalUserInvited")["occurred_at"],
    "activated_at": None,
    "ended_at": None,
}
PORTAL_USER: Final[dict[str, Any]] = _PORTAL_USER | {"email": "vera@muster.example", "name": "Vera Muster"}
PORTAL_USER_CHANGED: Final[dict[str, Any]] = {"portal_user": _PORTAL_USER, "events": [_event("PortalUserInvited")]}
PORTAL_USER_EVENT: Final[dict[str, Any]] = _event("PortalAccessEnded") | {
    "personal": {"reason": "Hat das Haus verlassen"}
}
_AGENT: Final[dict[str, Any]] = {
    **{name: _data("AgentRegistered")[name] for name in ("agent", "role", "groups", "department", "site", "languages")},
    "calendar": _data("AgentRegistered")["calendar"],
    "absences": [
        {"number": 1, "from": "2026-06-15T07:00:00Z", "until": "2026-06-20T07:00:00Z", "deputy": "tom"},
    ],
}
AGENT: Final[dict[str, Any]] = _AGENT | {"version": 2, "absent_until": "2026-06-20T07:00:00Z", "stand_in": "tom"}
AGENT_CHANGED: Final[dict[str, Any]] = {"agent": _AGENT | {"absences": []}, "events": [_event("AgentRegistered")]}
ABSENCE_ENTERED: Final[dict[str, Any]] = {"agent": _AGENT, "events": [_event("AbsenceEntered")]}
ABSENCE_ENDED: Final[dict[str, Any]] = {"agent": _AGENT, "events": [_event("AbsenceEnded")]}
FORGETTING: Final[dict[str, Any]] = {
    "forgetting": {
        "customer": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
        "readable": True,
        "consequences": [{"name": "logged_work", "sentence": "60 minutes were logged: HH-2026-000017 is concerned"}],
        "kept": {"until": "2034-12-31", "country": "DE", "years": 8, "source": "§ 147 AO, § 14b UStG"},
    }
}
OVERVIEW: Final[dict[str, Any]] = {
    "customer": CUSTOMER,
    "open_tickets": [TICKET],
    "contracts": [CONTRACT],
    "contacts": CUSTOMER["contacts"],
}
CALENDAR: Final[dict[str, Any]] = _data("CalendarPublished")
AGREEMENT: Final[dict[str, Any]] = _data("AgreementPublished")
CALENDAR_CHANGED: Final[dict[str, Any]] = {"calendar": CALENDAR, "events": [_event("CalendarPublished")]}
AGREEMENT_CHANGED: Final[dict[str, Any]] = {
    "agreement": AGREEMENT,
    "warnings": [{"pointer": "/service_levels/0", "detail": "is later than the line that it softens"}],
    "events": [_event("AgreementPublished")],
}
TERMS_ROW: Final[dict[str, Any]] = {
    "name": AGREEMENT["name"],
    "version": 1,
    "digest": AGREEMENT["digest"],
    "is_default": True,
}
LISTED_VERSION: Final[dict[str, Any]] = {
    "name": AGREEMENT["name"],
    "version": 1,
    "digest": AGREEMENT["digest"],
    "valid_from": "2026-07-01",
    "published_at": "2026-06-03T08:00:00Z",
    "published_by": "admin-1",
    "in_force": True,
    "superseded_by": None,
}
AGREEMENT_DIFF: Final[dict[str, Any]] = {
    "from": 1,
    "to": 2,
    "changes": [{"pointer": "/service_levels/0/target", "old": "2 business hours", "new": "1 business hours"}],
}
CALENDAR_DIFF: Final[dict[str, Any]] = {
    "from": 1,
    "to": 2,
    "changes": [{"pointer": "/bridge_days", "old": False, "new": True}],
    "closed_days_gained": [each for each in CALENDAR["closed_days"] if each["kind"] == "bridge_day"],
    "closed_days_lost": [],
}
MIGRATION: Final[dict[str, Any]] = {
    "id": "0199c3c4-8d40-7b55-9c66-1d2e3f4a5b6c",
    "agreement": "infoniqa",
    "from_version": 1,
    "to_version": 2,
    "reason": "Neue Supportzeiten ab Juli",
    "state": "running",
    "total": 412,
    "done": 96,
    "failed": 1,
    "failures": [{"ticket": _TICKET_ID, "detail": "the ticket was closed meanwhile"}],
    "requested_by": "manager-1",
    "requested_at": "2026-06-30T12:00:00Z",
    "finished_at": None,
}

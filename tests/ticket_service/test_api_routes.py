"""Every route of the contract (section 4) with its documented body and answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTRACT = """
PUT /v1/calendars/{}                      GET /v1/calendars/{}
GET /v1/calendars/{}/versions             GET /v1/calendars/{}/versions/{}
GET /v1/calendars/{}/diff                 POST /v1/calendars/preview
PUT /v1/agreements/{}                     GET /v1/agreements/{}
GET /v1/agreements/{}/versions            GET /v1/agreements/{}/versions/{}
GET /v1/agreements/{}/diff
POST /v1/customers                        GET /v1/customers
GET /v1/customers/{}                      GET /v1/customers/{}/overview
POST /v1/customers/{}/contracts           POST /v1/customers/{}/devices
POST /v1/customers/{}/contacts            POST /v1/customers/{}/forget
POST /v1/contracts/{}/packages            POST /v1/contracts/{}/addons
POST /v1/contracts/{}/addons/{}/end       POST /v1/contracts/{}/termination
POST /v1/calls                            POST /v1/tickets
GET /v1/calls                             GET /v1/calls/{}
POST /v1/calls/{}/attachment              POST /v1/calls/{}/ticket
POST /v1/calls/{}/dismissal
GET /v1/tickets                           GET /v1/tickets/{}
GET /v1/tickets/{}/events
POST /v1/tickets/{}/severity              POST /v1/tickets/{}/type
POST /v1/tickets/{}/priority              POST /v1/tickets/{}/assignment
POST /v1/tickets/{}/transfer              POST /v1/tickets/{}/messages
POST /v1/tickets/{}/responses             POST /v1/tickets/{}/progress
POST /v1/tickets/{}/information-requests  POST /v1/tickets/{}/information
POST /v1/tickets/{}/work                  POST /v1/tickets/{}/time-entries
POST /v1/tickets/{}/time-entries/{}/corrections
POST /v1/tickets/{}/callbacks             POST /v1/tickets/{}/callbacks/{}/attempts
POST /v1/tickets/{}/callbacks/{}/completion
POST /v1/tickets/{}/appointments          POST /v1/tickets/{}/appointments/{}/booking
POST /v1/tickets/{}/appointments/{}/cancellation
POST /v1/tickets/{}/appointments/{}/outcome
POST /v1/tickets/{}/effort-notices        POST /v1/tickets/{}/cost-approvals
POST /v1/tickets/{}/cost-approvals/{}/decision
POST /v1/tickets/{}/delivery              POST /v1/tickets/{}/acceptance
POST /v1/tickets/{}/release               POST /v1/tickets/{}/number-communications
POST /v1/tickets/{}/escalations           POST /v1/tickets/{}/escalations/{}/closing
POST /v1/tickets/{}/escalations/{}/assignment
POST /v1/tickets/{}/escalations/{}/tasks  POST /v1/tickets/{}/escalation-tasks/{}/completion
POST /v1/tickets/{}/remote-sessions       POST /v1/tickets/{}/remote-sessions/{}/end
POST /v1/tickets/{}/resolution            POST /v1/tickets/{}/reopening
POST /v1/tickets/{}/closing               POST /v1/tickets/{}/feedback
POST /v1/tickets/{}/terms                 POST /v1/tickets/{}/merge
POST /v1/tickets/{}/links                 POST /v1/tickets/{}/links/removal
POST /v1/tickets/{}/split                 POST /v1/tickets/{}/move
GET /v1/worklist                          POST /v1/worklist/next
GET /v1/tasks
GET /v1/audit/tickets/key                 GET /v1/audit/tickets/checkpoint
GET /v1/audit/tickets/heads               GET /v1/audit/tickets/tile/{}/{}
GET /v1/audit/tickets/inclusion           GET /v1/audit/tickets/consistency
GET /v1/events                            GET /v1/events/stream
GET /health/live                          GET /health/ready                         GET /metrics
"""


async def test_every_route_of_the_contract_is_served(service: Service) -> None:
    words = CONTRACT.split()
    wanted = set(zip(words[::2], words[1::2], strict=True))
    paths = service.app.openapi()["paths"]
    served = {
        (method.upper(), "/".join("{}" if part.startswith("{") else part for part in path.split("/")))
        for path, methods in paths.items()
        for method in methods
    }
    assert wanted - served == set()


async def test_a_customer_is_registered_and_read_again(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    answer = await office.call(
        "POST",
        "/v1/customers",
        {
            "name": "Muster Treuhand AG",
            "kind": "company",
            "language": "de-CH",
            "country": "CH",
            "vat_id": "CHE-1",
            "address": {"street": "Gasse 1", "postal_code": "6000", "city": "Luzern", "country": "CH"},
            "contact": {"name": "Anna Muster", "email": "anna@muster.example", "phone": "+41 41 000 00 01"},
        },
        role="admin",
    )
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    body = answer.json()
    assert [event["type"] for event in body["events"]] == ["CustomerRegistered"]
    assert body["events"][0]["personal"].startswith("fw1.")
    customer = body["customer"]
    assert (customer["kind"], customer["name"], customer["vat_id"]) == ("company", "Muster Treuhand AG", "CHE-1")

    read = await office.call("GET", f"/v1/customers/{customer['id']}")
    assert read.headers["ETag"] == '"1"'
    known = read.json()["customer"]
    assert known["contact"] == {"name": "Anna Muster", "email": "anna@muster.example", "phone": "+41 41 000 00 01"}
    assert known["address"]["city"] == "Luzern"


async def test_a_private_person_is_named_when_read_and_nowhere_else(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    answer = await office.post(
        "/v1/customers", {"name": "Nele Neu", "kind": "person", "address": "Weg 2"}, role="admin"
    )
    assert answer["customer"]["name"] is None
    known = (await office.get(f"/v1/customers/{answer['customer']['id']}"))["customer"]
    assert (known["name"], known["address"]) == ("Nele Neu", "Weg 2")


async def test_contracts_devices_and_contacts_answer_with_what_was_made(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer()
    contract = await office.call(
        "POST",
        f"/v1/customers/{customer}/contracts",
        {"agreement": "infoniqa", "plan": "m", "package_hours": 4, "from": "2026-01-01", "until": "2027-12-31"},
        role="admin",
    )
    assert (contract.status_code, contract.headers["ETag"]) == (201, '"1"')
    assert contract.json()["contract"]["package_hours"] == 4
    assert contract.json()["contract"]["until"] == "2027-12-31"
    assert [event["type"] for event in contract.json()["events"]] == ["ContractSigned"]

    device = await office.post(
        f"/v1/customers/{customer}/devices",
        {"serial": "SN-4711", "product": "E2", "warranty_until": "2026-05-13", "site": "hamburg"},
        role="admin",
    )
    assert device["device"]["id"] == device["events"][0]["data"]["device"]
    assert device["device"]["warranty_until"] == "2026-05-13"

    contact = await office.post(
        f"/v1/customers/{customer}/contacts", {"role": "customer_success_manager", "agent": "csm-7"}, role="admin"
    )
    assert contact["contact"] == {
        "id": "customer_success_manager",
        "role": "customer_success_manager",
        "agent": "csm-7",
    }
    assert [event["type"] for event in contact["events"]] == ["ContactAssigned"]


async def test_a_contract_gets_packages_and_an_end(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    contract = await office.contract(await office.customer())
    bought = await office.post(f"/v1/contracts/{contract}/packages", {"hours": 8, "from": "2026-06-01"}, role="admin")
    assert bought["package"]["hours"] == 8
    assert bought["package"]["id"] == bought["contract"]["packages"][0]["package"]
    ended = await office.call("POST", f"/v1/contracts/{contract}/termination", {"until": "2027-01-31"}, role="admin")
    assert (ended.status_code, ended.headers["ETag"]) == (201, '"3"')
    assert ended.json()["contract"]["until"] == "2027-01-31"
    read = await office.call("GET", f"/v1/contracts/{contract}")
    assert read.json()["contract"] == ended.json()["contract"]
    assert read.headers["ETag"] == '"3"'


async def test_an_addon_is_booked_and_ended(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    contract = await office.contract(await office.customer())
    booked = await office.post(
        f"/v1/contracts/{contract}/addons", {"addon": "dedicated_support", "from": "2026-06-16"}, role="admin"
    )
    assert booked["addon"]["id"] == "dedicated_support"
    assert booked["contract"]["addons"][0]["from"] == "2026-06-16"
    ended = await office.post(
        f"/v1/contracts/{contract}/addons/dedicated_support/end", {"until": "2026-07-31"}, role="admin"
    )
    assert ended["addon"]["until"] == "2026-07-31"
    assert [event["type"] for event in ended["events"]] == ["AddonEnded"]


async def test_intake_is_one_answer_with_everything_that_followed(
    open_office: OpenOffice, ago: Callable[..., str]
) -> None:
    office = await open_office("digidesk")
    answer = await office.call(
        "POST",
        "/v1/tickets",
        {
            "customer": await office.served(),
            "received_at": ago(hours=2),
            "channel": "email",
            "type": "quick_high",
            "subject": "Shop offline",
            "description": "Fehler 500",
            "fields": {"name": "Sina Shop", "email": "sina@shop.example"},
            "suggested_severity": "urgent_fault",
        },
    )
    assert answer.status_code == 201
    body = answer.json()
    ticket = body["ticket"]
    assert [event["type"] for event in body["events"]] == [
        "TicketCreated",
        "SeveritySuggested",
        "AcknowledgementSent",
        "Assigned",
    ]
    assert answer.headers["ETag"] == f'"{ticket["version"]}"' == '"4"'
    fields = "id reference state severity type priority group entitled entitled_by assignee customer contract agreement"
    assert set(fields.split()) <= ticket.keys()
    assert (ticket["type"], ticket["acknowledged"], ticket["entitled_by"]) == (
        "quick_high",
        {"cost_notice": True},
        "contract",
    )
    assert ticket["reference"].startswith("DIG-")
    by_reference = await office.call("GET", f"/v1/tickets/{ticket['reference'].lower()}")
    assert by_reference.json()["ticket"] == ticket
    assert by_reference.json()["personal"]["subject"] == "Shop offline"


AGREED = {"contact": "Sina Shop", "channel": "phone", "at": "2026-01-02T10:00:00Z"}
PROPOSALS = ["2029-06-25T09:00:00+02:00", "2029-06-26T09:00:00+02:00", "2029-06-29T13:00:00+02:00"]
COST_APPROVAL = ("cost-approvals", {"estimate_minutes": 120, "text": "Es dauert."})
APPOINTMENT = ("appointments", {"kind": "review", "proposals": PROPOSALS})
BOOKED = ("appointments/1/booking", {"start": "2029-06-25T09:00:00+02:00"})
PAST_APPOINTMENT = [
    ("appointments", {"kind": "review", "proposals": ["2026-01-03T09:00:00Z"], "occurred_at": "2026-01-02T09:00:00Z"}),
    ("appointments/1/booking", {"start": "2026-01-03T09:00:00Z", "occurred_at": "2026-01-02T09:00:00Z"}),
]
CALLBACK = ("callbacks", {"purpose": "Nachstellen"})
ESCALATION = ("escalations", {"to": "manager", "text": "Zu lange"})
DELIVERY = ("delivery", {"system": "test", "text": "Bitte prüfen"})
ACCEPTANCE = ("acceptance", {"accepted": True, "on_behalf": AGREED})
RESOLUTION = ("resolution", {"text": "Behoben"})

COMMANDS: dict[str, tuple[Any, ...]] = {
    "severity": ([], {"severity": "normal"}, ["SeveritySet"]),
    "type": ([], {"type": "quick_high"}, ["TypeChanged"]),
    "priority": ([], {"priority": 1, "reason": "Abschluss", "agreement": AGREED}, ["PriorityChanged"]),
    "assignment": ([], {"agent": "agent-7"}, ["Assigned"]),
    "transfer": ([], {"department": "billing", "reason": "Rechnung"}, ["Transferred"]),
    "messages": ([], {"channel": "email", "text": "Immer noch"}, ["CustomerMessageReceived"]),
    "responses": ([], {"channel": "email", "text": "Wir schauen"}, ["Responded"]),
    "progress": ([], {"channel": "phone", "text": "Ursache gefunden"}, ["ProgressReported"]),
    "information-requests": ([], {"question": "Welche Version?"}, ["InformationRequested"]),
    "information": ([], {"text": "Version 12"}, ["InformationReceived"]),
    "work": ([], {"agent": "agent-2"}, ["Assigned", "WorkStarted"]),
    "time-entries": (
        [],
        {"start": "2026-01-02T09:00:00Z", "minutes": 45, "activity": "help", "agent": "agent-2", "note": "Import"},
        ["TimeLogged"],
    ),
    "callbacks": ([], {"purpose": "Nachstellen"}, ["CallbackRequested"]),
    "callbacks/1/attempts": ([CALLBACK], {"reached": False}, ["CallbackAttempted"]),
    "callbacks/1/completion": ([CALLBACK], {"text": "Gesprochen"}, ["CallbackCompleted"]),
    "appointments": ([], {"kind": "review", "proposals": PROPOSALS}, ["AppointmentRequested"]),
    "appointments/1/booking": ([APPOINTMENT], BOOKED[1], ["AppointmentBooked"]),
    "appointments/1/cancellation": ([APPOINTMENT], {"by": "vendor", "reason": "Krank"}, ["AppointmentCancelled"]),
    "appointments/1/outcome": (PAST_APPOINTMENT, {"outcome": "held"}, ["AppointmentHeld"]),
    "effort-notices": ([], {"text": "Es dauert länger."}, ["EffortNoticeSent"]),
    "cost-approvals": ([], COST_APPROVAL[1], ["CostApprovalRequested"]),
    "cost-approvals/1/decision": (
        [COST_APPROVAL],
        {"approved": True, "extra_minutes": 60, "on_behalf": AGREED},
        ["CostApproved"],
    ),
    "delivery": ([], DELIVERY[1], ["Delivered"]),
    "acceptance": ([DELIVERY], {"accepted": False, "text": "Fehlt was", "on_behalf": AGREED}, ["AcceptanceRefused"]),
    "release": ([DELIVERY, ACCEPTANCE], {}, ["ReleasedToProduction"]),
    "number-communications": ([], {"classification": "hardware", "channel": "phone"}, ["TicketNumberCommunicated"]),
    "escalations": ([], ESCALATION[1], ["EscalationRaised"]),
    "escalations/1/closing": ([ESCALATION], {"outcome": "Termin", "contact": "Sina"}, ["EscalationClosed"]),
    "resolution": ([], RESOLUTION[1], ["Resolved"]),
    "reopening": ([RESOLUTION], {"reason": "Wieder da"}, ["Reopened"]),
    "closing": ([RESOLUTION], {}, ["Closed"]),
    "feedback": ([], {"score": 5, "text": "Danke"}, ["FeedbackReceived"]),
}


@pytest.mark.parametrize("path", COMMANDS)
async def test_a_ticket_command_answers_with_the_ticket_and_what_happened(
    open_office: OpenOffice, path: Any, ago: Callable[..., str]
) -> None:
    given, body, types = COMMANDS[path]
    office = await open_office("digidesk", intake={"acknowledgement": {"cost_notice": True}})
    ticket = await office.ticket(await office.served(), received_at="2026-01-01T08:00:00Z")
    for earlier, content in given:
        await office.post(f"/v1/tickets/{ticket['id']}/{earlier}", content)
    answer = await office.call("POST", f"/v1/tickets/{ticket['id']}/{path}", body | {"occurred_at": ago(minutes=1)})
    assert answer.status_code == 201, answer.text
    done = answer.json()
    assert [event["type"] for event in done["events"]] == types
    assert done["ticket"]["version"] == done["events"][-1]["version"]
    assert answer.headers["ETag"] == f'"{done["ticket"]["version"]}"'
    assert (await office.get(f"/v1/tickets/{ticket['id']}"))["ticket"] == done["ticket"]


async def test_commands_without_a_body_take_none(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    await office.post(f"/v1/tickets/{ticket['id']}/severity", {"severity": "mittel"})
    await office.post(f"/v1/tickets/{ticket['id']}/release")
    await office.post(f"/v1/tickets/{ticket['id']}/resolution", {"text": "Behoben"})
    closed = await office.post(f"/v1/tickets/{ticket['id']}/closing")
    assert closed["ticket"]["state"] == "closed"


async def test_a_logged_entry_is_corrected_by_its_id(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served(), received_at="2026-01-01T08:00:00Z")
    entry = {"start": "2026-01-02T09:00:00Z", "minutes": 45, "activity": "help", "agent": "agent-2"}
    logged = await office.post(f"/v1/tickets/{ticket['id']}/time-entries", entry)
    key = logged["events"][0]["data"]["entry"]
    path = f"/v1/tickets/{ticket['id']}/time-entries/{key}/corrections"
    corrected = await office.post(path, {"minutes": 0, "reason": "Doppelt"})
    assert corrected["ticket"]["time_entries"][key]["minutes"] == 0
    missing = path.replace(key, "0199c3c4-8e50-7b55-a4f8-9d4c6f5b2ea3")
    problem = await office.refused(404, missing, {"minutes": 0, "reason": "Doppelt"})
    assert problem["type"] == "/problems/time-entry-not-found"


async def test_terms_are_migrated_to_a_version_that_exists(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path = f"/v1/tickets/{ticket['id']}/terms"
    assert (await office.refused(422, path, {"agreement_version": 2, "reason": "Neu"}))["errors"]
    await office.publish("agreements/infoniqa", title="Neue Fassung")
    done = await office.post(path, {"agreement_version": 2, "reason": "Neue Fassung"}, role="admin")
    assert done["ticket"]["agreement_version"] == 2
    history = await office.get(f"/v1/tickets/{ticket['id']}/events")
    assert history["items"][-1]["personal"] == {"reason": "Neue Fassung"}


async def test_what_is_not_possible_now_says_what_would_be(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    await office.post(f"/v1/tickets/{ticket['id']}/resolution", {"text": "Behoben"})
    await office.post(f"/v1/tickets/{ticket['id']}/closing")
    problem = await office.refused(409, f"/v1/tickets/{ticket['id']}/resolution", {"text": "Behoben"})
    assert problem["type"] == "/problems/ticket-already-closed"
    assert "reopening" in problem["detail"]
    assert problem["instance"] == f"/v1/tickets/{ticket['id']}/resolution"


async def test_unknown_fields_and_impossible_values_are_pointed_at(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    problem = await office.refused(
        422, f"/v1/tickets/{ticket['id']}/responses", {"channel": "email", "txt": "Hallo", "visible": "yes"}
    )
    assert {each["pointer"] for each in problem["errors"]} == {"/text", "/txt", "/visible"}
    problem = await office.refused(422, f"/v1/tickets/{ticket['id']}/priority", {"priority": 1})
    assert {each["pointer"] for each in problem["errors"]} == {"/reason", "/agreement"}
    naive = {"channel": "email", "text": "Hallo", "occurred_at": "2026-06-03T10:00:00"}
    problem = await office.refused(422, f"/v1/tickets/{ticket['id']}/responses", naive)
    assert [each["pointer"] for each in problem["errors"]] == ["/occurred_at"]


async def test_a_wrong_method_is_answered_with_every_method_that_is_possible(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    for path, allowed in (
        ("/v1/tickets", "GET, POST"),
        ("/v1/calendars/infoniqa", "GET, PUT"),
        ("/v1/worklist", "GET"),
    ):
        answer = await office.call("DELETE", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


LOGGED = {"start": "2026-06-05T09:00:00Z", "minutes": 5, "activity": "help"}
START = {"start": "2029-06-05T09:00:00Z"}


@pytest.mark.parametrize("agent", ["anna@muster.example", '=HYPERLINK("x")', "Anna Muster", "a\u001b[31m", "a\u202eb"])
async def test_an_agent_is_named_by_an_identifier(open_office: OpenOffice, agent: str) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    for path, body in (("assignment", {}), ("work", {}), ("time-entries", LOGGED), ("appointments/1/booking", START)):
        problem = await office.refused(422, f"/v1/tickets/{ticket['id']}/{path}", body | {"agent": agent})
        assert [each["pointer"] for each in problem["errors"]] == ["/agent"]

"""The log of calls: read by number, ticket and day; kept calls that are put to a ticket, become one, or are dismissed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "+49 40 000001"
AT = "2026-06-03T14:30:00Z"
CALL = {"from": NUMBER, "started_at": AT}
FIELDS = {"caller_name": "Hanna", "company": "Hansa", "phone": NUMBER, "product": "E2", "serial_number": "SN-1"}
SOURCE = {"source": {"system": "pbx", "id": "call-4711"}}


async def hamburg(open_office: OpenOffice) -> tuple[Office, str, Any]:
    """An office that keeps all calls, with a customer and a ticket of theirs."""
    office = await open_office("hamburg")
    customer = await office.served(contact={"name": "Hanna Hansa", "phone": NUMBER})
    received = {"received_at": "2026-06-03T14:00:00Z"}
    ticket = await office.ticket(customer, channel="phone", type="malfunction", fields=FIELDS, **received)
    return office, customer, ticket


async def listed(office: Office, **params: Any) -> Any:
    return (await office.get("/v1/calls", params=params))["items"]


def types(answer: Any) -> Any:
    return [event["type"] for event in answer["events"]]


async def kept(office: Office, **more: Any) -> str:
    return str((await office.post("/v1/calls", CALL | more))["call"]["id"])


async def test_calls_are_read_with_and_without_a_ticket(open_office: OpenOffice) -> None:
    office, customer, ticket = await hamburg(open_office)
    await office.post("/v1/calls", CALL | {"ticket": ticket["id"], "minutes": 7, "to": "+49 40 1"}, sub="agent-7")
    await kept(office, **{"from": "+49 30 5"}, started_at="2026-06-03T15:00:00Z")
    on_ticket, without = await listed(office)
    assert on_ticket | {"id": ""} == {
        "id": "",
        "from": NUMBER,
        "to": "+49 40 1",
        "started_at": AT,
        "minutes": 7,
        "automatic": False,
        "queued_at": None,
        "answered_at": None,
        "waited_seconds": None,
        "abandoned": False,
        "dedicated": False,
        "for_agent": None,
        "taken_by": "agent-7",
        "customer": customer,
        "ticket": ticket["id"],
        "reference": ticket["reference"],
        "dismissed_at": None,
        "transfers": [],
        "voicemail": None,
    }
    assert (without["from"], without["customer"], without["ticket"]) == ("+49 30 5", None, None)
    assert (await office.get(f"/v1/calls/{on_ticket['id']}"))["call"] == on_ticket
    assert (await office.refused(404, "/v1/calls/nothing", method="GET"))["type"] == "/problems/call-not-found"


async def test_calls_are_found_by_number_ticket_customer_and_day(open_office: OpenOffice) -> None:
    office, customer, ticket = await hamburg(open_office)
    await office.post("/v1/calls", CALL | {"ticket": ticket["id"]})
    late = await kept(office, **{"from": "0049 30 5"}, started_at="2026-06-03T22:30:00Z")
    assert [each["id"] for each in await listed(office, phone="+49 30 5")] == [late]
    assert [each["id"] for each in await listed(office, phone=" 49305")] == [late]
    assert [each["ticket"] for each in await listed(office, ticket=ticket["reference"])] == [ticket["id"]]
    assert [each["ticket"] for each in await listed(office, customer=customer)] == [ticket["id"]]
    assert [each["ticket"] for each in await listed(office, day="2026-06-03")] == [ticket["id"]]
    assert [each["id"] for each in await listed(office, day="2026-06-04")] == [late], "half past midnight in Hamburg"
    assert await listed(office, day="2026-06-05") == []
    first = await office.call("GET", "/v1/calls?limit=1")
    following = first.headers["Link"].partition("<")[2].partition(">")[0]
    assert [each["id"] for each in (await office.get(following))["items"]] == [late]
    problem = await office.refused(422, "/v1/calls?after=1e999", method="GET")
    assert [each["pointer"] for each in problem["errors"]] == ["#query/after"]


async def test_a_kept_call_is_put_to_a_ticket_as_if_it_had_been_named_from_the_start(open_office: OpenOffice) -> None:
    office, customer, ticket = await hamburg(open_office)
    call = await kept(office, **{"from": "+49 30 5"}, minutes=7)
    answer = await office.post(f"/v1/calls/{call}/attachment", {"ticket": ticket["reference"]})
    assert types(answer) == ["CallReceived", "TimeLogged", "CallAttached"]
    assert {event["occurred_at"] for event in answer["events"][:2]} == {AT}
    [entry] = answer["ticket"]["time_entries"].values()
    assert (entry["minutes"], entry["start"]) == (7, AT)
    [read] = await listed(office, phone="+49 30 5")
    assert (read["id"], read["ticket"], read["customer"]) == (call, ticket["id"], customer)
    assert await listed(office, open="true") == []
    again = await office.refused(409, f"/v1/calls/{call}/attachment", {"ticket": ticket["id"]})
    assert again["type"] == "/problems/call-has-ticket"
    assert (await office.refused(409, f"/v1/calls/{call}/dismissal", {"reason": "R"}))["type"] == again["type"]
    await office.refused(404, f"/v1/calls/{call}/attachment", {"ticket": "HAM-2222-2222"})
    await office.refused(404, "/v1/calls/nothing/attachment", {"ticket": ticket["id"]})


async def test_a_voicemail_without_a_channel_is_kept_and_becomes_a_ticket(open_office: OpenOffice) -> None:
    office, customer, _ = await hamburg(open_office)
    message = await office.post("/v1/calls", CALL | {"voicemail": {"text": "Bitte zurückrufen"}})
    assert types(message) == ["CallReceived", "VoicemailLeft"]
    call = message["call"]["id"]
    [waiting] = await listed(office, open="true", voicemail="true")
    assert (waiting["id"], waiting["voicemail"], waiting["customer"]) == (call, "Bitte zurückrufen", customer)
    answer = await office.post(f"/v1/calls/{call}/ticket", {"subject": "Rückruf", "fields": FIELDS})
    assert types(answer) == ["CallAttached", "TicketCreated", "CallReceived", "VoicemailLeft"]
    ticket = answer["ticket"]
    assert (ticket["customer"], ticket["channel"], ticket["received_at"]) == (customer, "phone", AT)
    personal = (await office.get(f"/v1/tickets/{ticket['id']}"))["personal"]
    assert personal["description"] == "Bitte zurückrufen"
    assert await listed(office, open="true") == []
    assert [each["ticket"] for each in await listed(office, voicemail="true")] == [ticket["id"]]
    again = await office.refused(409, f"/v1/calls/{call}/ticket", {"subject": "Rückruf"})
    assert again["type"] == "/problems/call-has-ticket"


async def test_voicemails_of_one_caller_become_one_ticket_together(open_office: OpenOffice) -> None:
    office, customer, _ = await hamburg(open_office)

    async def left(text: str, at: str, number: str = CALL["from"]) -> str:
        body = CALL | {"from": number, "started_at": at, "voicemail": {"text": text}}
        return str((await office.post("/v1/calls", body))["call"]["id"])

    second = await left("Noch dringender", "2026-06-03T15:00:00Z")
    first = await left("Der Drucker steht", "2026-06-03T14:00:00Z")
    other = await left("Etwas anderes", "2026-06-03T14:10:00Z", "+49 30 99")
    dismissed = await left("Verwählt", "2026-06-03T14:20:00Z")
    await office.post(f"/v1/calls/{dismissed}/dismissal", {"reason": "Verwählt"})
    assert (await office.get(f"/v1/calls/{second}"))["voicemails"] == [first]
    assert (await office.get(f"/v1/calls/{other}"))["voicemails"] == []

    body = {"subject": "Drucker", "fields": FIELDS, "voicemails": [first, second]}
    problem = await office.refused(422, f"/v1/calls/{second}/ticket", body | {"voicemails": [first, other]})
    assert [each["pointer"] for each in problem["errors"]] == ["/voicemails/1"]
    await office.refused(404, f"/v1/calls/{second}/ticket", body | {"voicemails": ["nothing"]})
    answer = await office.post(f"/v1/calls/{second}/ticket", body)
    assert [each for each in types(answer) if each != "AcknowledgementSent"] == [
        *("CallAttached", "CallAttached", "TicketCreated"),
        *("CallReceived", "VoicemailLeft", "CallReceived", "VoicemailLeft"),
    ]
    ticket = answer["ticket"]
    assert (ticket["customer"], ticket["received_at"]) == (customer, "2026-06-03T14:00:00Z")
    read = await office.get(f"/v1/tickets/{ticket['id']}")
    assert read["personal"]["description"] == "Der Drucker steht\n\nNoch dringender"
    occurred = [each["occurred_at"] for each in answer["events"] if each["type"] == "VoicemailLeft"]
    assert occurred == ["2026-06-03T14:00:00Z", "2026-06-03T15:00:00Z"]
    assert {each["id"] for each in await listed(office, ticket=ticket["id"])} == {first, second}
    assert [each["id"] for each in await listed(office, open="true")] == [other]
    late = await left("Und noch eine", "2026-06-03T16:00:00Z")
    again = await office.refused(409, f"/v1/calls/{late}/ticket", body | {"voicemails": [first]})
    assert again["type"] == "/problems/call-has-ticket"


async def test_the_ticket_of_an_unknown_callers_call_registers_a_prospect(open_office: OpenOffice) -> None:
    office, _, _ = await hamburg(open_office)
    call = await kept(office, **{"from": "+49 30 77"})
    answer = await office.post(f"/v1/calls/{call}/ticket", {"subject": "Anfrage"})
    assert types(answer)[:3] == ["CustomerRegistered", "CallAttached", "TicketCreated"]
    second = await kept(office, **{"from": "+49 30 77"})
    assert (await office.post(f"/v1/calls/{second}/ticket", {"subject": "Noch eine"}))["ticket"]["customer"] == (
        answer["ticket"]["customer"]
    )


async def test_a_call_is_dismissed_once_and_may_still_be_put_to_a_ticket(open_office: OpenOffice) -> None:
    office, _, ticket = await hamburg(open_office)
    call = await kept(office)
    answer = await office.post(f"/v1/calls/{call}/dismissal", {"reason": "Verwählt"})
    assert types(answer) == ["CallDismissed"]
    assert answer["events"][0]["personal"].startswith("fw1.")
    assert await listed(office, open="true") == []
    again = await office.refused(409, f"/v1/calls/{call}/dismissal", {"reason": "Verwählt"})
    assert again["type"] == "/problems/call-already-dismissed"
    await office.refused(422, f"/v1/calls/{call}/dismissal", {"reason": " "})
    await office.post(f"/v1/calls/{call}/attachment", {"ticket": ticket["id"]})


async def test_what_the_telephone_system_says_of_the_queue_is_kept(open_office: OpenOffice) -> None:
    office, _, ticket = await hamburg(open_office)
    queue = {"queued_at": "2026-06-03T14:30:05Z", "answered_at": "2026-06-03T14:32:05Z"}
    await office.post("/v1/calls", CALL | queue | {"ticket": ticket["id"], "minutes": 1})
    gone = await kept(office, queued_at="2026-06-03T14:30:05Z", abandoned=True, waited_seconds=90)
    queued, abandoned = await listed(office)
    assert (queued["waited_seconds"], queued["queued_at"]) == (120, "2026-06-03T14:30:05Z")
    assert (abandoned["id"], abandoned["waited_seconds"]) == (gone, 90)
    assert [each["id"] for each in await listed(office, abandoned="true")] == [gone]
    wrong = {
        "queued_at": "2026-06-03T14:29:00Z",
        "answered_at": "2026-06-03T14:28:00Z",
        "abandoned": True,
        "minutes": 1,
    }
    problem = await office.refused(422, "/v1/calls", CALL | wrong | {"waited_seconds": 600})
    pointers = {each["pointer"] for each in problem["errors"]}
    assert pointers == {"/queued_at", "/answered_at", "/minutes", "/waited_seconds"}


@pytest.mark.parametrize("on_ticket", [True, False])
async def test_a_call_that_is_brought_twice_is_taken_once(open_office: OpenOffice, on_ticket: bool) -> None:
    office, _, ticket = await hamburg(open_office)
    body = CALL | SOURCE | ({"ticket": ticket["id"], "minutes": 7} if on_ticket else {})
    first = await office.post("/v1/calls", body)
    answer = await office.call("POST", "/v1/calls", body | {"minutes": 9}, sub="another")
    assert answer.status_code == 200
    assert answer.json()["already_known"]
    assert [each["id"] for each in answer.json()["events"]] == [each["id"] for each in first["events"]]
    assert len(await listed(office)) == 1


async def test_the_source_of_a_voicemail_is_claimed_with_its_ticket(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    body = CALL | SOURCE | {"voicemail": {"text": "Hallo"}}
    ticket = (await office.post("/v1/calls", body))["ticket"]
    again = await office.call("POST", "/v1/calls", body)
    assert (again.status_code, again.json()["ticket"]["id"]) == (200, ticket["id"])


async def test_calls_belong_to_their_provider_and_are_not_for_customers(open_office: OpenOffice) -> None:
    office, customer, ticket = await hamburg(open_office)
    call = await kept(office)
    other = await open_office("hamburg")
    assert await listed(other) == []
    assert await listed(other, phone=NUMBER) == []
    await other.refused(404, f"/v1/calls/{call}", method="GET")
    for path, body in (
        ("attachment", {"ticket": ticket["id"]}),
        ("ticket", {"subject": "S"}),
        ("dismissal", {"reason": "R"}),
    ):
        await other.refused(404, f"/v1/calls/{call}/{path}", body)
        await office.refused(403, f"/v1/calls/{call}/{path}", body, role="customer", customer=customer)
    await office.refused(403, "/v1/calls", method="GET", role="customer", customer=customer)


async def test_a_forgotten_callers_number_is_neither_read_nor_found(open_office: OpenOffice) -> None:
    office, _, _ = await hamburg(open_office)
    person = await office.customer(kind="person", name="Paula", contact={"phone": "+49 30 88"})
    call = await kept(office, **{"from": "+49 30 88"}, voicemail={"text": "Hallo"}, automatic=True)
    assert [each["from"] for each in await listed(office, phone="+49 30 88")] == ["+49 30 88"]
    await office.post(f"/v1/customers/{person}/forget", {}, role="admin")
    assert await listed(office, phone="+49 30 88") == []
    read = (await office.get(f"/v1/calls/{call}"))["call"]
    assert (read["from"], read["voicemail"], read["customer"]) == (None, None, person)
    gone = await office.refused(409, f"/v1/calls/{call}/ticket", {"subject": "Anfrage"})
    assert gone["type"] == "/problems/call-forgotten"


async def test_a_call_to_a_contracts_own_number_says_that_nobody_queues(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    await office.contract(customer, dedicated_number="+49 30 555 0100")
    answer = await office.post("/v1/calls", CALL | {"to": "0049 30 5550100"})
    assert (answer["call"]["dedicated"], answer["call"]["customer"]) == (True, customer)
    assert [each["dedicated"] for each in await listed(office)] == [True]


async def test_a_call_from_another_customers_number_is_asked_back(open_office: OpenOffice) -> None:
    office, _, ticket = await hamburg(open_office)
    await office.customer(contact={"phone": "+49 30 99"})
    body = {"from": "+49 30 99", "started_at": AT, "ticket": ticket["id"]}
    problem = await office.refused(409, "/v1/calls", body)
    assert problem["type"] == "/problems/number-of-another-customer"
    assert ticket["reference"] in problem["detail"]
    assert types(await office.post("/v1/calls", body | {"confirmed": True})) == ["CallReceived"]
    call = await kept(office, **{"from": "+49 30 99"})
    path = f"/v1/calls/{call}/attachment"
    again = await office.refused(409, path, {"ticket": ticket["id"]})
    assert again["type"] == problem["type"]
    await office.post(path, {"ticket": ticket["id"], "confirmed": True})
    unknown = {"from": "+49 30 98", "started_at": AT, "ticket": ticket["id"]}
    assert types(await office.post("/v1/calls", unknown)) == ["CallReceived"]


async def test_an_address_that_mail_cannot_be_sent_to_is_refused(open_office: OpenOffice) -> None:
    office = await open_office("digidesk")
    body = {"customer": await office.served(), "channel": "email", "subject": "S", "description": "D"}
    fields = {"name": "Sina Shop", "email": "sina at shop.example"}
    problem = await office.refused(422, "/v1/tickets", body | {"fields": fields})
    assert [each["pointer"] for each in problem["errors"]] == ["/fields/email"]
    await office.post("/v1/tickets", body | {"fields": fields | {"email": "sina@shop.example"}})

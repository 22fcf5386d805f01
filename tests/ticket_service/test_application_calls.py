"""Inbound calls: on a ticket, without one, and left on the answering machine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "+49 40 000001"
AT = "2026-06-03T14:30:00Z"
CALL = {"from": NUMBER, "started_at": AT}


def types(answer: Any) -> Any:
    return [event["type"] for event in answer["events"]]


@pytest.fixture
def hamburg(open_office: OpenOffice) -> Any:
    """An office whose calls about malfunctions are logged, with a customer and a ticket of theirs."""

    async def opened() -> Any:
        office = await open_office("hamburg")
        customer = await office.served(contact={"name": "Hanna Hansa", "phone": NUMBER})
        fields = {"caller_name": "Hanna", "company": "Hansa", "phone": NUMBER, "product": "E2", "serial_number": "SN-1"}
        ticket = await office.ticket(
            customer, channel="phone", type="malfunction", fields=fields, received_at="2026-06-03T14:00:00Z"
        )
        return office, customer, ticket

    return opened


async def test_a_calls_minutes_become_a_time_entry_of_whoever_took_it(hamburg: Any) -> None:
    office, _, ticket = await hamburg()
    answer = await office.post("/v1/calls", CALL | {"ticket": ticket["id"], "minutes": 7}, sub="agent-7")
    assert types(answer) == ["CallReceived", "TimeLogged"]
    [entry] = answer["ticket"]["time_entries"].values()
    assert (entry["minutes"], entry["start"], entry["source"], entry["agent"]) == (7, AT, "call", "agent-7")
    nothing = await office.post("/v1/calls", CALL | {"ticket": ticket["reference"], "minutes": 0})
    assert types(nothing) == ["CallReceived"]


async def test_a_call_is_logged_under_the_activity_that_it_names(hamburg: Any) -> None:
    office, _, ticket = await hamburg()
    body = CALL | {"ticket": ticket["id"], "minutes": 7}
    for given, activity in (({}, "call"), ({"activity": "maintenance"}, "maintenance")):
        answer = await office.post("/v1/calls", body | given)
        assert answer["events"][-1]["data"]["activity"] == activity
    by_partner = await office.post("/v1/calls", body | {"performer": "partner"})
    assert by_partner["events"][-1]["data"]["performer"] == "partner"
    problem = await office.refused(422, "/v1/calls", body | {"activity": "maintenence"})
    assert [each["pointer"] for each in problem["errors"]] == ["/activity"]


async def test_a_failed_transfer_promises_a_callback_and_a_connected_one_does_not(hamburg: Any) -> None:
    office, _, ticket = await hamburg()
    connected = CALL | {"ticket": ticket["id"], "transfer": {"to": "specialist", "result": "connected"}}
    assert types(await office.post("/v1/calls", connected)) == ["CallReceived", "CallTransferAttempted"]
    failed = CALL | {"ticket": ticket["id"], "transfer": {"to": "specialist", "result": "failed"}}
    answer = await office.post("/v1/calls", failed)
    assert types(answer) == ["CallReceived", "CallTransferAttempted", "CallbackRequested"]
    assert answer["ticket"]["callbacks"][0]["purpose"] == "failed_transfer"


async def test_a_promise_made_in_a_call_runs_from_the_call_however_late_it_is_entered(hamburg: Any) -> None:
    office, _, ticket = await hamburg()
    failed = CALL | {"ticket": ticket["id"], "transfer": {"to": "specialist", "result": "failed"}}
    answer = await office.post("/v1/calls", failed)
    assert {(event["type"], event["occurred_at"]) for event in answer["events"]} == {
        (name, AT) for name in ("CallReceived", "CallTransferAttempted", "CallbackRequested")
    }


async def test_the_callers_number_is_sealed_and_opened_in_the_history(hamburg: Any) -> None:
    office, _, ticket = await hamburg()
    answer = await office.post("/v1/calls", CALL | {"ticket": ticket["id"]})
    assert answer["events"][0]["personal"].startswith("fw1.")
    history = await office.get(f"/v1/tickets/{ticket['id']}/events")
    assert history["items"][-1]["personal"] == {"from": NUMBER}


async def test_a_call_without_a_ticket_is_kept_where_all_calls_are_logged(hamburg: Any) -> None:
    office, customer, _ = await hamburg()
    answer = await office.post("/v1/calls", CALL | {"to": "+49 40 1", "minutes": 3})
    assert types(answer) == ["CallReceived"]
    assert answer["call"] == {
        "id": answer["events"][0]["data"]["call"],
        "customer": customer,
        "started_at": AT,
        "minutes": 3,
        "to": "+49 40 1",
        "dedicated": False,
        "for_agent": None,
    }
    unknown = await office.post("/v1/calls", CALL | {"from": "+49 40 999"})
    assert unknown["call"]["customer"] is None


async def test_a_call_without_a_ticket_is_refused_where_nobody_keeps_them(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    problem = await office.refused(422, "/v1/calls", CALL)
    assert problem["type"] == "/problems/call-not-kept"
    assert [each["pointer"] for each in problem["errors"]] == ["/ticket"]


async def test_a_transfer_follows_the_logged_matter(hamburg: Any) -> None:
    office, _, _ = await hamburg()
    problem = await office.refused(422, "/v1/calls", CALL | {"transfer": {"to": "specialist", "result": "failed"}})
    assert [each["pointer"] for each in problem["errors"]] == ["/ticket"]


async def test_a_voicemail_becomes_a_ticket_and_a_callback_received_when_it_was_left(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer = await office.served(contact={"phone": NUMBER})
    answer = await office.post("/v1/calls", CALL | {"voicemail": {"text": "Bitte zurückrufen"}})
    assert types(answer) == ["TicketCreated", "CallReceived", "VoicemailLeft", "CallbackRequested"]
    ticket = answer["ticket"]
    assert (ticket["customer"], ticket["channel"], ticket["received_at"]) == (customer, "voicemail", AT)
    assert ticket["callbacks"][0]["purpose"] == "voicemail"
    personal = (await office.get(f"/v1/tickets/{ticket['id']}"))["personal"]
    assert personal == {"subject": "Voicemail", "description": "Bitte zurückrufen", "fields": {"phone": NUMBER}}


async def test_what_it_took_to_hear_a_voicemail_is_logged_under_the_activity_that_it_names(
    open_office: OpenOffice,
) -> None:
    office = await open_office("liveagent")
    await office.contract(await office.customer(contact={"phone": CALL["from"]}))
    body = CALL | {"voicemail": {"text": "Bitte zurückrufen"}, "minutes": 3}
    for given, activity in (({}, "call"), ({"activity": "training"}, "training")):
        logged = (await office.post("/v1/calls", body | given))["events"][-1]
        assert (logged["type"], logged["data"]["minutes"], logged["data"]["activity"]) == ("TimeLogged", 3, activity)


async def test_a_voicemail_promises_a_callback_only_where_that_is_agreed(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    await office.customer(contact={"phone": NUMBER})
    answer = await office.post("/v1/calls", CALL | {"voicemail": {"text": "Bitte zurückrufen"}})
    assert types(answer) == ["TicketCreated", "PriorityDerived", "CallReceived", "VoicemailLeft"]
    assert (answer["ticket"]["group"], answer["ticket"]["entitled"]) == ("no_contract", False)


async def test_an_unknown_caller_becomes_a_prospect_who_is_known_the_next_time(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    first = await office.post("/v1/calls", CALL | {"voicemail": {"text": "Hallo"}})
    assert types(first)[0] == "CustomerRegistered"
    again = await office.post("/v1/calls", CALL | {"from": "0049-40-000001", "voicemail": {"text": "Nochmal"}})
    assert again["ticket"]["customer"] == first["ticket"]["customer"]
    [prospect] = (await office.get("/v1/customers"))["items"]
    assert (prospect["kind"], prospect["name"], prospect["contact"]) == ("prospect", NUMBER, {"phone": NUMBER})


async def test_two_messages_from_one_unknown_number_at_once_are_one_prospect(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    body = CALL | {"voicemail": {"text": "Hallo"}}
    answers = await asyncio.gather(*(office.post("/v1/calls", body) for _ in range(4)))
    assert len({each["ticket"]["id"] for each in answers}) == 4
    assert len({each["ticket"]["customer"] for each in answers}) == 1


async def test_a_caller_who_hides_the_number_leaves_a_message_too(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    answer = await office.post("/v1/calls", CALL | {"from": "anonym", "voicemail": {"text": "Hallo"}})
    known = (await office.get(f"/v1/customers/{answer['ticket']['customer']}"))["customer"]
    assert (known["name"], known["kind"], known.get("contact")) == ("anonym", "prospect", None)


async def test_a_message_is_refused_where_voicemail_is_no_channel_and_nobody_is_registered(
    open_office: OpenOffice,
) -> None:
    office = await open_office("infoniqa")
    problem = await office.refused(422, "/v1/calls", CALL | {"voicemail": {"text": "Hallo"}})
    assert [each["pointer"] for each in problem["errors"]] == ["/voicemail"]
    assert "infoniqa" in problem["detail"]
    assert (await office.get("/v1/customers"))["items"] == []


async def test_a_message_that_lacks_what_the_type_requires_registers_nobody(open_office: OpenOffice) -> None:
    office = await open_office("digidesk", channels=["email", "voicemail"], calendars={})
    problem = await office.refused(422, "/v1/calls", CALL | {"voicemail": {"text": "Hallo"}})
    assert {each["pointer"] for each in problem["errors"]} == {"/fields/name", "/fields/email"}
    assert (await office.get("/v1/customers"))["items"] == []


async def test_a_call_on_a_ticket_that_is_not_there_is_not_found(hamburg: Any) -> None:
    office, _, ticket = await hamburg()
    for name in ("HAM-2222-2222", "0199c3c4-ffff-7fff-8fff-ffffffffffff", "   x"):
        await office.refused(404, "/v1/calls", CALL | {"ticket": name})
    await office.post(f"/v1/tickets/{ticket['id']}/severity", {"severity": "major"})
    body = {"classification": "hardware", "channel": "phone"}
    await office.post(f"/v1/tickets/{ticket['id']}/number-communications", body)
    await office.post(f"/v1/tickets/{ticket['id']}/resolution", {"text": "Behoben"})
    await office.post(f"/v1/tickets/{ticket['id']}/closing")
    await office.refused(409, "/v1/calls", CALL | {"ticket": ticket["id"]})

"""A retried command counts once: the first answer again, to the byte, whatever the command is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

REPLAYED = "Idempotency-Replayed"
AT = "2026-06-03T14:30:00Z"


async def sent_twice(office: Office, path: Any, body: Any, **how: Any) -> Any:
    """Both answers to a command under one key, and how many events the second stored."""
    headers = {"Idempotency-Key": f"key-{path}"}
    first = await office.call("POST", path, body, headers=headers, **how)
    before = await office.service.position()
    second = await office.call("POST", path, body, headers=headers, **how)
    return first, second, await office.service.position() - before


def is_replay(first: Any, second: Any) -> Any:
    """Whether the second answer is the first again."""
    told, again = ((each.status_code, each.content, each.headers.get("ETag")) for each in (first, second))
    return told == again and REPLAYED not in first.headers and second.headers.get(REPLAYED) == "true"


async def test_every_post_of_the_openapi_document_is_tried_here(service: Service) -> None:
    posts = {path for path, methods in service.app.openapi()["paths"].items() if "post" in methods}
    below_a_ticket = {path for path in posts if path.startswith("/v1/tickets/{ticket}/")}
    stores_nothing = {"/v1/calendars/preview", "/v1/customers/opened-texts", "/v1/customers/{customer}/sealed-texts"}
    keeps_the_longest = {"/v1/customers/{customer}/recipient"}  # repeated, it changes nothing
    assert posts - below_a_ticket - stores_nothing - keeps_the_longest - {"/v1/terms-migrations"} == {
        "/v1/customers",
        "/v1/customers/{customer}/devices",
        "/v1/customers/{customer}/contacts",
        "/v1/customers/{customer}/contracts",
        "/v1/customers/{customer}/forget",
        "/v1/contracts/{contract}/packages",
        "/v1/contracts/{contract}/addons",
        "/v1/contracts/{contract}/addons/{addon}/end",
        "/v1/contracts/{contract}/termination",
        "/v1/calls",
        "/v1/calls/{call}/attachment",
        "/v1/calls/{call}/ticket",
        "/v1/calls/{call}/dismissal",
        "/v1/agents/{agent}/absences",
        "/v1/agents/{agent}/absences/{number}/end",
        "/v1/customers/{customer}/surveys",
        "/v1/customers/{customer}/surveys/{number}/answers",
        "/v1/customers/{customer}/surveys/{number}/cancellation",
        "/v1/customers/{customer}/suggestions",
        "/v1/customers/{customer}/suggestions/{number}/outcome",
        "/v1/customers/{customer}/portal-users",
        "/v1/customers/{customer}/portal-users/{user}/activation",
        "/v1/customers/{customer}/portal-users/{user}/end",
        "/v1/escalations",
        "/v1/tickets",
        "/v1/worklist/next",
    }


async def test_a_customer_is_not_registered_twice(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    first, second, stored = await sent_twice(office, "/v1/customers", {"name": "A", "kind": "company"}, role="admin")
    assert is_replay(first, second)
    assert stored == 0
    assert len((await office.get("/v1/customers"))["items"]) == 1


async def test_an_absence_is_entered_and_ended_once(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    assert (await office.call("PUT", "/v1/agents/eva", {"role": "agent"}, role="admin")).status_code == 201
    entered = {"from": "2031-06-15T09:00:00Z", "until": "2031-06-20T09:00:00Z"}
    for path, body in (("", entered), ("/1/end", {"at": "2031-06-19T09:00:00Z"})):
        first, second, stored = await sent_twice(office, f"/v1/agents/eva/absences{path}", body, role="admin")
        assert (is_replay(first, second), stored) == (True, 0)


async def test_what_a_customer_says_of_the_service_is_kept_once(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = f"/v1/customers/{await office.served()}"
    for path, body in (
        ("surveys", {"channel": "phone"}),
        ("surveys/1/answers", {"score": 4}),
        ("suggestions", {"text": "T"}),
        ("suggestions/1/outcome", {"outcome": "taken_up"}),
    ):
        first, second, stored = await sent_twice(office, f"{customer}/{path}", body)
        assert is_replay(first, second)
        assert stored == 0
    await office.post(f"{customer}/surveys", {"channel": "phone"})
    first, second, _ = await sent_twice(office, f"{customer}/surveys/2/cancellation", {"reason": "R"})
    assert is_replay(first, second)


async def test_access_to_the_portal_is_given_and_ended_once(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    users = f"/v1/customers/{await office.served()}/portal-users"
    for path, body in (
        (users, {"user": "vera", "email": "vera@muster.example"}),
        (f"{users}/vera/activation", {}),
        (f"{users}/vera/end", {"reason": "R"}),
    ):
        first, second, stored = await sent_twice(office, path, body)
        assert (is_replay(first, second), stored) == (True, 0)


@pytest.mark.parametrize("outcome", ["attachment", "ticket", "dismissal"])
async def test_what_becomes_of_a_kept_call_becomes_of_it_once(open_office: OpenOffice, outcome: str) -> None:
    office = await open_office("infoniqa", calls={"log_all": True})
    customer = await office.served()
    ticket = await office.ticket(customer, received_at=AT)
    bodies = {
        "attachment": {"ticket": ticket["id"]},
        "ticket": {"subject": "S", "customer": customer},
        "dismissal": {"reason": "R"},
    }
    call = (await office.post("/v1/calls", {"from": "+49 40 1", "started_at": AT}))["call"]
    first, second, stored = await sent_twice(office, f"/v1/calls/{call['id']}/{outcome}", bodies[outcome])
    assert first.status_code == 201, first.text
    assert is_replay(first, second)
    assert stored == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("devices", {"serial": "SN-1"}),
        ("contacts", {"role": "csm", "agent": "csm-7"}),
        ("contracts", {"agreement": "liveagent", "plan": "all_inclusive", "from": "2026-01-01"}),
        ("forget", {}),
    ],
)
async def test_what_happens_to_a_customer_happens_once(open_office: OpenOffice, path: str, body: Any) -> None:
    office = await open_office("liveagent")
    customer = await office.customer()
    first, second, stored = await sent_twice(office, f"/v1/customers/{customer}/{path}", body, role="admin")
    assert first.status_code == 201
    assert is_replay(first, second)
    assert stored == 0


async def test_what_happens_to_a_contract_happens_once(open_office: OpenOffice) -> None:
    office = await open_office("liveagent", billing=WITH_PACKAGES)
    contract = await office.contract(await office.customer(), package_hours=4)
    for path, body in (
        ("packages", {"hours": 4, "from": "2026-06-01"}),
        ("addons", {"addon": "dedicated_support", "from": "2026-06-16"}),
        ("addons/dedicated_support/end", {"until": "2026-07-16"}),
        ("termination", {"until": "2027-07-16"}),
    ):
        first, second, stored = await sent_twice(office, f"/v1/contracts/{contract}/{path}", body, role="admin")
        assert first.status_code == 201, first.text
        assert is_replay(first, second)
        assert stored == 0


WITH_PACKAGES = {
    "plans": {"all_inclusive": {"package_hours": [4]}},
    "package": {"increment_minutes": 15, "overage_rate": "100.00"},
    "addons": {"dedicated_support": {"monthly_price": "1000.00"}},
    "vat": {"country": "DE", "rate": "standard"},
}


async def test_a_complaint_opens_one_ticket(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer = await office.served()
    contact = {"role": "technical_support_manager", "agent": "tsm-1"}
    await office.post(f"/v1/customers/{customer}/contacts", contact, role="admin")
    body = {"customer": customer, "channel": "email", "text": "Zu langsam"}
    first, second, stored = await sent_twice(office, "/v1/escalations", body)
    assert first.status_code == 201
    assert is_replay(first, second)
    assert stored == 0


async def test_a_ticket_is_opened_once_and_a_command_to_it_counts_once(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    body = {"customer": await office.served(), "channel": "email", "subject": "Import", "received_at": AT}
    first, second, stored = await sent_twice(office, "/v1/tickets", body)
    assert is_replay(first, second)
    assert stored == 0
    ticket = first.json()["ticket"]
    for path, content in (
        ("responses", {"channel": "email", "text": "Hallo"}),
        ("time-entries", {"start": AT, "minutes": 10, "activity": "help", "agent": "a"}),
        ("callbacks", {"purpose": "Nachstellen"}),
    ):
        first, second, stored = await sent_twice(office, f"/v1/tickets/{ticket['id']}/{path}", content)
        assert is_replay(first, second)
        assert stored == 0
    assert len((await office.get(f"/v1/tickets/{ticket['id']}/events"))["items"]) == 4
    assert len((await office.get("/v1/tickets"))["items"]) == 1


async def test_a_call_is_kept_once(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    first, second, stored = await sent_twice(office, "/v1/calls", {"from": "+49 40 000001", "started_at": AT})
    assert is_replay(first, second)
    assert stored == 0


async def test_a_voicemail_of_an_unknown_caller_is_one_prospect_and_one_ticket(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    body = {"from": "+49 40 000077", "started_at": AT, "voicemail": {"text": "Bitte zurückrufen"}}
    first, second, stored = await sent_twice(office, "/v1/calls", body)
    assert first.status_code == 201
    assert is_replay(first, second)
    assert stored == 0
    [customer] = (await office.get("/v1/customers"))["items"]
    [ticket] = (await office.get("/v1/tickets"))["items"]
    assert ticket["customer"] == customer["id"]
    assert len(ticket["callbacks"]) == 1


async def test_a_voicemail_that_is_sent_five_times_at_once_is_one_prospect_and_one_ticket(
    open_office: OpenOffice,
) -> None:
    office = await open_office("liveagent")
    body = {"from": "+49 40 000077", "started_at": AT, "voicemail": {"text": "Bitte zurückrufen"}}
    answers = await asyncio.gather(
        *(office.call("POST", "/v1/calls", body, headers={"Idempotency-Key": "k"}) for _ in range(5))
    )
    assert {(each.status_code, each.content) for each in answers} == {(201, answers[0].content)}
    assert len((await office.get("/v1/customers"))["items"]) == 1
    assert len((await office.get("/v1/tickets"))["items"]) == 1


async def test_the_next_ticket_is_taken_once(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    for _ in range(2):
        await office.ticket(customer)
    first, second, stored = await sent_twice(office, "/v1/worklist/next", None)
    assert is_replay(first, second)
    assert stored == 0
    assert [each["assignee"] for each in (await office.get("/v1/tickets"))["items"]].count(None) == 1


async def test_the_same_key_with_another_body_or_at_another_place_is_refused(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path, headers = f"/v1/tickets/{ticket['id']}/responses", {"Idempotency-Key": "k-1"}
    await office.post(path, {"channel": "email", "text": "Eins"}, headers=headers)
    problem = await office.refused(422, path, {"channel": "email", "text": "Zwei"}, headers=headers)
    assert problem["type"] == "/problems/idempotency-key-reused"
    progress = f"/v1/tickets/{ticket['id']}/progress"
    await office.refused(422, progress, {"channel": "email", "text": "Eins"}, headers=headers)
    refused_anyway = await office.refused(422, f"/v1/tickets/{ticket['id']}/closing", {}, headers=headers)
    assert refused_anyway["type"] == "/problems/idempotency-key-reused"


async def test_a_retry_after_somebody_changed_the_thing_does_not_change_it_back(open_office: OpenOffice) -> None:
    """A command that changed nothing is answered under its key as well."""
    office = await open_office("infoniqa")
    customer = await office.customer()
    path = f"/v1/customers/{customer}/contacts"
    mine, headers = {"role": "csm", "agent": "csm-7"}, {"Idempotency-Key": "k-1"}
    await office.post(path, mine, role="admin")
    first = await office.call("POST", path, mine, role="admin", headers=headers)
    assert (first.status_code, first.json()["events"]) == (200, [])
    await office.post(path, {"role": "csm", "agent": "csm-8"}, role="admin")
    again = await office.call("POST", path, mine, role="admin", headers=headers)
    assert is_replay(first, again)
    assert (await office.get(f"/v1/customers/{customer}"))["customer"]["contacts"] == {"csm": "csm-8"}
    await office.refused(422, path, {"role": "csm", "agent": "csm-9"}, role="admin", headers=headers)


async def test_a_refusal_uses_no_key(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path, headers = f"/v1/tickets/{ticket['id']}/closing", {"Idempotency-Key": "k-1"}
    await office.refused(409, path, {}, headers=headers)
    await office.post(f"/v1/tickets/{ticket['id']}/resolution", {"text": "Behoben"})
    closed = await office.call("POST", path, {}, headers=headers)
    assert closed.status_code == 201
    assert REPLAYED not in closed.headers


async def test_one_customers_key_never_opens_anothers_answer(open_office: OpenOffice) -> None:
    """Two companies whose people have the same subject: the other one's answer stays its own."""
    office = await open_office("infoniqa")
    mine, other = await office.served(), await office.served()
    ticket = await office.ticket(mine)
    path, body = f"/v1/tickets/{ticket['id']}/messages", {"channel": "email", "text": "Geheim"}
    headers = {"Idempotency-Key": "k-1"}
    await office.post(path, body, role="customer", customer=mine, headers=headers)
    await office.refused(404, path, body, role="customer", customer=other, headers=headers)
    elsewhere = office.of(f"{office.provider}-north")
    await elsewhere.refused(404, path, body, headers=headers)


async def test_every_one_of_many_retries_at_once_gets_the_same_answer(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path = f"/v1/tickets/{ticket['id']}/responses"

    async def send(number: Any) -> Any:
        headers = {"Idempotency-Key": f"k-{number % 5}"}
        return number % 5, await office.call(
            "POST", path, {"channel": "email", "text": f"{number % 5}"}, headers=headers
        )

    answers = await asyncio.gather(*(send(number) for number in range(25)))
    assert len({(number, each.content) for number, each in answers}) == 5
    assert {each.status_code for _, each in answers} == {201}
    events = (await office.get(f"/v1/tickets/{ticket['id']}/events"))["items"]
    assert sorted(each["personal"]["text"] for each in events if each["type"] == "Responded") == list("01234")

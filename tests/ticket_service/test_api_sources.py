"""The same mail is one ticket: whatever the key, the caller's subject or a blank more in the body."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, OpenService

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAIL = {"system": "support-mailbox", "id": "<CAF31.77@mail.anna-muster.example>"}
SAID = {"channel": "email", "text": "Der Lohnlauf bricht ab"}


def request(customer: str, **more: Any) -> dict[str, Any]:
    return {
        "customer": customer,
        "channel": "email",
        "subject": "Lohn",
        "description": "Fehler 17",
        "source": MAIL,
    } | more


async def test_a_mail_that_comes_twice_opens_one_ticket(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    first = await office.call(
        "POST", "/v1/tickets", request(customer), sub="import-1", headers={"Idempotency-Key": "a"}
    )
    assert first.status_code == 201
    before = await office.service.position()
    bare = {"source": MAIL | {"id": MAIL["id"][1:-1]}}
    for more, sub in (
        ({}, "import-2"),
        ({"description": "Fehler 17 "}, "import-1"),
        (bare, "x"),
    ):
        again = await office.call(
            "POST", "/v1/tickets", request(customer, **more), sub=sub, headers={"Idempotency-Key": f"b-{sub}"}
        )
        assert again.status_code == 200
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json() | {"already_known": True}
        assert again.headers["ETag"] == first.headers["ETag"]
    assert await office.service.position() == before
    replayed = await office.call(
        "POST", "/v1/tickets", request(customer), sub="import-1", headers={"Idempotency-Key": "a"}
    )
    assert (replayed.status_code, replayed.content) == (201, first.content)


async def test_a_mail_that_comes_twice_is_one_message_on_whatever_ticket(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    ticket, other = await office.ticket(customer), await office.ticket(customer)
    path = "/v1/tickets/{}/messages"
    first = await office.post(path.format(ticket["id"]), SAID | {"source": MAIL})
    await office.post(path.format(ticket["id"]), SAID | {"source": MAIL | {"id": "another"}})
    before = await office.service.position()
    for to, text in ((ticket, SAID["text"] + " "), (ticket, "Anders"), (other, SAID["text"])):
        again = await office.post(path.format(to["reference"]), SAID | {"text": text, "source": MAIL})
        assert (again["ticket"]["id"], again["events"], again["already_known"]) == (ticket["id"], first["events"], True)
    opened = await office.post("/v1/tickets", request(customer))
    assert (opened["ticket"]["id"], opened["already_known"]) == (ticket["id"], True)
    assert await office.service.position() == before
    await office.refused(404, path.format("INF-2222-2222"), SAID | {"source": MAIL})


async def test_a_mail_with_information_is_taken_once_as_whatever_it_comes_again(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    ticket = await office.ticket(customer)
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/information-requests", {"question": "Welche Version?"})
    informed = {"text": "Version 12", "source": MAIL}
    first = await office.post(f"{path}/information", informed)
    assert (first["ticket"]["state"], len(first["events"])) == ("open", 1)
    await office.post(f"{path}/information-requests", {"question": "Und welches System?"})
    before = await office.service.position()
    for who in ({}, {"role": "customer", "customer": customer}):
        again = await office.post(f"{path}/information", informed | {"text": "12"}, **who)
        assert (again["ticket"]["state"], again["already_known"]) == ("waiting_customer", True)
    as_message = await office.post(f"{path}/messages", SAID | {"source": MAIL})
    assert (as_message["events"], as_message["already_known"]) == (first["events"], True)
    assert await office.service.position() == before
    stored = (await office.get(f"{path}/events?limit=100"))["items"]
    [event] = [each for each in stored if each["type"] == "InformationReceived"]
    assert event["personal"] == {"text": "Version 12", "source_id": MAIL["id"]}
    await office.post(f"{path}/resolution", {"text": "Behoben"})
    await office.post(f"{path}/closing")
    late = {"text": "Zu spät", "source": MAIL | {"id": "later"}}
    opened = [await office.post(f"{path}/information", late) for _ in range(2)]
    assert opened[0]["ticket"]["follows"] == ticket["id"]
    assert (opened[1]["ticket"]["id"], opened[1]["already_known"]) == (opened[0]["ticket"]["id"], True)


async def test_a_late_mail_that_comes_twice_opens_one_following_ticket(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    await office.post(f"/v1/tickets/{ticket['id']}/resolution", {"text": "Behoben"})
    await office.post(f"/v1/tickets/{ticket['id']}/closing")
    path = f"/v1/tickets/{ticket['id']}/messages"
    first = await office.post(path, SAID | {"source": MAIL})
    again = await office.post(path, SAID | {"source": MAIL})
    assert first["ticket"]["follows"] == ticket["id"]
    assert again["ticket"] == first["ticket"]


async def test_another_mailbox_and_another_provider_take_the_same_id_for_themselves(open_office: OpenOffice) -> None:
    office, elsewhere = await open_office("infoniqa"), await open_office("infoniqa")
    customer, theirs = await office.served(), await elsewhere.served()
    answers = [
        await office.post("/v1/tickets", request(customer)),
        await office.post("/v1/tickets", request(customer, source=MAIL | {"system": "sales-mailbox"})),
        await elsewhere.post("/v1/tickets", request(theirs)),
    ]
    assert len({each["ticket"]["id"] for each in answers}) == 3
    assert not any("already_known" in each for each in answers)


async def test_of_two_processes_at_once_one_takes_the_mail(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice
) -> None:
    async with open_service(Settings(var=tmp_path)) as first, open_service(Settings(var=tmp_path)) as second:
        office = await open_office("infoniqa", at=first)
        customer = await office.served()
        twin = Office(second, office.provider, office.agreement)
        for number in range(3):
            mail = MAIL | {"id": f"<{number}@muster.example>"}
            answers = await asyncio.gather(
                *(each.call("POST", "/v1/tickets", request(customer, source=mail)) for each in [office, twin] * 4)
            )
            assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
            assert len({each.json()["ticket"]["id"] for each in answers}) == 1
            ticket, said = answers[0].json()["ticket"]["id"], SAID | {"source": mail | {"system": "portal"}}
            answers = await asyncio.gather(
                *(each.call("POST", f"/v1/tickets/{ticket}/messages", said) for each in [office, twin] * 4)
            )
            assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
            history = (await office.get(f"/v1/tickets/{ticket}/events"))["items"]
            assert [each["type"] for each in history].count("CustomerMessageReceived") == 1


async def test_the_id_of_a_mail_is_sealed_and_only_staff_read_it(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    opened = await office.post("/v1/tickets", request(customer))
    ticket = opened["ticket"]["id"]
    await office.post(f"/v1/tickets/{ticket}/messages", SAID | {"source": MAIL | {"system": "portal"}})
    stored = b"".join(await office.service.lines())
    assert b"anna-muster" not in stored
    source = opened["events"][0]["data"]["source"]
    assert (source["system"], len(source["digest"])) == (MAIL["system"], 64)
    known = await office.get(f"/v1/tickets/{ticket}")
    assert known["personal"]["source_id"] == MAIL["id"]
    for path in (f"/v1/tickets/{ticket}", f"/v1/tickets/{ticket}/events"):
        seen = await office.call("GET", path, role="customer", customer=customer)
        assert seen.status_code == 200
        assert not any(word in seen.text for word in ("anna-muster", MAIL["system"], "portal", "source"))


async def test_a_customer_learns_nothing_of_anothers_mail(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    own, other = await office.served(), await office.served()
    await office.post("/v1/tickets", request(other))
    problem = await office.refused(422, "/v1/tickets", request(own), role="customer", customer=own)
    assert (problem["type"], problem["errors"][0]["pointer"]) == ("/problems/source-of-another", "/source")
    path = f"/v1/tickets/{(await office.ticket(own))['id']}/messages"
    for role in ("auditor", "billing"):
        await office.refused(403, path, SAID | {"source": MAIL}, role=role)
    mine = MAIL | {"id": "mine"}
    shown = [
        await office.post("/v1/tickets", request(own, source=mine), role="customer", customer=own) for _ in range(2)
    ]
    assert shown[1] == shown[0] | {"already_known": True}


WRONG: list[Any] = [
    {"system": "a@b.example", "id": "x"},
    {"system": "s", "id": ""},
    {"system": "s", "id": "x\ny"},
    {"system": "s", "id": "x" * 501},
    {"id": "x"},
]


@pytest.mark.parametrize("source", WRONG)
async def test_a_source_is_a_short_line_of_a_named_system(open_office: OpenOffice, source: Any) -> None:
    office = await open_office("infoniqa")
    await office.refused(422, "/v1/tickets", request(await office.served(), source=source))

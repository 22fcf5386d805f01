"""Lists: pages that hang together, filters that find what they say, and the caller who is known by number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def every_page(office: Office, path: Any, **how: Any) -> Any:
    """The items of all pages, and how many pages there were."""
    items, pages = [], 0
    while path is not None:
        answer = await office.call("GET", path, **how)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        pages += 1
        path = answer.links.get("next", {}).get("url")
    return items, pages


async def test_pages_of_tickets_hang_together_and_end_without_an_empty_one(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    made = [(await office.ticket(customer))["id"] for _ in range(6)]
    items, pages = await every_page(office, "/v1/tickets?limit=2")
    assert [each["id"] for each in items] == made
    assert pages == 3
    items, pages = await every_page(office, "/v1/tickets")
    assert ([each["id"] for each in items], pages) == (made, 1)


async def test_a_filter_goes_on_to_the_next_page(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer, other = await office.served(), await office.served()
    made = []
    for _ in range(3):
        made.append((await office.ticket(customer))["id"])
        await office.ticket(other)
    items, pages = await every_page(office, f"/v1/tickets?customer={customer}&limit=1")
    assert ([each["id"] for each in items], pages) == (made, 3)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "all"])
async def test_a_limit_outside_one_to_two_hundred_is_refused(open_office: OpenOffice, limit: str) -> None:
    office = await open_office("infoniqa")
    for path in ("/v1/tickets", "/v1/customers", "/v1/worklist", "/v1/calendars", "/v1/agreements/infoniqa/versions"):
        problem = await office.refused(422, f"{path}?limit={limit}", method="GET")
        assert problem["errors"][0]["pointer"] == "#query/limit"


async def test_tickets_are_found_by_what_the_filter_says(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.served()
    stranger = await office.customer(kind="prospect", name="Neugierig")
    mine = await office.ticket(customer, severity="hoch", channel="phone")
    theirs = await office.ticket(stranger)
    await office.post(f"/v1/tickets/{mine['id']}/assignment", {"agent": "agent-7"})
    found = {
        query: [each["id"] for each in (await office.get(f"/v1/tickets?{query}"))["items"]]
        for query in (
            "state=open",
            "state=new",
            f"customer={customer}",
            f"contract={mine['contract']}",
            "severity=hoch",
            "type=normal",
            "group=no_contract",
            "assignee=agent-7",
            "channel=phone",
            "agreement=fluxpunkt",
            "state=open&severity=niedrig",
        )
    }
    assert found == {
        "state=open": [mine["id"]],
        "state=new": [theirs["id"]],
        f"customer={customer}": [mine["id"]],
        f"contract={mine['contract']}": [mine["id"]],
        "severity=hoch": [mine["id"]],
        "type=normal": [mine["id"], theirs["id"]],
        "group=no_contract": [theirs["id"]],
        "assignee=agent-7": [mine["id"]],
        "channel=phone": [mine["id"]],
        "agreement=fluxpunkt": [mine["id"], theirs["id"]],
        "state=open&severity=niedrig": [],
    }
    empty = await office.refused(422, "/v1/tickets?severity=&channel=", method="GET")
    assert [each["pointer"] for each in empty["errors"]] == ["#query/severity", "#query/channel"]


async def test_a_misspelt_filter_is_refused_instead_of_finding_everything(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    problem = await office.refused(422, "/v1/tickets?stat=open", method="GET")
    assert [each["pointer"] for each in problem["errors"]] == ["#query/stat"]
    problem = await office.refused(422, "/v1/tickets?state=opened", method="GET")
    assert "in_progress" in problem["errors"][0]["detail"]


async def test_reads_reflect_every_command_already_answered(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    for number in range(1, 11):
        ticket = await office.ticket(customer)
        assert len((await office.get("/v1/tickets"))["items"]) == number
        await office.post(f"/v1/tickets/{ticket['id']}/assignment", {"agent": f"agent-{number}"})
        items = (await office.get(f"/v1/tickets?assignee=agent-{number}"))["items"]
        assert [each["id"] for each in items] == [ticket["id"]]


async def test_customers_are_listed_as_they_are_read_one_by_one(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    made = [
        await office.customer(name="Muster AG", contact={"name": "Anna Muster"}),
        await office.customer(name="Nele Neu", kind="person", address="Weg 2"),
        await office.customer(name="Bedarf GmbH", country="CH"),
    ]
    await office.post(f"/v1/customers/{made[0]}/devices", {"serial": "SN-1"}, role="admin")
    items, pages = await every_page(office, "/v1/customers?limit=2")
    assert pages == 2
    assert items == [(await office.get(f"/v1/customers/{each}"))["customer"] for each in made]


@pytest.mark.parametrize(
    "asked", ["%2B41410000001", "+41 41 000 00 01", "0041 41 000 00 01", "+41 (0)41 000 00 01", "%2B41-41/000.00.01"]
)
async def test_a_caller_is_found_by_number_however_it_is_written(open_office: OpenOffice, asked: str) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer(contact={"name": "Anna Muster", "phone": "+41 41 000 00 01"})
    await office.customer(name="Andere AG", contact={"phone": "+41 41 000 00 02"})
    found = (await office.get(f"/v1/customers?phone={asked}"))["items"]
    assert [each["id"] for each in found] == [customer]
    assert found[0]["contact"]["name"] == "Anna Muster"


@pytest.mark.parametrize(
    ("stored", "asked"), [("+41 41 000 00 03", "041 000 00 03"), ("041/0000003", "%2B41410000003")]
)
async def test_a_number_in_national_form_is_read_by_the_providers_country(
    open_office: OpenOffice, stored: str, asked: str
) -> None:
    """Whichever of the two is written with the country's code: callers, and calls that were kept."""
    office = await open_office("infoniqa", calls={"log_all": True})
    customer = await office.customer(contact={"name": "Anna Muster", "phone": stored})
    await office.post("/v1/calls", {"from": stored, "started_at": "2026-06-03T14:30:00Z"})
    assert [each["id"] for each in (await office.get(f"/v1/customers?phone={asked}"))["items"]] == [customer]
    assert [each["customer"] for each in (await office.get(f"/v1/calls?phone={asked}"))["items"]] == [customer]


async def test_a_number_finds_nobody_of_another_provider_and_nothing_without_digits(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    await office.customer(contact={"phone": "+41 41 000 00 01"})
    elsewhere = office.of("somebody-else")
    assert (await elsewhere.get("/v1/customers?phone=%2B41410000001"))["items"] == []
    assert (await office.get("/v1/customers?phone=anonym"))["items"] == []


async def test_the_overview_shows_open_tickets_contracts_and_contacts(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    await office.post(f"/v1/customers/{customer}/contacts", {"role": "csm", "agent": "csm-7"}, role="admin")
    done, still_open = await office.ticket(customer), await office.ticket(customer)
    await office.post(f"/v1/tickets/{done['id']}/resolution", {"text": "Behoben"})
    overview = await office.get(f"/v1/customers/{customer}/overview")
    assert overview["customer"]["id"] == customer
    assert [each["id"] for each in overview["open_tickets"]] == [still_open["id"]]
    assert [each["plan"] for each in overview["contracts"]] == ["m"]
    assert overview["contacts"] == {"csm": "csm-7"}
    own = await office.get(f"/v1/customers/{customer}/overview", role="customer", customer=customer)
    assert own.keys() == overview.keys()
    assert own["customer"] == overview["customer"]
    assert [each["id"] for each in own["open_tickets"]] == [still_open["id"]]
    assert [each["plan"] for each in own["contracts"]] == ["m"]
    assert own["contacts"] == overview["contacts"]


async def test_a_history_has_pages_too(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    for number in range(4):
        body = {"channel": "email", "text": f"Antwort {number}", "visible": number % 2 == 0}
        await office.post(f"/v1/tickets/{ticket['id']}/responses", body)
    path = f"/v1/tickets/{ticket['id']}/events?limit=2"
    items, pages = await every_page(office, path)
    assert ([each["version"] for each in items], pages) == ([1, 2, 3, 4, 5], 3)
    seen, pages = await every_page(office, path, role="customer", customer=ticket["customer"])
    assert ([each["personal"].get("text") for each in seen], pages) == ([None, "Antwort 0", "Antwort 2"], 2)

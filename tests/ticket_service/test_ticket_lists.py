"""Lists of tickets: several values of a filter, every order, cursors that stay, totals, and pollers told of no change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.ticket_service.conftest import Office, OpenOffice
from ticket_service.application import ticket_lists

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST = datetime(2026, 6, 3, 8, tzinfo=UTC)
ORDERS = ("opened", "received", "updated", "worklist", "severity", "deadline")
OPEN_ONLY = ("worklist", "severity", "deadline")


async def listed(office: Office, query: str, path: str = "/v1/tickets", **who: Any) -> list[str]:
    return [each["id"] for each in (await office.get(f"{path}?{query}", **who))["items"]]


async def paged(office: Office, query: str, path: str = "/v1/tickets", **who: Any) -> list[str]:
    """The ids of all pages of one ticket each."""
    found: list[str] = []
    following: str | None = f"{path}?{query}&limit=1"
    while following:
        answer = await office.call("GET", following, **who)
        assert answer.status_code == 200, answer.text
        found += [each["id"] for each in answer.json()["items"]]
        following = answer.links.get("next", {}).get("url")
    return found


async def opened(office: Office, customer: str, minutes: int, **body: Any) -> str:
    """A ticket received so many minutes after the first."""
    received_at = (FIRST + timedelta(minutes=minutes)).isoformat()
    return str((await office.ticket(customer, received_at=received_at, **body))["id"])


async def transferred(office: Office, ticket: str, **to: Any) -> None:
    await office.post(f"/v1/tickets/{ticket}/transfer", {"reason": "Fachfrage"} | to)


@pytest.mark.parametrize("path", ["/v1/tickets", "/v1/rows"])
async def test_every_filter_takes_several_values_in_every_order(open_office: OpenOffice, path: str) -> None:
    office = await open_office("infoniqa")
    one, two, three = [await office.served(language=each) for each in ("de-CH", "fr-CH", None)]
    tickets = {
        await opened(office, one, 0, severity="kritisch"): {
            "customer": one,
            "severity": "kritisch",
            "language": "de-CH",
        },
        await opened(office, two, 1, severity="mittel"): {"customer": two, "severity": "mittel", "language": "fr-CH"},
        await opened(office, three, 2, severity="niedrig"): {},
    }
    for number, ticket in enumerate(tickets):
        await transferred(office, ticket, department=f"d{number}", level=f"l{number}")
        await office.post(f"/v1/tickets/{ticket}/assignment", {"agent": f"agent-{number}"})
        tickets[ticket] |= {"department": f"d{number}", "level": f"l{number}", "assignee": f"agent-{number}"}
    (first, facts), (second, others), _ = tickets.items()
    for name in facts:
        both, together = f"{name}={facts[name]}", f"{name}={facts[name]},{others[name]},nobody"
        for order in ORDERS:
            assert await listed(office, f"{both}&sort={order}", path) == [first], (name, order)
            found = await paged(office, f"{together}&sort={order}", path)
            assert sorted(found) == sorted([first, second]), (name, order)


async def test_a_department_lists_its_tickets_in_every_list(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    elsewhere, here, later = [await opened(office, customer, minutes) for minutes in range(3)]
    await transferred(office, here, department="payroll", level="2")
    await transferred(office, later, department="payroll", level="3")
    await transferred(office, elsewhere, department="sales")
    for path in ("/v1/tickets", "/v1/rows", "/v1/worklist"):
        assert await listed(office, "department=payroll", path) == [here, later], path
        assert await listed(office, "department=payroll&level=3", path) == [later], path
        assert await listed(office, "department=payroll,sales&level=2", path) == [here], path
    await transferred(office, here, department="sales")
    assert await listed(office, "department=payroll") == [later]
    await office.refused(403, "/v1/tickets?department=payroll", method="GET", role="customer", customer=customer)


async def test_tickets_without_a_severity_are_listed_apart(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    unclear = await opened(office, customer, 0)
    clear = await opened(office, customer, 1, severity="mittel")
    for path in ("/v1/tickets", "/v1/rows", "/v1/worklist"):
        assert await listed(office, "unclassified=true", path) == [unclear], path
        assert await listed(office, "unclassified=false", path) == [unclear, clear], path
    for order in ORDERS:
        assert await listed(office, f"unclassified=true&sort={order}") == [unclear], order
    problem = await office.refused(422, "/v1/tickets?unclassified=true&severity=mittel", method="GET")
    assert [each["pointer"] for each in problem["errors"]] == ["#query/unclassified"]
    await office.post(f"/v1/tickets/{unclear}/severity", {"severity": "mittel"})
    assert await listed(office, "unclassified=true") == []


async def test_people_of_a_customer_list_the_tickets_that_they_opened(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer, other = await office.served(), await office.served()
    body = {"channel": "portal", "subject": "Frage"}
    made = {}
    for name, whose in (("anna", customer), ("otto", customer), ("ida", other)):
        answer = await office.post("/v1/tickets", body | {"customer": whose}, role="customer", customer=whose, sub=name)
        made[name] = answer["ticket"]["id"]
    await office.ticket(customer)
    who = {"role": "customer", "customer": customer, "sub": "anna"}
    for path in ("/v1/tickets", "/v1/rows"):
        assert await listed(office, "opened_by=anna", path, **who) == [made["anna"]]
        assert await paged(office, "opened_by=anna,otto", path, **who) == [made["anna"], made["otto"]]
        assert await listed(office, "opened_by=ida", path, **who) == [], "another company's"
        assert await listed(office, "opened_by=ida", path) == [made["ida"]]


async def test_lists_are_sorted_by_receipt_and_by_severity(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer, other = await office.served(), await office.served()
    low = await opened(office, customer, 30, severity="niedrig")
    unclear = await opened(office, customer, 0)
    high = await opened(office, customer, 20, severity="hoch")
    critical = await opened(office, other, 40, severity="kritisch")
    older = await opened(office, customer, 10, severity="hoch")
    who = {"role": "customer", "customer": customer}
    for path in ("/v1/tickets", "/v1/rows"):
        assert await paged(office, "sort=received", path) == [unclear, older, high, low, critical]
        assert await paged(office, "sort=severity", path) == [critical, older, high, low, unclear]
        assert await paged(office, "sort=received", path, **who) == [unclear, older, high, low]
        assert await paged(office, "sort=severity", path, **who) == [older, high, low, unclear]
    for order in ("worklist", "updated"):
        await office.refused(403, f"/v1/tickets?sort={order}", method="GET", **who)
    await office.post(f"/v1/tickets/{older}/resolution", {"text": "Behoben"})
    assert await listed(office, "sort=received") == [unclear, older, high, low, critical]
    assert await listed(office, "sort=severity") == [critical, high, low, unclear]
    assert await listed(office, "sort=severity&state=resolved") == []


@pytest.mark.parametrize("order", ["received", "severity"])
async def test_a_cursor_goes_on_where_its_ticket_stood_whatever_became_of_it(
    open_office: OpenOffice, order: str
) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.served()
    made = [await opened(office, customer, minutes, severity="hoch") for minutes in (5, 1, 3)]
    first = await office.call("GET", f"/v1/tickets?sort={order}&limit=1")
    assert [each["id"] for each in first.json()["items"]] == [made[1]]
    await office.post(f"/v1/tickets/{made[1]}/severity", {"severity": "niedrig"})
    await office.post(f"/v1/tickets/{made[1]}/resolution", {"text": "Behoben"})
    second = await office.get(first.links["next"]["url"])
    assert [each["id"] for each in second["items"]] == [made[2]]


@pytest.mark.parametrize("path", ["/v1/tickets", "/v1/rows"])
async def test_a_cursor_of_another_order_is_refused(open_office: OpenOffice, path: str) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    for order in ("received", "severity", "deadline", "updated"):
        for cursor in (ticket["id"], "1.2.3.4", "x", "1.", "9" * 19 + ".a", quote("١.a")):
            problem = await office.refused(422, f"{path}?sort={order}&after={cursor}", method="GET")
            assert [each["pointer"] for each in problem["errors"]] == ["#query/after"], (order, cursor)
    for order in OPEN_ONLY:
        problem = await office.refused(422, f"{path}?sort={order}&changed_after=1", method="GET")
        assert [each["pointer"] for each in problem["errors"]] == ["#query/changed_after"]


async def test_tickets_that_changed_since_a_position_are_listed(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    one, two, three = [await opened(office, customer, minutes) for minutes in range(3)]
    answer = await office.call("GET", "/v1/tickets")
    position = int(answer.headers["Fristwerk-Position"])
    assert await listed(office, f"changed_after={position}") == []
    for ticket in (three, one):
        await office.post(f"/v1/tickets/{ticket}/assignment", {"agent": "agent-7"})
    assert await paged(office, f"changed_after={position}") == [one, three]
    assert await paged(office, f"changed_after={position}&sort=opened") == [one, three]
    assert await paged(office, f"changed_after={position}&sort=received") == [one, three]
    assert await paged(office, "sort=updated") == [one, three, two]
    who: dict[str, Any] = {"role": "customer", "customer": customer}
    await office.refused(403, f"/v1/tickets?changed_after={position}", method="GET", **who)
    assert "Fristwerk-Position" not in (await office.call("GET", "/v1/tickets", **who)).headers


async def test_tickets_are_counted_where_it_is_asked_for(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await open_office("infoniqa")
    customer = await office.served(language="de-CH")
    for minutes in range(3):
        await opened(office, customer, minutes)
    assert "total" not in await office.get("/v1/tickets")
    for order in ORDERS:
        for query in ("", "&language=de-CH,fr-CH", "&state=new,open"):
            one = await office.get(f"/v1/tickets?limit=1&total=true&sort={order}{query}")
            assert (len(one["items"]), one["total"]) == (1, {"count": 3, "more": False}), (order, query)
        with monkeypatch.context() as bounded:
            bounded.setattr(ticket_lists, "MOST_COUNTED", 2)
            one = await office.get(f"/v1/tickets?limit=1&total=true&sort={order}")
        assert one["total"] == {"count": 2, "more": True}, order


async def test_a_poller_of_tickets_is_told_that_nothing_has_changed(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    await office.ticket(customer)

    async def again(tag: str, query: str = "limit=9", **who: Any) -> int:
        answer = await office.call("GET", f"/v1/tickets?{query}", headers={"If-None-Match": tag}, **who)
        assert answer.status_code == 200 or not answer.content
        return answer.status_code

    tag = (await office.call("GET", "/v1/tickets?limit=9")).headers["ETag"]
    assert await again(tag) == 304
    assert await again(f'"other", {tag}') == 304
    assert await again('"other"') == 200
    assert await again(tag, "limit=8") == 200
    assert await again(tag, "limit=9&sort=received") == 200
    assert await again(tag, role="customer", customer=customer) == 200
    await office.ticket(customer)
    assert await again(tag) == 200

"""Rows are made once and shown again: never longer than what they rest on, whichever process has changed it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio

from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenService
from ticket_service.application.deadlines import NEVER, ShownDeadline
from ticket_service.application.ordered import PART, Ordered

PERSON: Final = {"name": "Petra Probe", "kind": "prospect"}
START: Final = datetime(2026, 6, 3, 10, tzinfo=UTC)
Offices = tuple[Office, Office]


@pytest_asyncio.fixture
async def offices(services_settings: Settings, open_service: OpenService) -> AsyncIterator[Offices]:
    """One provider's office at two processes' applications on one database: they share no memory."""
    async with open_service(services_settings) as first, open_service(services_settings) as second:
        here, there = Office(first, "infoniqa", "infoniqa"), Office(second, "infoniqa", "infoniqa")
        for document in ("calendars/infoniqa", "agreements/infoniqa"):
            await here.publish(document)
        yield here, there


async def said(office: Office, ticket: str, **who: Any) -> tuple[str | None, str | None]:
    """The subject and the customer's name in a ticket's row."""
    rows = (await office.get("/v1/rows?sort=opened&limit=200", **who))["items"]
    (row,) = [each for each in rows if each["id"] == ticket]
    return row["subject"], row["customer_name"]


async def test_what_one_process_has_forgotten_the_other_shows_no_more(offices: Offices) -> None:
    here, there = offices
    customer = await here.customer(**PERSON)
    ticket = (await here.ticket(customer, subject="Mein Anliegen"))["id"]
    own: dict[str, Any] = {"role": "customer", "customer": customer}
    for office in offices:
        for who in ({}, own):
            assert await said(office, ticket, **who) == ("Mein Anliegen", "Petra Probe")
    await here.post(f"/v1/customers/{customer}/forget", {"accept": ["open_tickets"]}, role="admin")
    for office in (there, here):
        for who in ({}, own):
            assert await said(office, ticket, **who) == (None, None)


async def test_who_is_not_forgotten_is_shown_on(offices: Offices) -> None:
    here, there = offices
    names = ("Petra Probe", "Paul Pause")
    customers = [await here.customer(name=name, kind="prospect") for name in names]
    tickets = [(await here.ticket(each, subject="Anliegen"))["id"] for each in customers]
    assert [await said(there, each) for each in tickets] == [("Anliegen", name) for name in names]
    await here.post(f"/v1/customers/{customers[0]}/forget", {"accept": ["open_tickets"]}, role="admin")
    assert [await said(there, each) for each in tickets] == [(None, None), ("Anliegen", "Paul Pause")]


async def test_a_row_follows_its_ticket_at_both_processes(offices: Offices) -> None:
    here, there = offices
    ticket = (await here.ticket(await here.served(), subject="Neue Sache"))["id"]
    for number, office in enumerate((here, there, here, there)):
        agent = f"agent-{number}"
        await office.post(f"/v1/tickets/{ticket}/assignment", {"agent": agent})
        for each in offices:
            (row,) = (await each.get(f"/v1/rows?assignee={agent}"))["items"]
            assert (row["id"], row["assignee"], row["subject"]) == (ticket, agent, "Neue Sache")


async def test_a_row_that_was_made_for_staff_is_not_shown_to_the_customer(offices: Offices) -> None:
    here, _ = offices
    customer = await here.served()
    ticket = (await here.ticket(customer))["id"]
    for _ in range(2):
        for role, hidden in (("agent", False), ("customer", True), ("manager", False)):
            who = {"role": role} | ({"customer": customer} if hidden else {})
            (row,) = (await here.get("/v1/rows", **who))["items"]
            assert row["id"] == ticket
            assert ("assignee" not in row) is hidden, role


async def test_a_moved_ticket_says_nothing_of_whom_it_came_from_once_that_one_is_forgotten(offices: Offices) -> None:
    here, _ = offices
    first, second = await here.customer(**PERSON), await here.served()
    ticket = (await here.ticket(first, subject="Mein Anliegen"))["id"]
    await here.post(f"/v1/tickets/{ticket}/move", {"customer": second, "reason": "falsch erfasst"})
    for office in offices:
        assert (await said(office, ticket))[0] == "Mein Anliegen"
    await here.post(f"/v1/customers/{first}/forget", {"accept": ["open_tickets"]}, role="admin")
    for office in offices:
        assert (await said(office, ticket))[0] is None


@pytest.mark.parametrize(
    ("state", "due_after", "until"),
    [("running", 60, 60), ("running", None, None), ("paused", 60, None), ("missed", 60, None), ("met", 60, None)],
)
def test_a_deadline_is_shown_so_until_its_clock_has_run_out(
    state: Any, due_after: int | None, until: int | None
) -> None:
    due_at = None if due_after is None else START + timedelta(seconds=due_after)
    shown = ShownDeadline(timer="t", metric="callback", state=state, started_at=START, due_at=due_at, ended_at=None)
    assert shown.until == (NEVER if until is None else int(START.timestamp()) + until)
    if until is not None:
        last = datetime.fromtimestamp(shown.until, UTC)
        assert shown.at(last) == shown
        late = shown.at(last + timedelta(microseconds=1))
        assert (late.state, late.until) == ("missed", NEVER)


def test_an_order_that_changes_is_looked_through_to_its_end() -> None:
    order = Ordered[int]()
    names = [f"{number:05}" for number in range(3 * PART)]
    order.place({each: number for number, each in enumerate(names)}, [])
    going = order.among(None, (PART - 2, names[PART - 2]))
    found = [next(going) for _ in range(3)]
    order.place({}, [names[PART], names[-1]])
    order.place({"new": 2 * PART + PART // 2}, [])
    found += going
    kept = [each for each in names[PART - 1 :] if each != names[-1]]
    assert [each for each in found if each != "new"] == kept
    assert found.count("new") == 1

"""Rows in the order of their next deadlines."""

from __future__ import annotations

from typing import Any

from tests.sla_service.service.conftest import Desk
from tests.sla_service.service.row_lists import opened, pages, rows_when_current


async def test_a_customers_open_matters_stand_in_one_list_with_subject_and_next_deadline(day: Desk) -> None:
    customer = day.id("muster", "customer")
    await rows_when_current(day)
    for number in range(3):
        await opened(day, customer, subject=f"Sache {number}", severity=("mittel", "kritisch", "niedrig")[number])
    overview = await day.read(f"/v1/customers/{customer}/overview", service="ticket")
    for role, who in (("agent", {}), ("customer", {"as_customer": customer})):
        asked = {"customer": customer, "sort": "deadline", "limit": 200} | who
        rows = (await rows_when_current(day, role, **asked))["items"]
        assert sorted(row["id"] for row in rows) == sorted(each["id"] for each in overview["open_tickets"])
        assert {"Sache 0", "Sache 1", "Sache 2"} < {row["subject"] for row in rows}
        shown = [row["next_deadline"] for row in rows]
        due = [each["due_at"] for each in shown if each["ended_at"] is None and each["state"] != "paused"]
        assert len(due) >= 3
        assert due == sorted(due)


async def test_pages_by_deadline_hang_together_and_end_with_what_has_none(day: Desk) -> None:
    await rows_when_current(day)
    customer = day.id("muster", "customer")
    for severity in ("mittel", "kritisch", "niedrig"):
        mine = await opened(day, customer, severity=severity)
        await day.done(f"/v1/tickets/{mine['id']}/assignment", {"agent": "agent-77"})
    ticket = await opened(day, customer)
    await day.done(f"/v1/tickets/{ticket['id']}/responses", {"text": "Wir sehen nach.", "channel": "email"})
    await day.done(f"/v1/tickets/{ticket['id']}/information-requests", {"question": "Welche Version?"})
    whole = (await rows_when_current(day, sort="deadline", limit=200))["items"]
    worklist = (await rows_when_current(day, sort="worklist", limit=200))["items"]
    assert sorted(row["id"] for row in whole) == sorted(row["id"] for row in worklist)

    def place(row: Any) -> tuple[int, str]:
        shown = row["next_deadline"]
        if shown is None or shown["due_at"] is None or shown["ended_at"] is not None:
            return 2, ""
        return int(shown["state"] == "paused"), shown["due_at"]

    assert [place(row) for row in whole] == sorted(place(row) for row in whole)
    assert {place(row)[0] for row in whole} >= {0, 2}
    for path in ("/v1/rows", "/v1/tickets"):
        found = await pages(day, f"{path}?sort=deadline&limit=1")
        assert [one for page in found for one in page] == [row["id"] for row in whole], path
    of_one = await pages(day, "/v1/rows?sort=deadline&limit=1&assignee=agent-77")
    assert [one for page in of_one for one in page] == [row["id"] for row in whole if row["assignee"] == "agent-77"]
    assert len(of_one) == 3

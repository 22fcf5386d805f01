"""Rows of lists: tickets of one service with the deadlines that the other derives, in one request that says how fresh it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fristwerk_language.terms import read_yaml
from fristwerk_local.terminal_output import TERMS
from tests.sla_service.service.conftest import Desk, OpenPair, Pair, utc
from tests.sla_service.service.row_lists import opened, pages, row_of, rows_when_current
from ticket_service.api.list_tags import holds_until, still_holds
from ticket_service.application import deadlines as following
from ticket_service.application import ticket_lists
from ticket_service.application.deadlines import ShownDeadline
from ticket_service.queries.ticket_filters import FILTERS

AGREED = {"contact": "Frau Muster", "channel": "phone", "at": "2026-06-03T09:00:00Z"}


async def test_a_row_says_what_three_requests_said(day: Desk) -> None:
    page = await rows_when_current(day)
    worklist = await day.read("/v1/worklist", service="ticket")
    assert [row["id"] for row in page["items"]] == [each["id"] for each in worklist["items"]]
    assert page["items"]
    for row in page["items"]:
        whole = await day.read(f"/v1/tickets/{row['id']}", service="ticket")
        customer = (await day.read(f"/v1/customers/{row['customer']}", service="ticket"))["customer"]
        assert row["subject"] == (whole["personal"].get("subject") or None)
        assert row["customer_name"] == customer["name"]
        assert {name: whole["ticket"][name] for name in ("reference", "assignee", "severity", "state")} == {
            name: row[name] for name in ("reference", "assignee", "severity", "state")
        }
        timers = (await day.read(f"/v1/tickets/{row['id']}/timers"))["items"]
        shown = row["next_deadline"]
        if shown is None:
            assert all(each["state"] == "cancelled" for each in timers)
            continue
        (same,) = [each for each in timers if each["id"] == shown["timer"]]
        assert {name: same[name] for name in ("metric", "state", "due_at", "started_at")} == {
            name: shown[name] for name in ("metric", "state", "due_at", "started_at")
        }
        not_ended = [each["due_at"] for each in timers if each["ended_at"] is None and each["state"] == "running"]
        if not_ended and shown["state"] == "running":
            assert shown["due_at"] == min(not_ended)


async def test_a_deadline_that_a_command_changes_appears(day: Desk) -> None:
    await rows_when_current(day)
    ticket = await opened(day, day.id("muster", "customer"))
    before = await row_of(day, ticket["id"])
    assert (before["next_deadline"]["metric"], before["next_deadline"]["state"]) == ("first_response", "running")
    assert before["subject"] == "Neue Sache"
    await day.done(f"/v1/tickets/{ticket['id']}/responses", {"text": "Wir sehen nach.", "channel": "email"})
    after = await row_of(day, ticket["id"])
    assert after["version"] > before["version"]
    assert after["next_deadline"] != before["next_deadline"]


async def test_rows_come_while_the_sla_service_is_away_and_say_so(day: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.01)
    app, day.stack.way_back.app = day.stack.way_back.app, None
    away = await day.read("/v1/rows", service="ticket")
    assert away["deadlines"]["state"] == "unavailable"
    assert away["deadlines"]["heard_at"] is None
    assert {(row["next_deadline"], row["deadline_is"]) for row in away["items"]} == {(None, "behind")}
    assert all(row["reference"] for row in away["items"])
    day.stack.way_back.app = app
    page = await rows_when_current(day)
    assert any(row["next_deadline"] for row in page["items"])


async def test_a_customer_sees_the_own_company_without_the_vendors_house(day: Desk) -> None:
    customer = day.id("muster", "customer")
    page = await rows_when_current(day, "customer", as_customer=customer)
    assert page["items"]
    assert {row["customer"] for row in page["items"]} == {customer}
    hidden = {"assignee", "group", "priority", "department", "level", "last_activity_at"}
    assert not hidden & set(page["items"][0])
    assert "position" not in page
    assert "position" not in page["deadlines"]
    assert page["items"][0]["subject"]
    for params in ({"assignee": "agent-1"}, {"sort": "worklist"}, {"customer": "another"}):
        refused = await day.ask("/v1/rows", "customer", "ticket", as_customer=customer, **params)
        assert refused.status_code == 403, params


async def test_another_provider_has_its_own_rows_and_deadlines(day: Desk) -> None:
    own = {row["id"] for row in (await rows_when_current(day, sort="opened", limit=200))["items"]}
    other = day.of("hamburg")
    others = {row["id"] for row in (await rows_when_current(other, sort="opened", limit=200))["items"]}
    assert own
    assert others
    assert not own & others
    changed = (await other.read("/v1/deadlines"))["items"]
    assert {each["provider"] for each in changed} == {"hamburg"}
    refused = await day.ask("/v1/deadlines", "customer", as_customer=day.id("muster", "customer"))
    assert refused.status_code == 403


async def test_filters_take_several_values_and_pages_hang_together(day: Desk) -> None:
    every = (await rows_when_current(day, sort="opened", limit=200))["items"]
    states = sorted({row["state"] for row in every})[:2]
    found = await day.read("/v1/rows", service="ticket", sort="opened", state=",".join(states), limit=200)
    assert [row["id"] for row in found["items"]] == [row["id"] for row in every if row["state"] in states]
    ids: list[str] = []
    path: str | None = f"/v1/rows?sort=opened&limit=2&state={','.join(states)}"
    while path:
        answer = await day.ask(path, service="ticket")
        assert answer.headers["Fristwerk-Position"] == str(answer.json()["position"])
        ids += [row["id"] for row in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url")
    assert ids == [row["id"] for row in found["items"]]
    for wrong in ("state=open,,new", "state=opened", "state=open&state=new", "sort=due", "assignee=", "q=x"):
        assert (await day.ask(f"/v1/rows?{wrong}", service="ticket")).status_code == 422, wrong


async def test_what_changes_between_two_pages_is_neither_skipped_nor_repeated(day: Desk) -> None:
    every = (await pages(day, "/v1/rows?sort=updated&limit=200"))[0]
    first = await day.ask("/v1/rows?sort=updated&limit=2", service="ticket")
    assert [row["id"] for row in first.json()["items"]] == every[:2]
    position = first.json()["position"]
    await day.done(f"/v1/tickets/{every[-1]}/priority", {"priority": 2, "reason": "eilig", "agreement": AGREED})
    rest = await pages(day, first.links["next"]["url"])
    assert [one for page in rest for one in page] == every[2:-1]
    assert await pages(day, f"/v1/rows?changed_after={position}") == [[every[-1]]]
    assert await pages(day, f"/v1/rows?sort=opened&changed_after={position}") == [[every[-1]]]


async def test_rows_are_counted_where_it_is_asked_for(day: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for sort in ("worklist", "opened", "updated"):
        every = await day.read("/v1/rows", service="ticket", sort=sort, limit=200)
        assert "total" not in every
        one = await day.read("/v1/rows", service="ticket", sort=sort, limit=1, total="true")
        assert one["total"] == {"count": len(every["items"]), "more": False}
        with monkeypatch.context() as bounded:
            bounded.setattr(ticket_lists, "MOST_COUNTED", 1)
            one = await day.read("/v1/rows", service="ticket", sort=sort, limit=1, total="true")
        assert one["total"] == {"count": 1, "more": True}


async def again(desk: Desk, path: str, tag: str, role: str = "agent", **who: Any) -> int:
    headers = desk.stack.headers(role, desk.provider, **who) | {"If-None-Match": tag}
    return (await desk.stack.clients["ticket"].get(path, headers=headers)).status_code


async def test_a_poller_is_told_that_nothing_changed_until_something_did(day: Desk) -> None:
    await rows_when_current(day)
    path = "/v1/rows?limit=200"
    tag = (await day.ask(path, service="ticket")).headers["ETag"]
    assert await again(day, path, tag) == 304
    assert await again(day, path, f'"another", {tag}') == 304
    assert await again(day, path, '"another"') == 200
    assert await again(day, f"{path}&state=open", tag) == 200
    assert await again(day, path, tag, "manager") == 200
    assert await again(day, path, tag, "customer", customer=day.id("muster", "customer")) == 200
    assert await again(day.of("hamburg"), path, tag) == 200
    await opened(day, day.id("muster", "customer"))
    assert await again(day, path, tag) == 200


@pytest.mark.parametrize(
    ("state", "due_at", "until"),
    [
        ("running", "2026-06-03 12:05", "2026-06-03 12:05"),
        ("running", "2026-06-03 12:20", "2026-06-03 12:14:59"),
        ("paused", "2026-06-03 12:05", "2026-06-03 12:14:59"),
    ],
)
def test_a_tag_holds_until_a_running_clock_ends_or_a_local_day_may_begin(state: Any, due_at: str, until: str) -> None:
    start = utc("2026-06-03 10:00")
    deadline = ShownDeadline(
        timer="t", metric="callback", state=state, started_at=start, due_at=utc(due_at), ended_at=None
    )
    now = utc("2026-06-03 12:01")
    ends = holds_until([deadline.until], now)
    assert datetime.fromtimestamp(ends, UTC) == utc(until)
    assert still_holds(f'W/"k.{ends}"', "k", utc(until))
    assert not still_holds(f'W/"k.{ends}"', "k", utc(until) + timedelta(seconds=1))
    assert not still_holds(f'W/"k.{ends}"', "l", now)


async def test_what_makes_no_sense_is_refused(day: Desk) -> None:
    for wrong in ("sort=updated&after=x", "changed_after=3&sort=worklist", "changed_after=-1", "total=maybe", "total="):
        assert (await day.ask(f"/v1/rows?{wrong}", service="ticket")).status_code == 422, wrong
    customer = day.id("muster", "customer")
    for query in ({"changed_after": 3}, {"sort": "updated"}):
        assert (await day.ask("/v1/rows", "customer", "ticket", as_customer=customer, **query)).status_code == 403


async def test_a_worklist_row_fits_every_filter(day: Desk) -> None:
    every = (await rows_when_current(day, limit=200))["items"]
    one = every[-1]
    for name in FILTERS:
        if one[name] is None:
            continue
        found = await day.read("/v1/rows", service="ticket", limit=200, **{name: one[name]})
        assert [row["id"] for row in found["items"]] == [row["id"] for row in every if row[name] == one[name]], name


async def test_a_forgotten_person_has_no_name_and_no_subject_in_rows(day: Desk) -> None:
    body = {"name": "Petra Probe", "kind": "prospect"}
    customer = (await day.done("/v1/customers", body))["customer"]["id"]
    ticket = await opened(day, customer, subject="Mein Anliegen")
    known = await row_of(day, ticket["id"])
    assert (known["customer_name"], known["subject"]) == ("Petra Probe", "Mein Anliegen")
    await day.done(f"/v1/customers/{customer}/forget", {"accept": ["open_tickets"]}, role="admin")
    forgotten = await row_of(day, ticket["id"])
    assert (forgotten["customer_name"], forgotten["subject"]) == (None, None)


async def test_rows_on_postgres(
    open_pair: OpenPair, open_desk: Callable[[Pair], Desk], tmp_path: Path, postgres_url: str
) -> None:
    async with open_pair(tmp_path / "var", postgres_url) as pair:
        desk = open_desk(pair)
        for name in ("calendars/infoniqa", "agreements/infoniqa"):
            await desk.put(f"/v1/{name}", read_yaml(TERMS.joinpath(*f"{name}.yaml".split("/")).read_bytes()))
        customer = (await desk.done("/v1/customers", {"name": "Muster", "kind": "company"}, role="admin"))["customer"]
        contract = {"agreement": "infoniqa", "plan": "m", "package_hours": 4, "from": "2026-01-01"}
        await desk.done(f"/v1/customers/{customer['id']}/contracts", contract, role="admin")
        ticket = await opened(desk, customer["id"])
        row = await row_of(desk, ticket["id"])
        assert (row["subject"], row["customer_name"]) == ("Neue Sache", "Muster")
        assert (row["next_deadline"]["metric"], row["next_deadline"]["state"]) == ("first_response", "running")
        found = await desk.read("/v1/rows", service="ticket", sort="opened", state="new,open", channel="email,phone")
        assert [each["id"] for each in found["items"]] == [ticket["id"]]
        for words in ("sache must", "NEUE Sache", ticket["reference"][:-2].lower(), "e-mail sache"):
            for order in ("opened", "received", "updated", "worklist", "severity", "deadline"):
                found = await desk.read("/v1/rows", service="ticket", sort=order, q=words)
                assert [each["id"] for each in found["items"]] == [ticket["id"]][: words != "e-mail sache"], (
                    words,
                    order,
                )

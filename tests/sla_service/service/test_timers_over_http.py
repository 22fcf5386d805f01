"""Timers over HTTP: of a ticket now and in the past, of all tickets page by page, at risk, and explained."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sla_service.service.conftest import Desk


async def timer(desk: Desk, ticket: str, **when: Any) -> dict[str, Any]:
    (found,) = (await desk.read(f"/v1/tickets/{desk.id(ticket)}/timers", **when))["items"]
    only: dict[str, Any] = found
    return only


async def test_the_state_of_a_timer_as_of_an_instant_is_what_had_occurred_by_then(day: Desk) -> None:
    """lohnlauf: received 16:30, kritisch 16:40, answered Friday 09:00, due 09:30 (Zürich)."""
    for at, state, severity in (
        ("2026-06-03T14:35:00Z", "running", None),
        ("2026-06-03T14:45:00Z", "running", "kritisch"),
        ("2026-06-05T06:59:59Z", "running", "kritisch"),
        ("2026-06-05T07:00:00Z", "met", "kritisch"),
    ):
        found = await timer(day, "lohnlauf", at=at)
        assert (found["state"], found["severity"], found["due_at"]) == (state, severity, "2026-06-05T07:30:00Z")
    assert (await timer(day, "lohnlauf", at="2026-06-05T06:30:00Z"))["remaining_seconds"] == 3600


async def test_a_plus_sign_that_was_not_escaped_still_stands_for_an_offset(day: Desk) -> None:
    path = f"/v1/tickets/{day.id('lohnlauf')}/timers?at=2026-06-05T08:59:59+02:00"
    answer = await day.ask(path)
    assert (answer.status_code, answer.json()["items"][0]["state"]) == (200, "running")
    report = await day.ask("/v1/reports/compliance?from=2026-06-03T16:30:00+02:00&until=2026-06-03T16:30:01+02:00")
    assert report.json()["total"]["timers"] == 1


async def test_before_its_receipt_there_was_no_ticket(day: Desk) -> None:
    path = f"/v1/tickets/{day.id('lohnlauf')}/timers"
    answer = await day.ask(path, at="2026-06-03T14:29:59Z")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/ticket-not-found")


async def test_what_was_known_at_an_instant_leaves_out_what_was_entered_later(day: Desk) -> None:
    """An answer by phone at 14:10Z is entered now: until then the miss at 14:00Z stood as it was known."""
    ticket = day.id("import")
    before = await timer(day, "import")
    assert before["state"] == "missed"
    known_at = datetime.now().astimezone().replace(microsecond=0) + timedelta(seconds=1)
    while datetime.now().astimezone() <= known_at + timedelta(seconds=1):
        pass
    body = {"channel": "phone", "text": "Zurückgerufen", "occurred_at": "2026-06-08T12:00:00Z"}
    await day.done(f"/v1/tickets/{ticket}/responses", body)
    await day.caught_up()

    assert (await timer(day, "import"))["state"] == "met"
    known = await timer(day, "import", known_at=known_at.isoformat())
    assert (known["state"], known["missed_at"], known["met_at"]) == ("missed", "2026-06-08T14:00:00Z", None)
    both = await timer(day, "import", at="2026-06-08T13:00:00Z", known_at=known_at.isoformat())
    assert both["state"] == "running"
    assert (await timer(day, "import", at="2026-06-08T13:00:00Z"))["state"] == "met"


async def test_a_miss_shows_when_it_was_detected_and_not_before_it_was(day: Desk) -> None:
    found = await timer(day, "import")
    detected = datetime.fromisoformat(found["detected_at"])
    assert detected > datetime.fromisoformat(found["missed_at"])
    then = await timer(day, "import", at="2026-06-08T15:00:00Z")
    assert (then["state"], then["detected_at"]) == ("missed", None)


async def test_a_reference_in_small_letters_finds_its_ticket(day: Desk) -> None:
    path = f"/v1/tickets/{day.id('lohnlauf')}"
    reference = (await day.read(path, service="ticket"))["ticket"]["reference"]
    found = await day.read(f"/v1/tickets/{reference.lower()}/timers")
    assert found["ticket"] == day.id("lohnlauf")


@pytest.mark.parametrize("order", [{}, {"order": "due_at"}])
async def test_pages_of_timers_have_every_timer_once(day: Desk, order: dict[str, Any]) -> None:
    everything = (await day.read("/v1/timers", limit=200, **order))["items"]
    seen: list[str] = []
    path: str | None = "/v1/timers"
    params: dict[str, Any] = {"limit": 2} | order
    while path is not None:
        answer = await day.ask(path, **params)
        seen += [each["id"] for each in answer.json()["items"]]
        path, params = answer.links.get("next", {}).get("url"), {}
    assert seen == [each["id"] for each in everything]
    if order:
        assert everything == sorted(everything, key=lambda each: (each["due_at"], each["id"]))


async def test_filters_of_the_list_agree_with_what_each_timer_says(day: Desk) -> None:
    everything = (await day.read("/v1/timers", limit=200))["items"]
    for state in ("running", "paused", "met", "missed", "cancelled"):
        wanted = [each["id"] for each in everything if each["state"] == state]
        assert [each["id"] for each in (await day.read("/v1/timers", state=state))["items"]] == wanted
    due = "2026-06-09T00:00:00Z"
    assert len((await day.read("/v1/timers", due_before=due))["items"]) == 2


async def test_at_risk_is_what_is_due_within_a_span_and_not_yet_missed(day: Desk) -> None:
    desk = day.of("liveagent")
    ticket = (
        await desk.done(
            "/v1/tickets",
            {"customer": desk.id(_customer(desk), "customer"), "channel": "dedicated_chat", "subject": "Ausfall"},
        )
    )["ticket"]["id"]
    await desk.done(f"/v1/tickets/{ticket}/severity", {"severity": "critical"})
    await desk.caught_up()
    assert [each["ticket"] for each in (await desk.read("/v1/timers", within="90m"))["items"]] == [ticket]
    for span in ("0m", "30m"):
        assert (await desk.read("/v1/timers", within=span))["items"] == []


def _customer(desk: Desk) -> str:
    prefix = f"{desk.provider}/customer:"
    return next(name.removeprefix(prefix) for name in desk.names if name.startswith(prefix))


async def test_an_explanation_names_the_holiday_in_both_languages(day: Desk) -> None:
    found = await timer(day, "lohnlauf")
    english = await day.read(f"/v1/timers/{found['id']}/explanation")
    german = await day.read(f"/v1/timers/{found['id']}/explanation", lang="de")
    assert "Fronleichnam, canton LU" in english["text"]
    assert "Fronleichnam, Kanton LU" in german["text"]
    assert len(english["steps"]) == len(german["steps"])
    assert english["timer"]["due_at"] == "2026-06-05T07:30:00Z"


async def test_an_explanation_is_to_be_had_as_text(day: Desk) -> None:
    path = f"/v1/timers/{(await timer(day, 'lohnlauf'))['id']}/explanation"

    async def get(accept: str) -> httpx.Response:
        headers = day.stack.headers("agent", day.provider) | {"Accept": accept}
        return await day.stack.clients["sla"].get(path, params={"lang": "de"}, headers=headers)

    text = await get("text/plain")

    assert (text.status_code, text.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert text.text == (await day.read(path, lang="de"))["text"] + "\n"
    for also in ("*/*", "text/plain, application/json"):
        answer = await get(also)
        assert (answer.headers["content-type"], answer.headers["vary"]) == ("application/json", "Accept")


async def test_migrated_terms_move_the_timers_of_one_ticket_visibly(day: Desk) -> None:
    """A second version of the agreement leaves the ticket alone until its terms are migrated."""
    agreement = (await day.read("/v1/agreements/infoniqa", role="admin", service="ticket"))["agreement"]["document"]
    agreement["service_levels"][2]["target"] = "4 business hours"
    await day.put("/v1/agreements/infoniqa", agreement)
    customer = day.id("muster", "customer")
    before = await timer(day, "druck")
    assert before["terms"] == "infoniqa@1"

    ticket = (
        await day.done(
            "/v1/tickets", {"customer": customer, "channel": "email", "subject": "Neu", "severity": "niedrig"}
        )
    )["ticket"]["id"]
    await day.caught_up()
    (running,) = (await day.read(f"/v1/tickets/{ticket}/timers"))["items"]
    assert (running["terms"], running["target"]) == ("infoniqa@2", "4 business hours")
    await day.done(f"/v1/tickets/{ticket}/terms", {"agreement_version": 1, "reason": "Vereinbart"}, role="manager")
    await day.caught_up()
    (moved,) = (await day.read(f"/v1/tickets/{ticket}/timers"))["items"]
    assert (moved["terms"], moved["target"]) == ("infoniqa@1", "8 business hours")
    answer = await day.ask("/v1/events", role="service", stream=f"timer-{moved['id']}", type="TimerRescheduled")
    assert answer.text.count('"why":"TermsMigrated"') == 1

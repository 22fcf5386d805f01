"""What belongs to persons: sealed wherever it lies, opened for those who may read, and gone once it is forgotten."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.read_models import IRREPLACEABLE, sqlite_database
from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, OpenService, Service
from ticket_service import personal_data
from ticket_service.personal_data import PersonalData, Sealed

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = bytes(range(32))
WORDS = ("Anna Geheim", "anna@geheim.example", "+41 41 999 77 55", "41419997755", "Zypressenweg", "Quittengelee")


@pytest.fixture
def open_personal(tmp_path: Path) -> Any:
    """Personal data in a file of its own; ``closed`` lets go of it."""

    async def opened(key: Any = KEY) -> Any:
        database = sqlite_database(tmp_path / "keys.db", personal_data.metadata, IRREPLACEABLE)
        await database.create()
        return PersonalData(database, key), database

    return opened


async def test_what_was_sealed_opens_for_its_subject_in_its_event_and_nowhere_else(open_personal: Any) -> None:
    personal, database = await open_personal()
    text = await personal.seal("c-1", "event-1", {"name": "Anna Geheim"})
    assert text.startswith("fw1.c-1.")
    assert "Anna" not in text
    opened = await personal.open([Sealed("event-1", text)], ["c-1"])
    assert opened == {"event-1": {"name": "Anna Geheim"}}
    assert await personal.open([Sealed("event-2", text)], ["c-1"]) == {}, "moved to another event"
    forged = text.replace("fw1.c-1.", "fw1.c-2.")
    await personal.seal("c-2", "event-3", {"name": "Beat"})
    assert await personal.open([Sealed("event-1", forged)], ["c-2"]) == {}, "moved to another subject"
    assert await personal.open([Sealed("event-1", text)], ["c-2"]) == {}, "not who is asked for"
    await database.close()


async def test_the_same_content_is_never_sealed_to_the_same_text(open_personal: Any) -> None:
    personal, database = await open_personal()
    texts = {await personal.seal("c-1", "event-1", {"name": "Anna"}) for _ in range(10)}
    assert len(texts) == 10
    await database.close()


async def test_a_restart_opens_what_was_sealed_before_and_another_key_file_is_noticed(open_personal: Any) -> None:
    personal, database = await open_personal()
    text = await personal.seal("c-1", "event-1", {"name": "Anna"})
    await database.close()
    again, database = await open_personal()
    await again.check()
    assert await again.open([Sealed("event-1", text)], ["c-1"]) == {"event-1": {"name": "Anna"}}
    await database.close()
    other, database = await open_personal(bytes(32))
    with pytest.raises(KeyFileError):
        await other.check()
    await database.close()


async def test_two_processes_that_make_a_subjects_key_at_once_share_it(open_personal: Any) -> None:
    (here, first), (there, second) = await open_personal(), await open_personal()
    texts = await asyncio.gather(
        here.seal("c-1", "event-1", {"n": 1}),
        there.seal("c-1", "event-2", {"n": 2}),
        *(here.seal(f"c-{number}", f"event-{number}", {"n": number}) for number in range(3, 30)),
    )
    assert await here.open([Sealed("event-2", texts[1])], ["c-1"]) == {"event-2": {"n": 2}}
    assert await there.open([Sealed("event-1", texts[0])], ["c-1"]) == {"event-1": {"n": 1}}
    assert await there.open([Sealed("event-17", texts[16])], ["c-17"]) == {"event-17": {"n": 17}}
    await first.close()
    await second.close()


async def test_a_forgotten_key_opens_nothing_and_can_be_forgotten_again(open_personal: Any) -> None:
    personal, database = await open_personal()
    text = await personal.seal("c-1", "event-1", {"name": "Anna"})
    for _ in range(2):
        await personal.forget("c-1")
        assert await personal.open([Sealed("event-1", text)], ["c-1"]) == {}
    await database.close()


async def everything_said(office: Office) -> Any:
    """A private person's ticket in which each text holds a name, number or word that is personal."""
    name, email, phone, number, street, words = WORDS
    person = {
        "name": name,
        "kind": "person",
        "address": {"street": street},
        "vat_id": f"{words} 1",
        "contact": {"name": name, "email": email, "phone": phone},
    }
    key = (await office.post("/v1/customers", person, role="admin"))["customer"]["id"]
    fields = {"name": name, "email": email, "callback_number": number, "company": f"{words} GmbH"}
    ticket = await office.ticket(key, subject=words, description=f"{name} sagt: {words}", fields=fields)
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    before = (datetime.now(UTC) - timedelta(minutes=10)).replace(microsecond=0).isoformat()
    agreed = {"contact": name, "channel": "phone", "at": at}
    for path, body in (
        ("messages", {"channel": "email", "text": words}),
        ("responses", {"channel": "email", "text": f"Liebe {name}"}),
        ("responses", {"channel": "email", "text": words, "visible": False}),
        ("progress", {"channel": "email", "text": words}),
        ("information-requests", {"question": f"Wohnt {name} im {street}?"}),
        ("information", {"text": words}),
        ("priority", {"priority": 2, "reason": words, "agreement": agreed}),
        ("transfer", {"department": "shop", "reason": words}),
        ("time-entries", {"start": before, "minutes": 5, "activity": "help", "agent": "a", "note": words}),
        ("callbacks", {"purpose": f"{name} {phone}"}),
        ("callbacks/1/completion", {"text": words}),
        ("appointments", {"kind": "review", "proposals": ["2029-01-08T09:00:00Z"]}),
        ("appointments/1/cancellation", {"by": "customer", "reason": words}),
        ("effort-notices", {"text": words}),
        ("cost-approvals", {"estimate_minutes": 30, "text": words}),
        ("cost-approvals/1/decision", {"approved": True, "on_behalf": agreed}),
        ("delivery", {"system": "test", "text": words}),
        ("acceptance", {"accepted": True, "text": words, "on_behalf": agreed}),
        ("release", {}),
        ("escalations", {"to": "manager", "text": words}),
        ("escalations/1/closing", {"outcome": words, "contact": name}),
        ("resolution", {"text": words}),
        ("reopening", {"reason": words}),
        ("feedback", {"score": 1, "text": words}),
    ):
        headers = {"Idempotency-Key": f"k-{path}-{body.get('visible')}"}
        await office.post(f"/v1/tickets/{ticket['id']}/{path}", body, headers=headers)
    call = {"ticket": ticket["id"], "from": phone, "started_at": at, "voicemail": {"text": words}}
    await office.post("/v1/calls", call, headers={"Idempotency-Key": "k-call"})
    return key, ticket


async def everything_read(office: Office, customer: Any, ticket: Any) -> Any:
    """What every route shows that speaks of the person, as one text."""
    reads = [
        f"/v1/customers/{customer}",
        f"/v1/customers/{customer}/overview",
        "/v1/customers",
        f"/v1/tickets/{ticket['id']}",
        f"/v1/tickets/{ticket['id']}?known_at=2100-01-01T00:00:00Z",
        f"/v1/tickets/{ticket['id']}/events?limit=200",
        "/v1/tickets",
        "/v1/worklist",
    ]
    bodies = [await office.get(path) for path in reads]
    feed = await office.call("GET", "/v1/events", role="auditor")
    return json.dumps(bodies, ensure_ascii=False) + feed.text


def found_in(folder: Any, words: Any) -> Any:
    """Where a word lies open in any byte of any file, in any of the usual encodings."""
    hits = []
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = file.read_bytes()
        for word in words:
            spelt = {word.encode(), word.encode("utf-16-le"), json.dumps(word).strip('"').encode()}
            hits += [(file.name, word) for each in spelt if each in content]
    return hits


async def test_no_byte_of_any_file_tells_who_it_was(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice
) -> None:
    """Log, answers kept for replay, read models and their write-ahead files."""
    async with open_service(Settings(var=tmp_path, customers_may_date=True)) as service:
        office = await open_office("digidesk", at=service)
        customer, ticket = await everything_said(office)
        shown = await everything_read(office, customer, ticket)
        assert all(word in shown for word in WORDS)
        assert len(list(tmp_path.rglob("*-wal"))) >= 1
        assert found_in(tmp_path, WORDS) == []
    assert found_in(tmp_path, WORDS) == []


async def test_a_forgotten_person_is_unreadable_by_every_route_and_nothing_else_changes(
    service: Service, open_office: OpenOffice
) -> None:
    office = await open_office("digidesk")
    customer, ticket = await everything_said(office)
    before = await service.lines()
    state = (await office.get(f"/v1/tickets/{ticket['id']}"))["ticket"]
    refused = await office.refused(409, f"/v1/customers/{customer}/forget", {}, role="admin")
    assert [each["pointer"] for each in refused["errors"]] == ["/accept/open_tickets", "/accept/logged_work"]
    accepted = {"accept": ["open_tickets", "logged_work"]}
    done = await office.post(f"/v1/customers/{customer}/forget", accepted, role="admin")
    assert [event["type"] for event in done["events"]] == ["PersonForgotten"]
    shown = await everything_read(office, customer, ticket)
    assert [word for word in WORDS if word in shown] == []
    after = await service.lines()
    assert after[: len(before)] == before
    assert (await office.get(f"/v1/tickets/{ticket['id']}"))["ticket"] == state
    assert (await office.get(f"/v1/tickets/{ticket['id']}"))["personal"] == {}
    for asked in ("%2B41419997755", "0041419997755"):
        assert (await office.get(f"/v1/customers?phone={asked}"))["items"] == []
    again = await office.call("POST", f"/v1/customers/{customer}/forget", {}, role="admin")
    assert (again.status_code, again.json()["events"]) == (200, [])
    problem = await office.refused(409, "/v1/tickets", {"customer": customer, "channel": "email"})
    assert problem["type"] == "/problems/customer-forgotten"
    await office.post(f"/v1/tickets/{ticket['id']}/responses", {"channel": "email", "text": "An niemanden"})
    history = (await office.get(f"/v1/tickets/{ticket['id']}/events?limit=200"))["items"]
    assert history[-1]["personal"] == {"text": "An niemanden"}, (
        "what is said later is readable until it is forgotten too"
    )
    assert {json.dumps(each["personal"]) for each in history[:-1]} == {"null"}


async def test_a_forgotten_company_goes_on_and_can_be_forgotten_again(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer = await office.vip(name="Gross & Gut SE", contact={"name": WORDS[0], "phone": WORDS[2]})
    agent = {"role": "dedicated_agent", "agent": "agent-9"}
    await office.post(f"/v1/customers/{customer}/contacts", agent, role="admin")
    old = await office.ticket(customer, subject=WORDS[5])
    await office.post(f"/v1/customers/{customer}/forget", {}, role="admin")
    new = await office.ticket(customer, subject="Neuer Betreff")
    shown = await everything_read(office, customer, old)
    assert [word for word in WORDS if word in shown] == []
    assert "Gross & Gut SE" in shown
    assert (await office.get(f"/v1/tickets/{new['id']}"))["personal"]["subject"] == "Neuer Betreff"
    other = await office.vip()
    await office.refused(409, f"/v1/customers/{other}/contacts", agent, role="admin")
    again = await office.post(f"/v1/customers/{customer}/forget", {}, role="admin")
    assert [event["type"] for event in again["events"]] == ["PersonForgotten"]
    assert (await office.get(f"/v1/tickets/{new['id']}"))["personal"] == {}
    nothing = await office.call("POST", f"/v1/customers/{customer}/forget", {}, role="admin")
    assert (nothing.status_code, nothing.json()["events"]) == (200, [])


async def test_what_came_after_a_forgetting_outlives_a_rebuilt_read_model(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice
) -> None:
    """The rebuild deletes the forgotten keys once more, and only those."""
    async with open_service(Settings(var=tmp_path, customers_may_date=True)) as service:
        office = await open_office("liveagent", at=service)
        customer = await office.served(contact={"name": WORDS[0], "phone": WORDS[2]})
        old = await office.ticket(customer, subject=WORDS[5])
        await office.post(f"/v1/customers/{customer}/forget", {}, role="admin")
        new = await office.ticket(customer, subject="Neuer Betreff")
    read_models = [each for each in tmp_path.iterdir() if each.name.startswith("tickets") and "log" not in each.name]
    assert read_models
    for each in read_models:
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    async with open_service(Settings(var=tmp_path, customers_may_date=True)) as service:
        office = type(office)(service, office.provider, office.agreement)
        assert len((await office.get("/v1/tickets"))["items"]) == 2
        assert (await office.get(f"/v1/tickets/{new['id']}"))["personal"]["subject"] == "Neuer Betreff"
        assert (await office.get(f"/v1/tickets/{old['id']}"))["personal"] == {}
        assert (await office.get("/v1/customers?phone=%2B41419997755"))["items"] == []


async def test_another_process_that_still_knows_the_key_opens_nothing_either(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice
) -> None:
    async with (
        open_service(Settings(var=tmp_path, customers_may_date=True)) as first,
        open_service(Settings(var=tmp_path, customers_may_date=True)) as second,
    ):
        here = await open_office("digidesk", at=first)
        there = type(here)(second, here.provider, here.agreement)
        customer, ticket = await everything_said(here)
        assert WORDS[0] in await everything_read(there, customer, ticket)
        await here.post(f"/v1/customers/{customer}/forget", {"accept": ["open_tickets", "logged_work"]}, role="admin")
        shown = await everything_read(there, customer, ticket)
        assert [word for word in WORDS if word in shown] == []


async def test_a_number_of_a_kept_call_is_forgotten_with_its_caller(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer = await office.customer(contact={"phone": WORDS[2]})
    kept = await office.post("/v1/calls", {"from": WORDS[2], "started_at": "2026-06-03T14:30:00Z"})
    sealed = kept["events"][0]["personal"]
    assert sealed.startswith(f"fw1.{customer}.")

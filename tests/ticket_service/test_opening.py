"""Opening a ticket appends and does not wait: what decides about it is found in the log's index, of whatever process."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import pytest_asyncio

from fristwerk_platform.event_log import feed_pages
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import Subscription
from tests.ticket_service.conftest import Office, OpenService
from ticket_service.application import intake

STORED: Final = Path(__file__).parents[1] / "contracts" / "databases"
PHONE: Final = "+49 40 000001"


@pytest.fixture
def _read_model_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The subscription of the read model never applies anything."""

    async def stand_still(_: object, __: Callable[[], datetime]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Subscription, "run", stand_still)


@pytest_asyncio.fixture
async def two_offices(services_settings: Settings, open_service: OpenService) -> AsyncIterator[tuple[Office, Office]]:
    """One provider's office at two processes' applications on one database."""
    settings = msgspec.structs.replace(services_settings, customers_may_date=True)
    async with open_service(settings) as first, open_service(settings) as second:
        yield Office(first, "infoniqa", "infoniqa"), Office(second, "infoniqa", "infoniqa")


async def published(office: Office) -> None:
    for document in ("calendars/infoniqa", "agreements/infoniqa"):
        await office.publish(document)


async def test_two_processes_give_no_reference_twice_and_overlook_no_contract(
    two_offices: tuple[Office, Office],
) -> None:
    first, second = two_offices
    await published(first)
    customers = [await first.customer() for _ in range(4)]
    signed: dict[str, str] = {}
    opened: list[tuple[str | None, dict[str, Any]]] = []

    async def sign(customer: str) -> None:
        await asyncio.sleep(0.02)
        signed[customer] = await second.contract(customer)

    async def open_one(office: Office, customer: str) -> None:
        known = signed.get(customer)  # before the request begins
        opened.append((known, await office.ticket(customer)))

    async def open_many(office: Office, customer: str) -> None:
        for _ in range(12):
            await open_one(office, customer)

    await asyncio.gather(
        *(sign(each) for each in customers),
        *(open_many(office, each) for each in customers for office in (first, second)),
    )

    references = [ticket["reference"] for _, ticket in opened]
    assert len(set(references)) == len(references) == 96
    after = [ticket for known, ticket in opened if known is not None]
    assert len(after) >= 8
    assert [ticket["contract"] for ticket in after] == [signed[ticket["customer"]] for ticket in after]
    assert {ticket["contract"] for known, ticket in opened if known is None} - {None} <= set(signed.values())


async def test_a_contract_signed_at_another_process_serves_the_next_ticket_and_moves_the_open_ones(
    two_offices: tuple[Office, Office],
) -> None:
    first, second = two_offices
    for document in ("calendars/fluxpunkt", "agreements/fluxpunkt"):
        await first.publish(document)
    fluxpunkt = Office(first.service, "infoniqa", "fluxpunkt"), Office(second.service, "infoniqa", "fluxpunkt")
    customer = await fluxpunkt[0].customer()
    before = await fluxpunkt[0].ticket(customer)

    answer = await fluxpunkt[1].call(
        "POST",
        f"/v1/customers/{customer}/contracts",
        {"agreement": "fluxpunkt", "plan": "service_and_maintenance", "group": "contract", "from": "2020-01-01"},
        role="admin",
    )
    after = await fluxpunkt[0].ticket(customer)

    assert after["contract"] == answer.json()["contract"]["id"]
    moved = [each["stream"] for each in answer.json()["events"] if each["type"] == "PriorityDerived"]
    assert moved == [f"ticket-{before['id']}"]


async def test_a_ticket_is_found_by_its_reference_at_another_process_at_once(
    two_offices: tuple[Office, Office],
) -> None:
    first, second = two_offices
    await published(first)
    ticket = await first.ticket(await first.customer())

    answer = await second.post(
        f"/v1/tickets/{ticket['reference'].lower()}/responses", {"channel": "email", "text": "Wir schauen."}
    )

    assert answer["ticket"]["id"] == ticket["id"]


async def test_a_reference_that_is_taken_makes_the_ticket_get_another_one(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 256 references 60 openings meet one that is taken nearly always, at once or one after the other."""
    monkeypatch.setattr(intake, "REFERENCE_LETTERS", "AB")
    async with open_service(Settings(var=tmp_path)) as service:
        office = Office(service, "infoniqa", "infoniqa")
        await published(office)
        customer = await office.customer()
        opened = [*await asyncio.gather(*(office.ticket(customer) for _ in range(30)))]
        opened += [await office.ticket(customer) for _ in range(30)]

        assert len({each["reference"] for each in opened}) == 60
        for each in opened:
            assert (await office.get(f"/v1/tickets/{each['reference']}"))["ticket"]["id"] == each["id"]

        monkeypatch.setattr(intake, "REFERENCE_LETTERS", "Z")
        body = {"customer": customer, "channel": "email", "subject": "s", "description": "d"}
        assert [(await office.call("POST", "/v1/tickets", body)).status_code for _ in range(2)] == [201, 503]


@pytest.mark.usefixtures("_read_model_stands_still")
async def test_what_the_read_model_has_not_seen_is_read_to_its_end_where_pages_are_short(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE_BYTES", 1)
    async with open_service(Settings(var=tmp_path, customers_may_date=True)) as service:
        office = Office(service, "infoniqa", "infoniqa")
        await published(office)
        ticket = await office.ticket(await office.customer())

        assert (await office.post("/v1/worklist/next", sub="agent-9"))["ticket"]["id"] == ticket["id"]


@pytest.mark.usefixtures("_read_model_stands_still")
async def test_every_way_to_open_and_what_goes_with_it_is_answered_while_the_read_model_stands_still(
    open_service: OpenService, tmp_path: Path
) -> None:
    async with open_service(Settings(var=tmp_path, customers_may_date=True)) as service:
        office = Office(service, "liveagent", "liveagent")
        for document in ("calendars/always", "calendars/liveagent-office", "agreements/liveagent"):
            await office.publish(document)
        customer = await office.customer(contact={"name": "Hanna", "phone": PHONE})
        early = await office.ticket(customer)
        contract = await office.contract(customer, addons=[{"addon": "dedicated_support"}])
        ticket = await office.ticket(customer)
        assert (early["contract"], ticket["contract"]) == (None, contract)

        by_reference = f"/v1/tickets/{ticket['reference']}"
        await office.post(f"{by_reference}/responses", {"channel": "email", "text": "Wir schauen."})
        start = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0).isoformat()
        booking = {"start": start, "minutes": 60, "agent": "agent-1"}
        agreed = {"agreed": {"contact": "Hanna", "channel": "phone", "at": datetime.now(UTC).isoformat()}}
        for each in (early, ticket):
            path = f"/v1/tickets/{each['id']}/appointments"
            await office.post(path, {"kind": "call", "proposals": [start]})
        await office.post(f"/v1/tickets/{early['id']}/appointments/1/booking", booking)
        refused = await office.refused(409, f"/v1/tickets/{ticket['id']}/appointments/1/booking", booking | agreed)
        assert refused["type"] == "/problems/agent-already-booked"

        taken = await office.post("/v1/worklist/next", sub="agent-9")
        assert taken["ticket"]["id"] in {early["id"], ticket["id"]}
        contact = {"role": "dedicated_agent", "agent": "agent-7"}
        await office.post(f"/v1/customers/{customer}/contacts", contact, role="admin")
        left = {
            "started_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
            "voicemail": {"text": "Bitte um Rückruf."},
        }
        for number, known in ((PHONE, customer), ("+49 40 000002", None)):
            called = await office.post("/v1/calls", left | {"from": number})
            assert known in (None, called["ticket"]["customer"])
        order = {"agreement": "liveagent", "from_version": 1, "to_version": 1, "reason": "Probe"}
        await office.refused(422, "/v1/terms-migrations", order, role="manager")
        ending = {"until": "2030-12-31"}
        await office.post(f"/v1/contracts/{contract}/termination", ending, role="admin")
        forgotten = await office.post(f"/v1/customers/{await office.customer(kind='person')}/forget", {}, role="admin")
        assert forgotten["customer"]["forgotten"]
        assert (await office.get(f"/v1/customers?phone={PHONE.replace('+', '%2B')}"))["items"][0]["id"] == customer


async def test_a_log_that_was_written_without_an_index_is_filled_at_the_start(
    open_service: OpenService, tmp_path: Path
) -> None:
    for file in STORED.glob("*.db.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    shutil.copy(STORED / "keys.json", tmp_path)
    with closing(sqlite3.connect(tmp_path / "tickets-log.db")) as log:
        names = [name for (name,) in log.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "claims" not in names

    async with open_service(Settings(var=tmp_path)) as service:
        office = Office(service, "infoniqa", "infoniqa")
        tickets = (await office.get("/v1/tickets?limit=100"))["items"]
        assert len(tickets) > 1
        for each in tickets:
            assert (await office.get(f"/v1/tickets/{each['reference']}"))["ticket"]["id"] == each["id"]
        served = next(each for each in tickets if each["contract"] is not None)
        again = await office.ticket(served["customer"], contract=served["contract"])
        assert again["contract"] == served["contract"]
    with closing(sqlite3.connect(tmp_path / "tickets-log.db")) as log:
        claims = dict(log.execute("SELECT claim, stream FROM claims").fetchall())
        assert claims[f"reference:infoniqa:{again['reference']}"] == f"ticket-{again['id']}"
        assert log.execute("SELECT until FROM fillings WHERE rules = '1'").fetchall() == [(None,)]
        rows = {tuple(row) for row in log.execute("SELECT label, stream FROM labels")}
        log.execute("DELETE FROM claims")
        log.execute("DELETE FROM labels")
        log.execute("DELETE FROM fillings")
        log.commit()

    async with open_service(Settings(var=tmp_path)):
        pass
    with closing(sqlite3.connect(tmp_path / "tickets-log.db")) as log:
        assert dict(log.execute("SELECT claim, stream FROM claims").fetchall()) == claims
        assert {tuple(row) for row in log.execute("SELECT label, stream FROM labels")} == rows


async def test_a_forgotten_persons_number_is_in_no_index(open_service: OpenService, tmp_path: Path) -> None:
    async with open_service(Settings(var=tmp_path)) as service:
        office = Office(service, "infoniqa", "infoniqa")
        customer = await office.customer(kind="person", contact={"name": "Hanna", "phone": PHONE})
        assert [each["id"] for each in (await office.get("/v1/customers?phone=004940000001"))["items"]] == [customer]
        await office.post(f"/v1/customers/{customer}/forget", {}, role="admin")
        assert (await office.get("/v1/customers?phone=004940000001"))["items"] == []
    with closing(sqlite3.connect(tmp_path / "tickets-log.db")) as log:
        labels = [label for (label,) in log.execute("SELECT label FROM labels")]
    assert labels == [f"customer:{customer}"]
    assert "40000001" not in "".join(labels)

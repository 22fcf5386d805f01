"""Traces: every line of the recorded day walks back to events, clauses and arithmetic, in German and English, and forth again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fristwerk_language.events import decode
from fristwerk_local.client import Client
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.story import read_story
from fristwerk_platform.settings import Settings
from tests.billing_service.application.conftest import Vendor, VendorOn
from tests.conftest import OpenServices
from tests.description_standard import Carrier, check_sums

LOCAL = Path(__file__).parents[3] / "deploy/local/src/fristwerk_local"
STORY = LOCAL / "stories/recorded_day.yaml"
JUNE = "2026-06-30"
PROVIDERS = ("infoniqa", "digidesk", "liveagent", "hamburg", "fluxpunkt")


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, open_services: OpenServices) -> Path:
    """A folder on which the recorded day was played; tests work on copies."""
    folder = tmp_path_factory.mktemp("played")

    async def play_it() -> None:
        async with open_services(Settings(var=folder)) as services:
            client = Client(services.clients, services.issue)
            differences = await play(read_story(STORY), client, read_terms(LOCAL / "terms"), Journal())
            assert differences == []

    asyncio.run(play_it())
    return folder


@pytest.fixture
async def day(played: Any, tmp_path: Path, vendor_on: VendorOn) -> AsyncIterator[Any]:
    """The services after the recorded day."""
    shutil.copytree(played, tmp_path / "var")
    async with vendor_on(tmp_path / "var") as vendor:
        await vendor.caught_up()
        yield vendor


async def invoiced(vendor: Vendor) -> list[dict[str, Any]]:
    """Everything the provider can invoice, as the lines of its documents."""
    accounts = (await vendor.read("/v1/reports/reconciliation", until=JUNE))["items"]
    for each in accounts:
        await vendor.post("/v1/invoices", {each["kind"]: each["account"], "until": JUNE})
    items: list[dict[str, Any]] = (await vendor.read("/v1/lines", limit=200))["items"]
    return items


async def log_of(vendor: Vendor) -> dict[str, Any]:
    """Every event that the provider's people can find in the two logs, by id."""
    found: dict[str, Any] = {}
    for client in (vendor.tickets, vendor.billing):
        page = await client.get("/v1/events", headers=vendor.headers("service"))
        found |= {each.envelope.id: each for each in map(decode, page.content.splitlines())}
    return found


async def test_every_line_of_the_day_walks_back_to_events_and_clauses(day: Any) -> None:
    traced = 0
    for provider in PROVIDERS:
        vendor = day.of(provider)
        log = await log_of(vendor)
        for line in await invoiced(vendor):
            path = f"/v1/invoices/{line['invoice']}/lines/{line['n']}/trace"
            german, english = [await vendor.read(path, lang=language) for language in ("de", "en")]
            assert german["line"]["amount"] == line["amount"]
            assert {each["id"] for each in german["events"]} == set(line["sources"])
            for each in german["events"]:
                envelope = log[each["id"]].envelope
                assert (each["type"], each["stream"], each["version"]) == (
                    envelope.type,
                    envelope.stream,
                    envelope.version,
                )
            assert [each["pointer"] for each in german["clauses"]] == line["clauses"]
            assert all(each["says"] is not None for each in german["clauses"])
            assert len(german["sentences"]) == len(english["sentences"]) == len(german["steps"])
            assert all(each.endswith((".", "t", "n")) for each in german["sentences"] + english["sentences"])
            assert german["steps"] == english["steps"]
            assert german["steps"][-1]["figures"]["amount"] == line["amount"]
            traced += 1

    assert traced == 12


async def test_sentences_speak_the_agreements_language_and_write_figures_as_its_country_does(day: Any) -> None:
    lines = await invoiced(day)
    cancellation = next(each for each in lines if each["kind"] == "cancellation")
    path = f"/v1/invoices/{cancellation['invoice']}/lines/{cancellation['n']}/trace"

    own, english = await day.read(path), await day.read(path, lang="en")

    assert own["language"] == "de-CH"
    assert own["sentences"][-1] == "90 Minuten zu CHF 195.00 je Stunde ergeben CHF 292.50."
    assert english["sentences"][-1] == "90 minutes at CHF 195.00 an hour come to CHF 292.50."
    digidesk = day.of("digidesk")
    doubled = next(each for each in await invoiced(digidesk) if each["factor"] == "2")
    trace = await digidesk.read(f"/v1/invoices/{doubled['invoice']}/lines/{doubled['n']}/trace")
    assert "Der Stundensatz EUR 120,00 mal Faktor 2 ergibt EUR 240,00." in trace["sentences"]
    assert {each["pointer"] for each in trace["clauses"]} == {"/billing/hourly", "/ticket_types/2/rate_factor"}
    assert [each["says"] for each in trace["clauses"]][-1] == "2"


async def test_from_an_event_to_the_lines_that_rest_on_it_invoiced_or_not(day: Any) -> None:
    log = await log_of(day)
    logged = [each.envelope.id for each in log.values() if each.envelope.type == "TimeLogged"]
    before = {event: (await day.read("/v1/lines", event=event))["items"] for event in logged}
    assert all(line["invoice"] is None for lines in before.values() for line in lines)

    lines = await invoiced(day)

    for event in logged:
        after = (await day.read("/v1/lines", event=event))["items"]
        resting = [(each["invoice"], each["n"]) for each in lines if event in each["sources"]]
        assert [(each["invoice"], each["n"]) for each in after] == resting
        assert [(each["kind"], each["amount"]) for each in after] == [
            (each["kind"], each["amount"]) for each in before[event]
        ]
    split = [event for event in logged if len(before[event]) == 2]
    assert sorted(each["kind"] for event in split for each in before[event]) == [
        "allowance",
        "hourly",
        "minimum_top_up",
        "overage",
    ]
    assert (await day.read("/v1/lines", event="nothing"))["items"] == []


async def test_a_charge_that_is_not_invoiced_yet_is_explained_the_same_way(day: Any) -> None:
    accounts = (await day.read("/v1/reports/reconciliation", until=JUNE))["items"]
    preview = await day.read(f"/v1/contracts/{accounts[0]['account']}/preview", until=JUNE)
    waiting = {line["charge"]: line for line in preview["lines"]}

    traces = {charge: (await day.read(f"/v1/charges/{charge}/trace"))["items"] for charge in waiting}

    lines = {each["charge"]: each for each in await invoiced(day)}
    for charge, items in traces.items():
        place = f"/v1/invoices/{lines[charge]['invoice']}/lines/{lines[charge]['n']}/trace"
        invoiced_trace = await day.read(place)
        assert items[0] == {name: value for name, value in invoiced_trace.items() if name not in ("invoice", "n")}
    for unknown in ("nothing", f"{accounts[0]['account']}:nothing"):
        assert (await day.get(f"/v1/charges/{unknown}/trace")).json()["type"] == "/problems/charge-not-found"


async def test_traces_are_to_be_had_as_text(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    _, charge = await vendor.cancelled_late(customer)
    await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "charge", "reason": "war vorbereitet"})
    await vendor.issue(contract=contract)
    headers = vendor.headers("billing") | {"Accept": "text/plain"}

    for path in (f"/v1/charges/{charge}/trace", "/v1/invoices/1/lines/1/trace"):
        text = await vendor.billing.get(f"{path}?lang=de", headers=headers)
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        found = await vendor.read(f"{path}?lang=de")
        assert text.text.splitlines() == (found["items"][0] if "items" in found else found)["sentences"]


async def test_a_waiver_on_a_credit_note_says_who_waived_what_and_why(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    _, charge = await vendor.cancelled_late(customer)
    path = f"/v1/charges/{charge}/decision"
    await vendor.post(path, {"decision": "charge", "reason": "war vorbereitet"})
    await vendor.issue(contract=contract)
    waived = await vendor.post(path, {"decision": "waive", "reason": "Kulanz"})
    await vendor.issue(contract=contract)

    trace = await vendor.read("/v1/invoices/2/lines/1/trace", lang="de")

    assert any("billing" in each and "Kulanz" in each for each in trace["sentences"])
    assert trace["events"][-1]["id"] == waived.json()["events"][0]["id"]
    assert trace["events"][-1]["type"] == "ChargeDecided"
    for path in ("/v1/invoices/2/lines/2/trace", "/v1/invoices/3/lines/1/trace", "/v1/invoices/0/lines/1/trace"):
        assert (await vendor.get(path)).status_code in {404, 422}


async def test_the_data_carrier_of_the_recorded_day_adds_up_to_its_invoices(day: Any) -> None:
    await invoiced(day)
    issued = (await day.read("/v1/invoices", limit=200))["items"]
    years = {"from": "2026-01-01", "until": "2027-12-31"}
    carrier = Carrier((await day.get("/v1/audit/gobd", "auditor", **years)).content)
    carrier.check()
    check_sums(carrier, issued)
    assert len(issued) > 1

"""An account on whose facts the service fails says so, and stops neither the others nor a run nor a report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import Event, decode, terms, tickets, type_name
from fristwerk_platform.event_log import NewEvent, SqliteEventLog
from tests.billing_service.application.conftest import Vendor, VendorOn
from tests.stored_line import stored_line

UNPUBLISHED = 99


@pytest.fixture
def append(vendor: Vendor) -> Callable[..., Awaitable[None]]:
    """Appends to the ticket service's log behind its back, what it would never have recorded itself."""

    async def add(stream: str, event: Event, change: Callable[[bytes], bytes] = lambda line: line) -> None:
        log = SqliteEventLog(vendor.services.settings.var / "tickets-log.db")
        last = decode((await log.read_stream(stream))[-1].line).envelope
        line = stored_line(
            event,
            stream,
            last.version + 1,
            last.occurred_at,
            event_id=f"{last.id[:-4]}{0xBE00 + last.version:04x}",
            provider=last.provider,
            actor=last.actor,
            recorded_at=last.recorded_at,
        )
        await log.append([NewEvent(stream=stream, version=last.version + 1, type=type_name(event), line=change(line))])
        await log.close()
        await vendor.caught_up()

    return add


async def worked(vendor: Vendor) -> tuple[str, str]:
    """A contract with an hour of work: its id and the ticket's."""
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-05-04T09:00:00+02:00", 60)
    return contract, ticket


def unreadable(line: bytes) -> bytes:
    return line.replace(b'"minutes":60', b'"minutes":"an hour"')


async def run_done(vendor: Vendor, until: str = "2026-06-30") -> Any:
    begun = await vendor.post("/v1/invoice-runs", {"until": until})
    async with asyncio.timeout(10):
        while True:
            run = (await vendor.read(begun.headers["Location"]))["run"]
            if run["state"] == "done":
                return run
            await asyncio.sleep(0.02)


async def test_terms_that_were_never_published_stop_one_account_until_they_are(vendor: Vendor, append: Any) -> None:
    poisoned, ticket = await worked(vendor)
    sound, _ = await worked(vendor)
    before = await vendor.read(f"/v1/contracts/{poisoned}/preview", until="2026-06-30")
    migrated = tickets.TermsMigrated(agreement_version=UNPUBLISHED, calendar_version=1, reason="?")
    await append(f"ticket-{ticket}", migrated)

    for path in (
        f"/v1/contracts/{poisoned}/preview",
        f"/v1/contracts/{poisoned}/balance",
        f"/v1/tickets/{ticket}/charges",
    ):
        answer = await vendor.get(path)
        assert (answer.status_code, answer.json()["type"]) == (500, "/problems/account-not-rateable"), path
        assert poisoned in answer.json()["detail"]
    assert (await vendor.read(f"/v1/contracts/{sound}/preview", until="2026-06-30"))["net"] == before["net"]

    run = await run_done(vendor)
    assert [each["account"] for each in run["issued"]] == [sound]
    assert [(each["account"], each["code"]) for each in run["failed"]] == [(poisoned, "account-not-rateable")]

    await append("agreement-infoniqa.infoniqa", await _published_again(vendor))
    after = await vendor.read(f"/v1/contracts/{poisoned}/preview", until="2026-06-30")
    assert after["net"] == before["net"]
    assert [each["account"] for each in (await run_done(vendor))["issued"]] == [poisoned]


async def _published_again(vendor: Vendor) -> terms.AgreementPublished:
    log = SqliteEventLog(vendor.services.settings.var / "tickets-log.db")
    event: Any = decode((await log.read_stream("agreement-infoniqa.infoniqa"))[-1].line).event
    await log.close()
    again: terms.AgreementPublished = msgspec.structs.replace(event, version=UNPUBLISHED)
    return again


async def test_a_fact_that_cannot_be_read_is_never_left_out_of_a_bill(vendor: Vendor, append: Any) -> None:
    poisoned, ticket = await worked(vendor)
    sound, _ = await worked(vendor)
    entry = tickets.TimeLogged(
        entry="e-2",
        start=(await _first(vendor, ticket)).occurred_at,
        minutes=60,
        activity="help",
        agent="agent-3",
    )
    await append(f"ticket-{ticket}", entry, unreadable)

    answer = await vendor.get(f"/v1/contracts/{poisoned}/preview")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/account-not-rateable")
    await vendor.refused(500, "account-not-rateable", "/v1/invoices", {"contract": poisoned, "until": "2026-06-30"})
    assert (await vendor.get(f"/v1/contracts/{sound}/preview")).status_code == 200
    assert (await vendor.billing.get("/health/ready")).status_code == 200


async def _first(vendor: Vendor, ticket: str) -> Any:
    log = SqliteEventLog(vendor.services.settings.var / "tickets-log.db")
    first = decode((await log.read_stream(f"ticket-{ticket}"))[0].line).envelope
    await log.close()
    return first


async def test_a_report_names_the_account_that_does_not_add_up_and_goes_on(vendor: Vendor, append: Any) -> None:
    poisoned, ticket = await worked(vendor)
    sound, _ = await worked(vendor)
    migrated = tickets.TermsMigrated(agreement_version=UNPUBLISHED, calendar_version=1, reason="?")
    await append(f"ticket-{ticket}", migrated)

    rows = {each["account"]: each for each in (await vendor.read("/v1/reports/reconciliation"))["items"]}
    assert (rows[poisoned]["adds_up"], rows[poisoned]["error"]) == (False, "account-not-rateable")
    assert rows[sound]["adds_up"]
    table = (await vendor.get("/v1/reports/reconciliation", format="csv")).text.splitlines()
    assert sum("account-not-rateable" in line for line in table) == 1


async def test_a_parked_account_degrades_health_until_the_fact_is_corrected_away(
    vendor: Vendor, append: Callable[..., Awaitable[None]]
) -> None:
    contract, ticket = await worked(vendor)
    before = await vendor.read(f"/v1/contracts/{contract}/preview", until="2026-06-30")
    impossible = datetime(1, 1, 1, tzinfo=UTC)
    entry = tickets.TimeLogged(entry="e-2", start=impossible, minutes=60, activity="help", agent="agent-3")
    await append(f"ticket-{ticket}", entry)
    assert (await vendor.get(f"/v1/contracts/{contract}/preview")).status_code in {422, 500}
    await _is_soon(vendor, (200, "degraded", 1))

    await append(f"ticket-{ticket}", tickets.TimeLogCorrected(entry="e-2", minutes=0))

    await _is_soon(vendor, (200, "ready", 0))
    after = await vendor.read(f"/v1/contracts/{contract}/preview", until="2026-06-30")
    assert after["net"] == before["net"]


async def _health(vendor: Vendor) -> tuple[int, str, int]:
    answer = await vendor.billing.get("/health/ready")
    return answer.status_code, answer.json()["status"], answer.json()["parked_accounts"]


async def _is_soon(vendor: Vendor, wanted: tuple[int, str, int]) -> None:
    """Accounts are rated in the background, so health knows within a second or two."""
    async with asyncio.timeout(20):
        while True:
            if await _health(vendor) == wanted:
                return
            await asyncio.sleep(0.02)


async def test_nobody_has_to_ask_and_a_start_forgets_nothing(
    folder: Path, vendor_on: VendorOn, vendor: Vendor, append: Callable[..., Awaitable[None]]
) -> None:
    _, ticket = await worked(vendor)
    await worked(vendor)
    migrated = tickets.TermsMigrated(agreement_version=UNPUBLISHED, calendar_version=1, reason="?")
    await append(f"ticket-{ticket}", migrated)
    await _is_soon(vendor, (200, "degraded", 1))

    async with vendor_on(folder) as again:
        assert await _health(again) == (200, "degraded", 1), "known before anything was tried again"
        await asyncio.sleep(1)
        assert await _health(again) == (200, "degraded", 1)
    await append("agreement-infoniqa.infoniqa", await _published_again(vendor))
    await _is_soon(vendor, (200, "ready", 0))

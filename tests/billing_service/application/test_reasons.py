"""Reasons of credit notes and decisions: readable for whoever may read the document, stored sealed, and gone once the
customer was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from billing_service.application.reasons import ReasonNotSealedError, Reasons
from fristwerk_platform.auth import Principal
from tests.billing_service.application.conftest import Vendor
from tests.billing_service.application.test_every_read import reads

WHY = "Frau Saxofon, zebra@geheim.example"
NOT_READ = ("/v1/invoice-runs/", "/v1/audit/")
"""Without texts: what a run issued, and the proofs of the log."""
WORDS = (b"Saxofon", b"zebra@geheim")


@pytest.fixture
async def reasoned(vendor: Vendor) -> dict[str, str]:
    """A waived charge and a credit note, each for a reason that names a person."""
    customer, contract = await vendor.signed()
    ticket, charge = await vendor.cancelled_late(customer)
    await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "charge", "reason": WHY})
    await vendor.issue(contract=contract)
    waived = await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "waive", "reason": WHY})
    assert waived.status_code == 201, waived.text
    await vendor.issue(contract=contract)
    event = await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
    third = await vendor.issue(contract=contract)
    credited = await vendor.post(f"/v1/invoices/{third['number']}/credit-note", {"reason": WHY, "then": "waive"})
    assert credited.status_code == 201, credited.text
    return {
        "contract": contract,
        "customer": customer,
        "ticket": ticket,
        "charge": charge,
        "number": str(credited.json()["invoice"]["number"]),
        "n": "1",
        "run": "none",
        "event": event,
        "from": "2026-01-01",
        "until": "2100-12-31",
        "at": "2100-01-01T00:00:00Z",
        "known_at": "2100-01-01T00:00:00Z",
        "limit": "50",
        "lang": "en",
        "total": "true",
    }


async def answers(vendor: Vendor, existing: dict[str, str]) -> list[tuple[str, httpx.Response]]:
    """Every read of the service, in every format."""
    description = (await vendor.billing.get("/openapi.json")).json()
    paths = {path: item for path, item in description["paths"].items() if not path.startswith(NOT_READ)}
    asked = reads({"paths": paths}, existing)
    found = [(path, await vendor.get(path, **query)) for path, query in asked]
    assert all(answer.status_code == 200 for _, answer in found)
    return found


def files_with(folder: Path, words: tuple[bytes, ...]) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and any(word in path.read_bytes() for word in words):
            yield path


async def forget(vendor: Vendor, customer: str) -> None:
    body = {"accept": ["open_tickets", "contracts", "logged_work"]}
    await vendor.tell(f"/v1/customers/{customer}/forget", body)


async def test_a_reason_is_shown_wherever_it_was_given(vendor: Vendor, reasoned: dict[str, str]) -> None:
    shown = {path for path, answer in await answers(vendor, reasoned) if "Saxofon" in answer.text}
    note = f"/v1/invoices/{reasoned['number']}"

    assert {"/v1/lines", "/v1/invoices", note, f"{note}/lines/1/trace"} <= shown
    assert "Saxofon" in (await vendor.get(note, format="html")).text
    assert "Saxofon" in (await vendor.get(note, format="text")).text


async def test_no_answer_shows_a_sealed_text(vendor: Vendor, reasoned: dict[str, str]) -> None:
    assert [path for path, answer in await answers(vendor, reasoned) if "fw1." in answer.text] == []


async def test_nothing_stored_and_no_feed_has_a_reason_in_clear(vendor: Vendor, reasoned: dict[str, str]) -> None:
    assert reasoned["customer"]
    assert list(files_with(vendor.services.settings.var, WORDS)) == []
    assert "Saxofon" not in (await vendor.get("/v1/events", "service")).text


async def test_once_the_customer_is_forgotten_nobody_reads_the_reason(vendor: Vendor, reasoned: dict[str, str]) -> None:
    before = (await vendor.read(f"/v1/invoices/{reasoned['number']}"))["invoice"]
    await forget(vendor, reasoned["customer"])

    found = await answers(vendor, reasoned)
    assert [path for path, answer in found if "Saxofon" in answer.text or "fw1." in answer.text] == []
    after = (await vendor.read(f"/v1/invoices/{reasoned['number']}"))["invoice"]
    assert (before["reason"], after["reason"]) == (WHY, None)
    assert {name: after[name] for name in ("digest", "net", "gross")} == {
        name: before[name] for name in ("digest", "net", "gross")
    }


async def test_a_reason_given_after_the_forgetting_can_be_forgotten_too(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    await vendor.issue(contract=contract)
    await forget(vendor, customer)
    credited = await vendor.post("/v1/invoices/1/credit-note", {"reason": WHY})
    assert credited.json()["invoice"]["reason"] == WHY

    await forget(vendor, customer)
    assert (await vendor.read("/v1/invoices/2"))["invoice"]["reason"] is None


async def test_a_repeated_command_shows_its_reason_until_it_is_forgotten(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    await vendor.issue(contract=contract)

    async def credited() -> httpx.Response:
        return await vendor.post("/v1/invoices/1/credit-note", {"reason": WHY}, Idempotency_Key="k-1")

    first, again = await credited(), await credited()
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert first.json()["invoice"]["reason"] == WHY
    await forget(vendor, customer)
    assert "Saxofon" not in (await credited()).text


async def test_another_provider_cannot_open_a_reason(vendor: Vendor, reasoned: dict[str, str]) -> None:
    sealed = next(each for each in await vendor.own_events() if each["type"] == "ChargeDecided")["data"]["reason"]
    await vendor.of("other").publish("calendars/hamburg")

    async def opened(provider: str) -> Any:
        reasons = Reasons(vendor.tickets, lambda _: token_of(vendor, provider))
        return await reasons.opened(provider, [sealed, f"{sealed[:-4]}AAAA", "fw1.nobody.AAAA", "clear"])

    assert reasoned["customer"] in sealed
    assert list((await opened("infoniqa")).values()) == [WHY, None, None, "clear"]
    assert list((await opened("other")).values()) == [None, None, None, "clear"]


def token_of(vendor: Vendor, provider: str) -> str:
    """A service's own token."""
    principal = Principal(sub="billing-service", role="service", provider=provider, scopes=frozenset({"customers"}))
    return vendor.services.issue(principal)


async def test_texts_are_sealed_and_opened_for_services_alone(vendor: Vendor) -> None:
    customer = await vendor.customer()
    for path, body in (
        (f"/v1/customers/{customer}/sealed-texts", {"text": WHY}),
        ("/v1/customers/opened-texts", {"sealed": []}),
    ):
        for role in ("admin", "agent", "billing", "auditor", "service"):
            answer = await vendor.tickets.post(path, json=body, headers=vendor.headers(role))
            assert answer.status_code == 403, (path, role)


async def test_without_the_ticket_service_no_reason_is_stored_and_none_is_shown() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    reasons = Reasons(httpx.AsyncClient(transport=httpx.MockTransport(away), base_url="http://t"), lambda _: "t")
    with pytest.raises(ReasonNotSealedError):
        await reasons.sealed("p", "c", WHY)
    assert await reasons.opened("p", ["fw1.c.AAAA", "clear"]) == {"fw1.c.AAAA": None, "clear": "clear"}

"""What if: the same facts under other terms, side by side with the real ones, nothing stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fristwerk_language.terms import agreement_document, canonical, read_yaml
from tests.billing_service.application.conftest import Vendor

JUNE = "2026-06-30"
OWN = Path(__file__).parents[3] / "deploy/local/src/fristwerk_local/terms/agreements/infoniqa.yaml"


def changed(**billing: object) -> dict[str, Any]:
    document = canonical(agreement_document(read_yaml(OWN.read_bytes())))
    return document | {"billing": document["billing"] | billing}


async def test_other_terms_show_what_would_be_billed_beside_what_is(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    path, before = f"/v1/contracts/{contract}/what-if", await vendor.stored()
    dearer = changed(hourly={"rate": "240.00", "increment_minutes": 15})

    answer = await vendor.post(path, {"until": JUNE, "agreement": dearer}, "manager")

    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert found["now"] == await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)
    assert (found["now"]["net"]["amount"], found["then"]["net"]["amount"]) == ("100.00", "120.00")
    assert found["difference"]["net"] == {"amount": "20.00", "currency": "CHF"}
    assert {(line["kind"], line["amount"]["amount"], line["change"]) for line in found["lines"]} == {
        ("hourly", "120.00", "new"),
        ("hourly", "-97.50", "withdrawn"),
        ("minimum_top_up", "-2.50", "withdrawn"),
    }
    assert await vendor.stored() == before


async def test_the_terms_in_force_change_nothing_whatever_was_invoiced(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 300)
    await vendor.issue(contract=contract)
    await vendor.work(ticket, "2026-06-16T14:00:00+02:00", 30)

    for agreement in ("infoniqa", "infoniqa@1", changed()):
        answer = await vendor.post(f"/v1/contracts/{contract}/what-if", {"until": JUNE, "agreement": agreement})
        found = answer.json()
        assert found["now"] == found["then"]
        assert found["lines"] == []
        assert {each["amount"] for each in found["difference"].values()} == {"0.00"}


async def test_other_money_has_no_difference(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)

    answer = await vendor.post(f"/v1/contracts/{contract}/what-if", {"agreement": changed() | {"currency": "EUR"}})

    assert (answer.json()["difference"], answer.json()["lines"]) == (None, [])
    assert answer.json()["then"]["net"]["currency"] == "EUR"


async def test_terms_that_are_none_are_refused_with_their_place(vendor: Vendor) -> None:
    _, contract = await vendor.signed()
    path = f"/v1/contracts/{contract}/what-if"

    for agreement, code, pointer in (
        ("nothing", "agreement-unknown", "/agreement"),
        ("infoniqa@9", "agreement-unknown", "/agreement"),
        ("infoniqa@", "agreement-unknown", "/agreement"),
        ({}, "terms-refused", "/agreement/agreement"),
        (changed(hourly={"rate": "free", "increment_minutes": 15}), "terms-refused", "/agreement/billing/hourly/rate"),
        (changed(bonus=True), "terms-refused", "/agreement/billing/bonus"),
        (7, "invalid-request", None),
    ):
        problem = await vendor.refused(422, code, path, {"until": JUNE, "agreement": agreement})
        assert pointer is None or pointer in [each["pointer"] for each in problem["errors"]]
    await vendor.refused(403, "not-allowed", path, {"agreement": "infoniqa"}, "service")

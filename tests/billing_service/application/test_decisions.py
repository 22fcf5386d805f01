"""Decisions on charges: the first holds, a waiver needs a reason, and nothing is stored by one that is refused."""

from __future__ import annotations

from tests.billing_service.application.conftest import Vendor

JUNE = "2026-06-30"
CHARGE = {"decision": "charge", "reason": "war vorbereitet"}
WAIVE = {"decision": "waive", "reason": "Kulanz"}


async def test_a_proposed_charge_waits_for_a_decision_and_then_counts(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket, charge = await vendor.cancelled_late(customer)
    before = await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)

    decided = await vendor.post(f"/v1/charges/{charge}/decision", CHARGE)

    after = await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)
    assert (before["open_decisions"], before["net"]["amount"]) == ([charge], "0.00")
    assert decided.json()["charge"]["state"] == "charged"
    assert (after["open_decisions"], after["net"]["amount"]) == ([], "292.50")
    (item,) = (await vendor.read(f"/v1/tickets/{ticket}/charges"))["items"]
    assert (item["id"], item["state"]) == (charge, "charged")


async def test_before_the_invoice_a_waived_charge_and_its_waiver_add_to_zero(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    _, charge = await vendor.cancelled_late(customer)

    await vendor.post(f"/v1/charges/{charge}/decision", WAIVE)

    preview = await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)
    lines = [(line["kind"], line["amount"]["amount"]) for line in preview["lines"]]
    assert lines == [("cancellation", "292.50"), ("waiver", "-292.50")]
    assert preview["net"]["amount"] == "0.00"
    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})


async def test_a_decision_that_cannot_be_is_refused(vendor: Vendor) -> None:
    customer, _ = await vendor.signed()
    _, charge = await vendor.cancelled_late(customer)
    path = f"/v1/charges/{charge}/decision"
    contract, _, own = charge.partition(":")

    for bad in ({"reason": ""}, {"reason": "  "}, {"reason": None}, {"decision": "maybe"}, {"amount": "0.00"}):
        await vendor.refused(422, "invalid-request", path, WAIVE | bad)
    for unknown in ("nothing", f"{contract}:", f"{contract}:{'0' * 32}", f"nobody:{own}", own):
        await vendor.refused(404, "charge-not-found", f"/v1/charges/{unknown}/decision", CHARGE)
    await vendor.of("hamburg").refused(404, "charge-not-found", path, CHARGE)
    for role in ("agent", "manager", "auditor", "admin"):
        await vendor.refused(403, "not-allowed", path, CHARGE, role)
    await vendor.refused(412, "version-conflict", path, CHARGE, If_Match='"1"')

    assert (await vendor.post(path, CHARGE)).status_code == 201
    await vendor.refused(409, "charge-decided", path, CHARGE)
    await vendor.refused(409, "charge-decided", path, WAIVE)

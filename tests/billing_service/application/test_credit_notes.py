"""What may become of an invoice: taken back, waived in part, sent, paid; the invoice itself never changes."""

from __future__ import annotations

from decimal import Decimal

from tests.billing_service.application.conftest import Vendor

JUNE = "2026-06-30"
CREDIT = "/v1/invoices/1/credit-note"


async def test_a_credit_note_names_the_invoice_and_takes_all_of_it_back(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    invoice = await vendor.issue(contract=contract)

    answer = await vendor.post(CREDIT, {"reason": "Falscher Empfänger"})
    note = answer.json()["invoice"]

    assert answer.status_code == 201
    assert (note["number"], note["type"], note["corrects"], note["refers_to"]) == (2, "credit_note", 1, [1])
    assert note["reason"] == "Falscher Empfänger"
    for name in ("net", "vat", "gross", "payable"):
        assert Decimal(note[name]["amount"]) == -Decimal(invoice[name]["amount"])
    assert [line["change"] for line in note["lines"]] == ["withdrawn", "withdrawn"]
    assert (await vendor.read("/v1/invoices/2"))["invoice"] == note
    original = (await vendor.read("/v1/invoices/1"))["invoice"]
    assert (original["state"], original["credited_by"]) == ("credited", 2)
    assert (original["lines"], original["digest"]) == (invoice["lines"], invoice["digest"])


async def test_what_was_credited_is_billed_again(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 255)
    first = await vendor.issue(contract=contract)
    await vendor.post(CREDIT, {"reason": "Adresse"})

    third = await vendor.issue(contract=contract)

    assert third["number"] == 3
    assert third["net"] == first["net"]
    assert [line["kind"] for line in third["lines"]] == ["allowance", "overage"]
    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})
    balance = await vendor.read(f"/v1/contracts/{contract}/balance")
    assert [each["left"] for each in balance["packages"]] == [0]


async def test_an_invoice_is_taken_back_once_and_a_credit_note_never(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    await vendor.issue(contract=contract)
    await vendor.refused(422, "invalid-request", CREDIT, {"reason": " "})
    await vendor.refused(412, "version-conflict", CREDIT, {"reason": "x"}, If_Match='"9"')
    await vendor.post(CREDIT, {"reason": "x"}, If_Match='"1"')

    await vendor.refused(409, "invoice-credited", CREDIT, {"reason": "x"})
    await vendor.refused(409, "not-an-invoice", "/v1/invoices/2/credit-note", {"reason": "x"})
    await vendor.refused(404, "invoice-not-found", "/v1/invoices/3/credit-note", {"reason": "x"})
    await vendor.refused(409, "invoice-credited", "/v1/invoices/1/paid", {"paid_on": JUNE})


async def test_a_waiver_after_the_invoice_is_a_line_of_its_own_on_a_credit_note(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket, charge = await vendor.cancelled_late(customer)
    await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "charge", "reason": "war vorbereitet"})
    await vendor.issue(contract=contract)
    (item,) = [each for each in (await vendor.read(f"/v1/tickets/{ticket}/charges"))["items"] if each["id"] == charge]
    assert (item["state"], item["invoices"]) == ("invoiced", [1])

    waived = await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "waive", "reason": "Kulanz"})
    note = await vendor.issue(contract=contract)

    assert waived.status_code == 201
    assert (note["type"], note["refers_to"]) == ("credit_note", [1])
    assert [(line["kind"], line["amount"]["amount"]) for line in note["lines"]] == [("waiver", "-292.50")]
    basis = note["lines"][0]["basis"]
    assert (basis["waives"], basis["reason"], basis["actor"]) == ("cancellation", "Kulanz", "billing")
    assert note["payable"]["amount"] == "-316.20"
    decision = {"decision": "charge", "reason": "doch"}
    await vendor.refused(409, "charge-decided", f"/v1/charges/{charge}/decision", decision)


async def test_what_was_credited_and_then_waived_is_not_billed_again(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
    await vendor.issue(contract=contract)
    await vendor.post(CREDIT, {"reason": "Beschwerde"})
    (charge,) = (await vendor.read(f"/v1/tickets/{ticket}/charges"))["items"]

    await vendor.post(f"/v1/charges/{charge['id']}/decision", {"decision": "waive", "reason": "Kulanz"})

    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})


async def test_a_credit_note_takes_back_only_what_a_correction_left(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    entries = []
    for day in (16, 17):
        work = {"start": f"2026-06-{day}T14:00:00+02:00", "minutes": 60, "activity": "help", "agent": "agent-3"}
        told = await vendor.command(ticket, "time-entries", work | {"occurred_at": f"2026-06-{day}T16:00:00+02:00"})
        entries.append(told["events"][0]["data"]["entry"])
    await vendor.issue(contract=contract)
    correction = {"minutes": 0, "reason": "Doppelt", "occurred_at": "2026-06-18T09:00:00+02:00"}
    await vendor.command(ticket, f"time-entries/{entries[0]}/corrections", correction)
    await vendor.issue(contract=contract)

    note = (await vendor.post(CREDIT, {"reason": "Adresse"})).json()["invoice"]
    again = await vendor.issue(contract=contract)

    assert [(line["on"], line["amount"]["amount"]) for line in note["lines"]] == [("2026-06-17", "-195.00")]
    assert [(line["on"], line["amount"]["amount"]) for line in again["lines"]] == [("2026-06-17", "195.00")]
    vat = [(await vendor.read(f"/v1/invoices/{number}"))["invoice"]["vat"]["amount"] for number in (1, 2, 3, 4)]
    assert sum(Decimal(each) for each in vat) == Decimal("15.80")


async def test_an_invoice_of_which_a_correction_left_nothing_is_not_credited(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    work = {"start": "2026-06-17T14:00:00+02:00", "minutes": 60, "activity": "help", "agent": "agent-3"}
    told = await vendor.command(ticket, "time-entries", work | {"occurred_at": "2026-06-17T16:00:00+02:00"})
    entry = told["events"][0]["data"]["entry"]
    await vendor.issue(contract=contract)
    correction = {"minutes": 0, "reason": "Doppelt", "occurred_at": "2026-06-18T09:00:00+02:00"}
    await vendor.command(ticket, f"time-entries/{entry}/corrections", correction)
    await vendor.issue(contract=contract)

    await vendor.refused(409, "nothing-left", CREDIT, {"reason": "Adresse"})


async def test_a_credit_note_that_waives_says_so_and_the_work_is_never_billed_again(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
    await vendor.issue(contract=contract)

    answer = await vendor.post(CREDIT, {"reason": "Beschwerde", "then": "waive"})

    note = answer.json()["invoice"]
    assert [(line["kind"], line["amount"]["amount"]) for line in note["lines"]] == [("waiver", "-195.00")]
    assert (note["corrects"], note["gross"]["amount"]) == (1, "-210.80")
    issued, decided = (await vendor.own_events())[1:]
    assert (issued["type"], issued["data"]["then"]) == ("CreditNoteIssued", "waive")
    assert (decided["type"], decided["data"]["decision"], decided["data"]["at_most"]) == (
        "ChargeDecided",
        "waive",
        "195.00",
    )
    (charge,) = (await vendor.read(f"/v1/tickets/{ticket}/charges"))["items"]
    assert charge["state"] == "waived"
    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})
    decision = {"decision": "waive", "reason": "noch einmal"}
    await vendor.refused(409, "charge-decided", f"/v1/charges/{charge['id']}/decision", decision)

    await vendor.work(ticket, "2026-06-17T16:00:00+02:00", 30)
    later = await vendor.issue(contract=contract)
    assert [(line["kind"], line["amount"]["amount"]) for line in later["lines"]] == [("hourly", "97.50")]
    await vendor.refused(422, "invalid-request", "/v1/invoices/3/credit-note", {"reason": "x", "then": "forget"})


async def left_minutes(vendor: Vendor, contract: str) -> list[int]:
    return [each["left"] for each in (await vendor.read(f"/v1/contracts/{contract}/balance"))["packages"]]


async def test_a_credit_note_that_waives_gives_back_what_its_work_drew_and_later_work_draws_again(
    vendor: Vendor,
) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 255)
    await vendor.issue(contract=contract)
    assert await left_minutes(vendor, contract) == [0]
    note = (await vendor.post(CREDIT, {"reason": "Kulanz", "then": "waive"})).json()["invoice"]
    assert [(line["kind"], line["amount"]["amount"]) for line in note["lines"]] == [
        ("waiver", "0.00"),
        ("waiver", "-48.75"),
    ]
    assert await left_minutes(vendor, contract) == [240]
    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})
    other = await vendor.ticket(customer)
    await vendor.work(other, "2026-06-18T14:00:00+02:00", 60)
    assert await left_minutes(vendor, contract) == [180]


async def test_an_allowance_that_a_clerk_waives_gives_its_minutes_back(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
    (charge,) = (await vendor.read(f"/v1/tickets/{ticket}/charges"))["items"]
    assert await left_minutes(vendor, contract) == [180]
    await vendor.post(f"/v1/charges/{charge['id']}/decision", {"decision": "waive", "reason": "Kulanz"})
    assert await left_minutes(vendor, contract) == [240]
    states = {each["state"] for each in (await vendor.read(f"/v1/tickets/{ticket}/charges"))["items"]}
    assert states == {"waived"}


async def test_a_document_is_sent_and_paid_and_says_so(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    invoice = await vendor.issue(contract=contract)

    sent = await vendor.post("/v1/invoices/1/sent", {"channel": "email", "occurred_at": "2026-07-01T08:00:00Z"})
    again = await vendor.post("/v1/invoices/1/sent", {"channel": "post"})
    paid = await vendor.post("/v1/invoices/1/paid", {"paid_on": "2026-07-20"}, If_Match=again.headers["ETag"])

    assert [each.json()["invoice"]["state"] for each in (sent, again, paid)] == ["sent", "sent", "paid"]
    assert [each.headers["ETag"] for each in (sent, again, paid)] == ['"2"', '"3"', '"4"']
    read = await vendor.get("/v1/invoices/1")
    assert read.headers["ETag"] == '"4"'
    shown = read.json()["invoice"]
    assert [each["channel"] for each in shown["sent"]] == ["email", "post"]
    assert (shown["state"], shown["paid_on"], shown["digest"]) == ("paid", "2026-07-20", invoice["digest"])
    streams = [(each["type"], each["stream"], each["version"]) for each in await vendor.own_events()]
    assert streams[1:] == [
        ("InvoiceSent", "invoice-infoniqa-1", 1),
        ("InvoiceSent", "invoice-infoniqa-1", 2),
        ("InvoicePaid", "invoice-infoniqa-1", 3),
    ]


async def test_a_payment_is_noted_once_and_never_ahead_of_time(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    await vendor.issue(contract=contract)
    path = "/v1/invoices/1/paid"
    await vendor.refused(422, "in-the-future", path, {"paid_on": "2099-01-01"})
    await vendor.refused(422, "invalid-request", path, {"paid_on": "2026-02-30"})
    await vendor.refused(412, "version-conflict", path, {"paid_on": JUNE}, If_Match='"2"')

    first = await vendor.post(path, {"paid_on": JUNE}, Idempotency_Key="bank-7")
    retried = await vendor.post(path, {"paid_on": JUNE}, Idempotency_Key="bank-7")

    assert (retried.content, retried.headers["Idempotency-Replayed"]) == (first.content, "true")
    await vendor.refused(409, "invoice-paid", path, {"paid_on": JUNE})

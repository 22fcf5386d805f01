"""Issuing invoices over HTTP: the difference to what was invoiced, each number once, and nothing stored when it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fristwerk_platform.read_models import IRREPLACEABLE, open_database
from fristwerk_platform.sealing_keys import load_sealing_key
from tests.billing_service.application.conftest import TERMS, Vendor
from ticket_service import personal_data
from ticket_service.kept_recipients import KeptRecipients
from ticket_service.personal_data import PersonalData

JUNE = "2026-06-30"
SUMS = ("net", "vat", "gross", "payable")


def amount(money: dict[str, str]) -> Decimal:
    return Decimal(money["amount"])


def kinds(invoice: dict[str, Any]) -> list[tuple[str, str]]:
    return [(line["kind"], line["amount"]["amount"]) for line in invoice["lines"]]


async def test_an_invoice_bills_what_the_preview_says_and_a_second_one_finds_nothing(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    preview = await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)

    invoice = await vendor.issue(contract=contract)

    assert (invoice["number"], invoice["series"], invoice["type"]) == (1, "infoniqa", "invoice")
    for name in SUMS:
        assert invoice[name] == preview[name] == preview["to_invoice"][name]
    assert kinds(invoice) == [("hourly", "97.50"), ("minimum_top_up", "2.50")]
    problem = await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})
    assert contract in problem["detail"]


async def test_access_to_the_portal_is_never_billed(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    users = f"/v1/customers/{customer}/portal-users"
    for number in range(3):
        await vendor.tell(users, {"user": f"user-{number}", "email": "vera@muster.example"}, "agent")
        await vendor.tell(f"{users}/user-{number}/activation", {}, "agent")
    await vendor.tell(f"{users}/user-0/end", {}, "agent")
    await vendor.caught_up()

    for path in (f"/v1/contracts/{contract}/preview", f"/v1/customers/{customer}/preview"):
        assert (await vendor.read(path, until=JUNE))["lines"] == []
    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    assert kinds(await vendor.issue(contract=contract)) == [("hourly", "97.50"), ("minimum_top_up", "2.50")]


async def test_an_invoice_remarks_on_a_word_that_no_coverage_rule_knows(vendor: Vendor) -> None:
    text = (TERMS / "agreements/infoniqa.yaml").read_text()
    kept = "\n".join(line for line in text.splitlines() if not line.startswith(("activities:", "             ")))
    free = kept.replace("billing:\n", "billing:\n  coverage: [{activity: maintenance, billable: false}]\n")
    await vendor.publish_text("agreements/infoniqa", free.encode())
    customer, contract = await vendor.signed()
    now = datetime.now(UTC)
    ticket = await vendor.ticket(customer, received_at=now.isoformat())
    await vendor.work(ticket, now.isoformat(), 1, activity="maintenence")
    until = (now + timedelta(days=1)).date().isoformat()
    preview = await vendor.read(f"/v1/contracts/{contract}/preview", until=until)
    answer = await vendor.post("/v1/invoices", {"contract": contract, "until": until})
    assert [each["code"] for each in preview["remarks"]] == ["unknown_activity"]
    assert answer.json()["remarks"] == preview["remarks"]
    kept = await vendor.read("/v1/invoices/1")
    assert kept["invoice"]["remarks"] == preview["remarks"]
    shown = (await vendor.get("/v1/invoices/1", role="customer", company=customer)).json()
    assert "remarks" not in shown["invoice"]
    other = await vendor.ticket(customer, received_at=now.isoformat())
    await vendor.work(other, now.isoformat(), 1, activity="call")
    later = await vendor.post("/v1/invoices", {"contract": contract, "until": until})
    assert (await vendor.read("/v1/invoices/2"))["invoice"]["remarks"] == []
    assert "remarks" not in later.json()


async def test_reading_an_invoice_gives_the_frozen_copy_that_the_log_holds(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    issued = await vendor.issue(contract=contract)
    (event,) = await vendor.own_events()

    read = (await vendor.read("/v1/invoices/1"))["invoice"]

    assert read == issued
    assert (event["type"], event["stream"], event["version"]) == ("InvoiceIssued", "invoices-infoniqa", 1)
    assert event["data"]["digest"] == issued["digest"]
    assert event["data"]["document"]["parties"] == issued["parties"]
    assert issued["parties"]["buyer"]["name"] == "Muster Treuhand AG"
    assert issued["parties"]["seller"] == {"provider": "infoniqa", "name": "Infoniqa Customer Support"}
    assert [each["agreement"] for each in issued["terms"]] == ["infoniqa"]
    assert issued["lines"][0]["reference"].startswith("INF-")


async def test_a_late_entry_is_the_difference_on_the_next_invoice(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 20)
    await vendor.issue(contract=contract)
    await vendor.work(ticket, "2026-06-17T16:00:00+02:00", 40)

    second = await vendor.issue(contract=contract)

    assert second["number"] == 2
    assert kinds(second) == [("hourly", "97.50"), ("minimum_top_up", "-2.50")]
    assert [line["change"] for line in second["lines"]] == ["changed", "withdrawn"]
    assert second["refers_to"] == [1]
    assert (await vendor.read("/v1/invoices/1"))["invoice"]["net"]["amount"] == "100.00"


async def test_a_corrected_entry_that_costs_less_is_a_credit_note_over_the_difference(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    work = {"start": "2026-06-17T14:00:00+02:00", "minutes": 90, "activity": "help", "agent": "agent-3"}
    told = await vendor.command(ticket, "time-entries", work | {"occurred_at": "2026-06-17T16:00:00+02:00"})
    entry = told["events"][0]["data"]["entry"]
    await vendor.issue(contract=contract)
    correction = {"minutes": 30, "reason": "Pause mitgezählt", "occurred_at": "2026-06-18T09:00:00+02:00"}
    await vendor.command(ticket, f"time-entries/{entry}/corrections", correction)

    note = await vendor.issue(contract=contract)

    assert (note["number"], note["type"], note["corrects"], note["refers_to"]) == (2, "credit_note", None, [1])
    assert kinds(note) == [("hourly", "-195.00"), ("minimum_top_up", "2.50")]
    preview = await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)
    assert preview["net"]["amount"] == "100.00"
    assert preview["to_invoice"]["lines"] == []


async def test_late_work_draws_from_the_package_after_what_was_invoiced(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    await vendor.work(await vendor.ticket(customer), "2026-06-10T09:00:00+02:00", 250)
    first = await vendor.issue(contract=contract, until="2026-06-15")
    await vendor.work(await vendor.ticket(customer), "2026-06-02T09:00:00+02:00", 60)

    second = await vendor.issue(contract=contract)

    assert kinds(first) == [("allowance", "0.00"), ("overage", "48.75")]
    assert kinds(second) == [("overage", "195.00")]
    assert second["lines"][0]["on"] == "2026-06-02"


async def test_one_invoice_three_invoices_and_daily_invoices_bill_the_same(vendor: Vendor) -> None:
    """Of the same work: a package that ends within an entry, a minimum that is passed later, an hour that is waived."""
    totals = []
    for days in ([JUNE], ["2026-06-03", "2026-06-10", JUNE], [f"2026-06-{day:02}" for day in range(1, 31)]):
        customer, contract = await vendor.signed(plan="m", package_hours=4)
        first, second = await vendor.ticket(customer), await vendor.ticket(customer)
        for day, ticket, minutes in (
            (2, first, 130),
            (3, second, 100),
            (9, first, 35),
            (10, second, 7),
            (24, first, 61),
        ):
            await vendor.work(ticket, f"2026-06-{day:02}T09:00:00+02:00", minutes)
        net = Decimal(0)
        for until in days:
            answer = await vendor.post("/v1/invoices", {"contract": contract, "until": until})
            assert answer.status_code == 201 or answer.json()["type"] == "/problems/nothing-to-invoice"
            net += amount(answer.json()["invoice"]["net"]) if answer.status_code == 201 else 0
        preview = await vendor.read(f"/v1/contracts/{contract}/preview", until=JUNE)
        assert net == amount(preview["net"])
        totals.append(net)

    assert totals[0] > 0
    assert totals == [totals[0]] * 3


async def test_a_customers_invoice_holds_all_contracts_and_work_without_one(vendor: Vendor) -> None:
    customer, on_demand = await vendor.signed()
    prepaid = await vendor.contract(customer, plan="m", package_hours=4)
    await vendor.work(await vendor.ticket(customer, contract=on_demand), "2026-06-17T14:00:00+02:00", 60)
    await vendor.work(await vendor.ticket(customer, contract=prepaid), "2026-06-17T14:00:00+02:00", 250)

    invoice = await vendor.issue(customer=customer)

    assert (invoice["account"], invoice["contract"]) == (customer, None)
    assert {(line["account"], line["kind"]) for line in invoice["lines"]} == {
        (on_demand, "hourly"),
        (prepaid, "allowance"),
        (prepaid, "overage"),
    }
    assert invoice["net"]["amount"] == "243.75"
    for contract in (on_demand, prepaid):
        await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})
        assert [each["number"] for each in (await vendor.read("/v1/invoices", contract=contract))["items"]] == [1]


async def test_contracts_in_two_currencies_are_never_on_one_invoice(vendor: Vendor) -> None:
    english = (
        b"agreement: euro\ntimezone: Europe/Zurich\ncurrency: EUR\ncalendar: infoniqa\nseverities: [{id: high, name: High}]\n"
        b"channels: [email]\nbilling: {plans: {p: {}}, hourly: {rate: '100.00', increment_minutes: 15}}\n"
    )
    await vendor.publish_text("agreements/euro", english)
    customer, francs = await vendor.signed()
    euros = await vendor.contract(customer, agreement="euro", plan="p")
    for contract in (francs, euros):
        await vendor.work(await vendor.ticket(customer, contract=contract), "2026-06-17T14:00:00+02:00", 60)

    problem = await vendor.refused(422, "currencies-mixed", "/v1/invoices", {"customer": customer, "until": JUNE})

    assert "CHF, EUR" in problem["detail"]
    assert (await vendor.issue(contract=euros))["currency"] == "EUR"
    assert (await vendor.issue(contract=francs))["currency"] == "CHF"


async def test_an_undecided_charge_holds_the_invoice_up(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    _, charge = await vendor.cancelled_late(customer)

    problem = await vendor.refused(409, "undecided-charges", "/v1/invoices", {"contract": contract, "until": JUNE})

    assert charge in problem["detail"]
    await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "charge", "reason": "war vorbereitet"})
    assert kinds(await vendor.issue(contract=contract)) == [("cancellation", "292.50")]


async def test_work_that_costs_nothing_is_a_statement_and_no_invoice(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 50)

    await vendor.refused(409, "nothing-to-invoice", "/v1/invoices", {"contract": contract, "until": JUNE})


async def test_a_day_before_the_last_invoiced_one_would_take_it_back_and_is_refused(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    await vendor.issue(contract=contract)

    problem = await vendor.refused(
        409, "invoiced-beyond", "/v1/invoices", {"contract": contract, "until": "2026-05-31"}
    )

    assert "2026-06-30" in problem["detail"]


async def test_a_retried_command_gets_the_same_number_and_answer(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    body = {"contract": contract, "until": JUNE}

    answers = [await vendor.post("/v1/invoices", body, Idempotency_Key="june") for _ in range(3)]

    assert [each.status_code for each in answers] == [201, 201, 201]
    assert [each.headers.get("Idempotency-Replayed") for each in answers] == [None, "true", "true"]
    assert len({each.content for each in answers}) == 1
    assert await vendor.stored() == 1
    other = {"contract": contract, "until": "2026-07-31"}
    await vendor.refused(422, "idempotency-key-reused", "/v1/invoices", other, Idempotency_Key="june")


async def test_if_match_names_the_last_number_of_the_series(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    before = (await vendor.get("/v1/invoices")).headers["ETag"]
    body = {"contract": contract, "until": JUNE}

    await vendor.refused(412, "version-conflict", "/v1/invoices", body, If_Match='"7"')

    assert before == '"0"'
    answer = await vendor.post("/v1/invoices", body, If_Match=before)
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')


async def test_an_invoice_may_be_dated_back_but_not_ahead(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    body = {"contract": contract, "until": JUNE}

    await vendor.refused(422, "in-the-future", "/v1/invoices", body | {"occurred_at": "2100-01-01T00:00:00Z"})

    invoice = await vendor.issue(contract=contract, occurred_at="2026-06-30T22:30:00Z")
    assert invoice["issued_on"] == "2026-07-01", "the local day"


async def test_a_request_that_makes_no_sense_is_refused_with_its_place(vendor: Vendor) -> None:
    _, contract = await vendor.signed()
    before = await vendor.stored()

    for change, pointer in (
        ({"until": "2026-02-30"}, "/until"),
        ({"until": "0001-01-01"}, "/until"),
        ({"until": "9999-12-31"}, "/until"),
        ({"until": "2150-01-01"}, "/until"),
        ({"until": "30.06.2026"}, "/until"),
        ({"until": None}, "/until"),
        ({"occurred_at": "2026-06-30T10:00:00"}, "/occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00Z"}, "/occurred_at"),
        ({"customer": "somebody"}, "/contract"),
        ({"contract": None}, "/contract"),
        ({"contract": " "}, "/contract"),
        ({"number": 7}, "/number"),
    ):
        answer = await vendor.post("/v1/invoices", {"contract": contract, "until": JUNE} | change)
        assert answer.status_code == 422, answer.text
        assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert await vendor.stored() == before


async def test_another_providers_contracts_and_invoices_do_not_exist(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    await vendor.issue(contract=contract)
    stranger = vendor.of("hamburg")

    for path, code in (
        ("/v1/invoices/1", "invoice-not-found"),
        ("/v1/invoices/1/lines", "invoice-not-found"),
        ("/v1/invoices/1/lines/1/trace", "invoice-not-found"),
        (f"/v1/contracts/{contract}/preview", "contract-not-found"),
        (f"/v1/contracts/{contract}/balance", "contract-not-found"),
        (f"/v1/customers/{customer}/preview", "customer-not-found"),
    ):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, f"/problems/{code}")
    for path, body, code in (
        ("/v1/invoices", {"contract": contract, "until": JUNE}, "contract-not-found"),
        ("/v1/invoices", {"customer": customer, "until": JUNE}, "customer-not-found"),
        ("/v1/invoices/1/credit-note", {"reason": "x"}, "invoice-not-found"),
        ("/v1/invoices/1/sent", {"channel": "email"}, "invoice-not-found"),
        ("/v1/invoices/1/paid", {"paid_on": JUNE}, "invoice-not-found"),
        (f"/v1/contracts/{contract}/what-if", {"agreement": "infoniqa"}, "contract-not-found"),
    ):
        await stranger.refused(404, code, path, body)
    assert await stranger.read("/v1/invoices") == {"items": []}
    assert await stranger.read("/v1/lines", event=(await vendor.own_events())[0]["id"]) == {"items": []}


async def test_only_billing_issues_and_each_role_reads_what_it_may(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    other, _ = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    body = {"contract": contract, "until": JUNE}
    for role in ("admin", "agent", "specialist", "manager", "auditor", "service"):
        await vendor.refused(403, "not-allowed", "/v1/invoices", body, role)
        await vendor.refused(403, "not-allowed", "/v1/invoice-runs", {"until": JUNE}, role)
    await vendor.issue(contract=contract)

    for role in ("admin", "billing", "auditor", "manager", "agent", "specialist"):
        assert (await vendor.get("/v1/invoices/1", role)).status_code == 200
    for role in ("agent", "customer", "service"):
        whose = customer if role == "customer" else None
        assert (await vendor.get("/v1/reports/reconciliation", role, whose)).status_code == 403
    assert (await vendor.get("/v1/invoices", "customer", customer)).json()["items"][0]["number"] == 1
    assert (await vendor.get("/v1/invoices/1", "customer", customer)).status_code == 200
    assert (await vendor.get("/v1/invoices/1", "customer", other)).status_code == 404
    assert (await vendor.get("/v1/invoices", "customer", other)).json() == {"items": []}
    for path in ("/v1/invoices", "/v1/lines"):
        assert (await vendor.get(path, "customer", other, customer=customer)).status_code == 403
        assert (await vendor.get(path, "customer", other, customer=other)).json() == {"items": []}
    assert (await vendor.get("/v1/invoices/1", "service")).status_code == 403


@asynccontextmanager
async def kept_recipients(vendor: Vendor) -> AsyncIterator[KeptRecipients]:
    """The ticket service's own, as a second process would open them."""
    settings = vendor.services.settings
    database = open_database(settings, "personal-keys", personal_data.metadata, IRREPLACEABLE)
    yield KeptRecipients(database, PersonalData(database, load_sealing_key(settings)))
    await database.close()


async def let_terms_end(vendor: Vendor) -> None:
    """As if every term were over."""
    async with kept_recipients(vendor) as kept:
        assert await kept.expire(date(2099, 1, 1))


async def test_a_private_persons_name_is_asked_for_and_never_stored(vendor: Vendor) -> None:
    person = {"name": "Petra Privat", "kind": "person", "address": "Seeweg 7\n6003 Luzern"}
    customer = await vendor.customer(**person)
    contract = await vendor.contract(customer)
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)

    issued = await vendor.issue(contract=contract)
    read = (await vendor.read("/v1/invoices/1"))["invoice"]

    assert issued["parties"]["buyer"]["name"] is None
    assert read["parties"]["buyer"]["name"] == "Petra Privat"
    assert "Seeweg 7" in (await vendor.get("/v1/invoices/1", format="text")).text
    assert b"Petra" not in (await vendor.get("/v1/events", "service")).content
    folder = vendor.services.settings.var
    assert not any(b"Petra" in file.read_bytes() for file in folder.glob("billing*"))

    accepted = {"accept": ["open_tickets", "contracts", "logged_work"]}
    await vendor.tell(f"/v1/customers/{customer}/forget", accepted)
    forgotten = (await vendor.read("/v1/invoices/1"))["invoice"]
    assert forgotten == read, "the recipient is kept for invoices"
    await vendor.work(ticket, "2026-06-18T14:00:00+02:00", 60)
    assert (await vendor.issue(contract=contract))["number"] == 2
    assert "Petra Privat" in (await vendor.get("/v1/invoices/2", format="text")).text

    await let_terms_end(vendor)

    forgotten = (await vendor.read("/v1/invoices/1"))["invoice"]
    assert forgotten == read | {"parties": issued["parties"]}
    assert f"Privatperson (Kunde {customer})" in (await vendor.get("/v1/invoices/1", format="text")).text
    await vendor.work(ticket, "2026-06-19T14:00:00+02:00", 60)
    await vendor.refused(409, "recipient-forgotten", "/v1/invoices", {"contract": contract, "until": JUNE})


async def test_documents_extend_the_term_of_their_recipient_also_credit_notes(vendor: Vendor) -> None:
    customer = await vendor.customer(name="Petra Privat", kind="person")
    contract = await vendor.contract(customer)
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)

    await vendor.issue(contract=contract)
    async with kept_recipients(vendor) as kept:
        assert await kept.until(customer) == date(datetime.now(UTC).year + 10, 12, 31)
    await let_terms_end(vendor)
    answer = await vendor.post("/v1/invoices/1/credit-note", {"reason": "Falsch"})
    assert answer.status_code == 201, answer.text
    async with kept_recipients(vendor) as kept:
        assert await kept.until(customer) == date(datetime.now(UTC).year + 10, 12, 31)


async def test_lists_go_on_page_by_page_and_find_by_contract_customer_and_day(vendor: Vendor) -> None:
    whose = []
    for number in range(3):
        customer, contract = await vendor.signed()
        await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
        await vendor.issue(contract=contract, occurred_at=f"2026-07-0{number + 1}T10:00:00Z")
        whose.append((customer, contract))

    first = await vendor.get("/v1/invoices", limit=2)
    following = await vendor.get(first.links["next"]["url"])

    assert [each["number"] for each in first.json()["items"] + following.json()["items"]] == [1, 2, 3]
    assert "next" not in following.links
    for wanted, numbers in (
        ({"contract": whose[1][1]}, [2]),
        ({"customer": whose[2][0]}, [3]),
        ({"from": "2026-07-02"}, [2, 3]),
        ({"until": "2026-07-02"}, [1, 2]),
        ({"from": "2026-07-02", "until": "2026-07-02", "customer": whose[0][0]}, []),
    ):
        assert [each["number"] for each in (await vendor.read("/v1/invoices", **wanted))["items"]] == numbers
    lines = await vendor.get("/v1/lines", limit=2)
    more = await vendor.get(lines.links["next"]["url"])
    assert [(each["invoice"], each["n"]) for each in lines.json()["items"] + more.json()["items"]] == [
        (1, 1),
        (2, 1),
        (3, 1),
    ]

"""Tickets are found by whose they are, what they are called, and what their sealed subject says; what is forgotten is not."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.ticket_service.conftest import Office, OpenOffice
from ticket_service.domain.words import LONGEST, MOST, words_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
ORDERS = ("opened", "received", "updated", "worklist", "severity", "deadline")


async def found(office: Office, text: str, query: str = "", path: str = "/v1/tickets", **who: Any) -> list[str]:
    return [each["id"] for each in (await office.get(f"{path}?q={quote(text)}{query}", **who))["items"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Lohnlauf bricht ab!", ["lohnlauf", "bricht", "ab"]),
        ("Größe & Café, CAFE", ["grosse", "cafe"]),
        ("e-mail x 2 10_000 ﬁ", ["mail", "10", "000", "fi"]),
        ("I\u0307stanbul ΣΑΣ σας", ["istanbul", "σασ"]),
        ("東京 の", ["東京"]),
        ("— ?!", []),
        ("a" * 99, ["a" * LONGEST]),
        (" ".join(f"wort{number}" for number in range(99)), [f"wort{number}" for number in range(MOST)]),
    ],
)
async def test_words_are_told_apart_without_case_or_accents(text: str, words: list[str]) -> None:
    assert words_of(text) == words


async def test_a_subject_is_found_by_whole_words_and_by_all_of_them(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served(name="Alpha AG")
    payroll = (await office.ticket(customer, subject="Lohnlauf bricht ab: Größe der E-Mail"))["id"]
    other = (await office.ticket(customer, subject="Lohnausweis fehlt"))["id"]
    for text in ("lohnlauf", "LOHNLAUF", "bricht Lohnlauf", "grösse", "GROSSE", "e-mail", "mail größe"):
        assert await found(office, text) == [payroll], text
    for text in ("lohn", "lohnlau", "lohnlauf fehlt", "lohnlauf nirgends"):
        assert await found(office, text) == [], text
    assert await found(office, "ausweis") == []
    assert await found(office, "lohnausweis alpha") == [other]
    for path in ("/v1/tickets", "/v1/rows"):
        for order in ORDERS:
            assert await found(office, "lohnlauf", f"&sort={order}&total=true", path) == [payroll], (path, order)
    assert await found(office, "lohnlauf", path="/v1/worklist") == [payroll]
    assert await found(office, "lohnlauf", "&state=closed,resolved") == []


async def test_references_and_companies_are_found_by_how_they_begin(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer, other = await office.served(name="Muster Treuhand AG"), await office.served(name="Treibgut GmbH")
    one, two = await office.ticket(customer, subject="Eins"), await office.ticket(other, subject="Zwei")
    reference = one["reference"]
    for text in (reference, reference.lower(), reference[:-1]):
        assert await found(office, text) == [one["id"]], text
    for text in ("treu", "Treuhand", "must", "muster treuhand", "muster eins", "AG"):
        assert await found(office, text) == [one["id"]], text
    assert await found(office, "tre") == [one["id"], two["id"]]
    assert await found(office, "euhand") == []
    assert await found(office, reference[4:8]) == []


async def test_persons_are_found_by_whole_words_until_they_are_forgotten(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    person = await office.customer(kind="person", name="Nele Neumann")
    stays = await office.customer(kind="person", name="Nele Altmann")
    ticket = (await office.ticket(person, subject="Scheidung eintragen"))["id"]
    remains = (await office.ticket(stays, subject="Scheidung melden"))["id"]
    assert await found(office, "neumann") == [ticket]
    assert await found(office, "neuman") == []
    assert await found(office, "nele scheidung") == [ticket, remains]
    await office.post(f"/v1/customers/{person}/forget", {"accept": ["open_tickets"]}, role="admin")
    for text in ("neumann", "eintragen"):
        assert await found(office, text) == [], text
    assert await found(office, "nele scheidung") == [remains]


async def test_a_customer_finds_only_the_own_companys_tickets_and_words(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    one, two = await office.served(name="Eins AG"), await office.served(name="Zwei AG")
    own = (await office.ticket(one, subject="Kassensturz"))["id"]
    others = (await office.ticket(two, subject="Kassensturz"))["id"]
    assert await found(office, "kassensturz") == [own, others]
    assert await found(office, "kassensturz", role="customer", customer=one) == [own]
    assert await found(office, "zwei", role="customer", customer=one) == []
    await office.post(f"/v1/tickets/{own}/move", {"customer": two, "reason": "Falsche Firma"})
    assert await found(office, "kassensturz") == [own, others]
    assert await found(office, "kassensturz", role="customer", customer=two) == [others], (
        "its subject is hidden from them"
    )
    assert await found(office, "kassensturz", role="customer", customer=one) == []
    assert own in await found(office, "zwei", role="customer", customer=two)


async def test_what_was_said_before_a_move_goes_when_the_present_person_is_forgotten(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    one, two = await office.customer(kind="person", name="Anna"), await office.customer(kind="person", name="Otto")
    moved = (await office.ticket(one, subject="Verwechslung"))["id"]
    kept = (await office.ticket(one, subject="Verwechslung"))["id"]
    await office.post(f"/v1/tickets/{moved}/move", {"customer": two, "reason": "Otto rief an"})
    assert await found(office, "verwechslung") == [moved, kept]
    await office.post(f"/v1/customers/{two}/forget", {"accept": ["open_tickets"]}, role="admin")
    assert await found(office, "verwechslung") == [kept]


async def test_another_provider_finds_nothing(open_office: OpenOffice) -> None:
    office, elsewhere = await open_office("infoniqa"), await open_office("infoniqa")
    ticket = await office.ticket(await office.served(name="Gamma AG"), subject="Jahresende")
    await elsewhere.ticket(await elsewhere.served(name="Delta AG"), subject="Quartal")
    for text in ("jahresende", "gamma", ticket["reference"]):
        assert await found(office, text) == [ticket["id"]]
        assert await found(elsewhere, text) == []


@pytest.mark.parametrize("text", ["??", "a b", "x", " ".join(["wort"] * 3 + [f"w{n}" for n in range(9)]), "ab" * 101])
async def test_what_has_no_word_or_too_many_is_refused(open_office: OpenOffice, text: str) -> None:
    office = await open_office("infoniqa")
    problem = await office.refused(422, f"/v1/tickets?q={quote(text)}", method="GET")
    assert [each["pointer"] for each in problem["errors"]] == ["#query/q"]


async def test_an_auditor_whose_requests_are_kept_searches_by_no_words(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    for path in ("/v1/tickets", "/v1/rows", "/v1/worklist"):
        answer = await office.call("GET", f"{path}?q=meier", role="auditor")
        assert answer.status_code == 403, path

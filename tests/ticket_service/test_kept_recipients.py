"""Recipients of invoices outlive their person's forgetting, for invoices alone and until the term is over."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.auth import Principal
from fristwerk_platform.read_models import IRREPLACEABLE, sqlite_database
from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, OpenService
from ticket_service import personal_data
from ticket_service.kept_recipients import KeptRecipients, Recipient
from ticket_service.personal_data import PersonalData, kept_recipients, subject_keys

pytestmark = pytest.mark.asyncio(loop_scope="session")

ERIKA = Recipient(name="Erika Beispiel", address={"city": "Luzern"})
THIS_YEAR = datetime.now(UTC).year


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    database = sqlite_database(tmp_path / "keys.db", personal_data.metadata, IRREPLACEABLE)
    await database.create()
    yield KeptRecipients(database, PersonalData(database, bytes(range(32)))), database
    await database.close()


async def test_a_recipient_is_kept_sealed_and_its_end_is_never_shortened(store: Any, tmp_path: Path) -> None:
    kept, _ = store
    await kept.extend("c-1", date(2036, 12, 31))
    assert (await kept.until("c-1"), await kept.kept("c-1")) == (date(2036, 12, 31), None)
    await kept.keep("c-1", ERIKA, date(2034, 12, 31))
    await kept.extend("c-1", date(2035, 12, 31))
    assert (await kept.until("c-1"), await kept.kept("c-1")) == (date(2036, 12, 31), ERIKA)
    assert (await kept.until("c-2"), await kept.kept("c-2")) == (None, None)
    assert b"Erika" not in (tmp_path / "keys.db").read_bytes()


async def test_after_the_last_day_the_recipient_and_its_key_are_gone(store: Any) -> None:
    kept, database = store
    await kept.keep("c-1", ERIKA, date(2034, 12, 31))
    await kept.keep("c-2", ERIKA, date(2035, 12, 31))
    await kept.extend("c-3", date(2034, 12, 31))
    assert await kept.expire(date(2034, 12, 31)) == 0
    assert await kept.expire(date(2035, 1, 1)) == 2
    assert (await kept.kept("c-1"), await kept.kept("c-2")) == (None, ERIKA)
    async with database.reading() as connection:
        rows = [row.customer for row in await connection.execute(kept_recipients.select())]
        keys = [row.subject for row in await connection.execute(subject_keys.select())]
    assert (rows, keys) == (["c-2"], ["c-2~kept"])


async def worked_for(office: Office) -> str:
    """A person for whom an hour was worked yesterday, without a contract."""
    customer = await office.customer(kind="person", name="Erika Beispiel", contact={"email": "e@beispiel.example"})
    ticket = await office.ticket(customer)
    start = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0).isoformat()
    entry = {"start": start, "minutes": 60, "activity": "help", "agent": "a"}
    await office.post(f"/v1/tickets/{ticket['id']}/time-entries", entry)
    return customer


async def billing(office: Office, customer: str, issued_on: str | None = None) -> Any:
    """The recipient as the billing service reads it, or for a document of that day."""
    scopes = frozenset({"customers"})
    who = Principal(sub="billing-service", role="service", provider=office.provider, scopes=scopes)
    answer = await office.service.client.request(
        "GET" if issued_on is None else "POST",
        f"/v1/customers/{customer}/recipient",
        json=None if issued_on is None else {"issued_on": issued_on},
        headers=office.service.bearer(who),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["recipient"]


ACCEPTED = {"accept": ["open_tickets", "logged_work"]}


async def test_a_forgotten_person_is_named_to_who_issues_invoices_and_to_nobody_else(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await worked_for(office)
    path = f"/v1/customers/{customer}"
    said = (await office.get(f"{path}/forgetting", role="admin"))["forgetting"]
    until = f"{THIS_YEAR + 10}-12-31"
    assert said["kept"] == {"until": until, "country": "CH", "years": 10, "source": "Art. 958f OR, Art. 70 MWSTG"}
    assert f"up to {until} or longer (CH: 10 years" in said["consequences"][-1]["sentence"]

    await office.post(f"{path}/forget", ACCEPTED, role="admin")

    recipient = {"name": "Erika Beispiel", "address": None, "vat_id": None}
    assert await billing(office, customer) == recipient
    assert (await office.get(path, role="admin"))["customer"]["name"] is None
    assert await billing(office.of("other"), customer) is None
    again = (await office.get(f"{path}/forgetting", role="admin"))["forgetting"]
    assert (again["readable"], again["kept"]) == (False, None)


async def test_of_whom_nothing_is_invoiced_nothing_is_kept(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer(kind="person", name="Erika Beispiel")
    assert (await office.get(f"/v1/customers/{customer}/forgetting", role="admin"))["forgetting"]["kept"] is None
    await office.post(f"/v1/customers/{customer}/forget", {}, role="admin")
    assert await billing(office, customer) is None
    assert await billing(office, customer, "2026-07-01") is None


async def test_a_document_that_was_issued_is_enough_to_keep_its_recipient_until_its_term_ends(
    open_office: OpenOffice,
) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer(kind="person", name="Erika Beispiel")
    path = f"/v1/customers/{customer}"
    for issued_on in (f"{THIS_YEAR - 3}-02-01", f"{THIS_YEAR - 5}-02-01"):
        assert (await billing(office, customer, issued_on))["name"] == "Erika Beispiel"
    said = (await office.get(f"{path}/forgetting", role="admin"))["forgetting"]
    assert said["kept"]["until"] == f"{THIS_YEAR + 7}-12-31", "without VAT the longest term of all"
    await office.post(f"{path}/forget", {}, role="admin")
    assert (await billing(office, customer))["name"] == "Erika Beispiel"


async def test_a_company_is_named_as_it_is(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer(name="Muster AG", address="Weg 1", vat_id="CHE-1")
    found = await billing(office, customer)
    assert found == {"name": "Muster AG", "address": "Weg 1", "vat_id": "CHE-1"}


async def test_whom_a_restored_backup_brings_back_is_forgotten_again_and_stays_the_recipient(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice
) -> None:
    var, backup = tmp_path / "var", tmp_path / "backup"
    settings = Settings(var=var, customers_may_date=True, key_file=tmp_path / "keys.json")
    async with open_service(settings) as service:
        office = await open_office("infoniqa", at=service)
        customer = await worked_for(office)
    shutil.copytree(var, backup)
    path = f"/v1/customers/{customer}"
    async with open_service(settings) as service:
        await Office(service, office.provider, office.agreement).post(f"{path}/forget", ACCEPTED, role="admin")
    shutil.rmtree(var)
    shutil.copytree(backup, var)
    async with open_service(settings) as service:
        office = Office(service, office.provider, office.agreement)
        assert (await office.get(path, role="admin"))["customer"]["name"] is None
        assert (await billing(office, customer))["name"] == "Erika Beispiel"

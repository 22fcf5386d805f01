"""Moving tickets to other terms in bulk: each by an event of its own, with progress, to the end through crashes, never twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.auth import Principal
from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, OpenService
from ticket_service.application import terms_migrations
from ticket_service.application.tickets import Tickets
from ticket_service.domain.errors import NotFound
from ticket_service.terms_migration_ledger import MigrationLedger

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATH = "/v1/terms-migrations"
ORDER = {"agreement": "infoniqa", "from_version": 1, "to_version": 2, "reason": "Neue Supportzeiten"}


async def prepared(office: Office, tickets: int = 3) -> list[str]:
    """Tickets under the first version of the agreement, and a second version."""
    customer = await office.served()
    ids = [(await office.ticket(customer))["id"] for _ in range(tickets)]
    await office.publish("agreements/infoniqa", title="Neu")
    return ids


async def ordered(office: Office, role: str = "manager", **changes: Any) -> dict[str, Any]:
    answer = await office.call("POST", PATH, ORDER | changes, role=role)
    assert answer.status_code == 202, answer.text
    migration: dict[str, Any] = answer.json()["migration"]
    assert answer.headers["Location"] == f"{PATH}/{migration['id']}"
    return migration


async def finished(office: Office, migration: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            found: dict[str, Any] = (await office.get(f"{PATH}/{migration['id']}"))["migration"]
            if found["state"] == "done":
                return found
            await asyncio.sleep(0.01)


async def migrated_events(office: Office, ticket: str) -> list[dict[str, Any]]:
    items = (await office.get(f"/v1/tickets/{ticket}/events"))["items"]
    return [each for each in items if each["type"] == "TermsMigrated"]


async def test_every_ticket_of_the_version_gets_an_event_of_its_own(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    tickets = await prepared(office)
    done = await finished(office, await ordered(office))
    assert (done["total"], done["done"], done["failed"], done["failures"]) == (3, 3, 0, [])
    assert done["finished_at"] is not None
    correlations = set()
    for ticket in tickets:
        (event,) = await migrated_events(office, ticket)
        assert event["data"] == {"agreement_version": 2, "calendar_version": 1, "reason": None, "line_calendars": {}}
        assert event["personal"] == {"reason": "Neue Supportzeiten"}
        assert event["actor"] == {"id": "manager", "role": "manager"}
        correlations.add(event["correlation_id"])
        assert (await office.get(f"/v1/tickets/{ticket}"))["ticket"]["agreement_version"] == 2
    assert len(correlations) == 1


async def test_closed_tickets_and_tickets_of_other_versions_and_agreements_stay(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    first, closed, moved = await prepared(office)
    await office.post(f"/v1/tickets/{closed}/resolution", {"text": "erledigt"})
    await office.post(f"/v1/tickets/{closed}/closing", {})
    await office.post(f"/v1/tickets/{moved}/terms", {"agreement_version": 2, "reason": "vorab"}, role="admin")
    await office.publish("agreements/infoniqa", agreement="infoniqa")
    done = await finished(office, await ordered(office))
    assert (done["total"], done["done"]) == (1, 1)
    assert len(await migrated_events(office, first)) == 1
    assert await migrated_events(office, closed) == []
    assert len(await migrated_events(office, moved)) == 1


async def test_tickets_are_moved_to_another_version_of_a_calendar_too(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    (ticket,) = await prepared(office, 1)
    await office.publish("calendars/infoniqa", title="Neu")
    answer = await office.call(
        "POST", PATH, {"calendar": "infoniqa", **{k: v for k, v in ORDER.items() if k != "agreement"}}, role="admin"
    )
    assert answer.status_code == 202, answer.text
    done = await finished(office, answer.json()["migration"])
    assert (done["calendar"], done["done"]) == ("infoniqa", 1)
    (event,) = await migrated_events(office, ticket)
    assert (event["data"]["agreement_version"], event["data"]["calendar_version"]) == (1, 2)


async def test_asked_again_it_moves_nothing_twice(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    tickets = await prepared(office)
    await finished(office, await ordered(office))
    again = await finished(office, await ordered(office))
    assert (again["total"], again["done"]) == (0, 0)
    for ticket in tickets:
        assert len(await migrated_events(office, ticket)) == 1


async def test_the_same_order_joins_the_one_that_still_runs(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await open_office("infoniqa")
    tickets = await prepared(office)
    hold = asyncio.Event()
    go_on = terms_migrations.Migrations._go_on

    async def held(self: Any, migration: Any) -> None:
        await hold.wait()
        await go_on(self, migration)

    monkeypatch.setattr(terms_migrations.Migrations, "_go_on", held)
    first = await ordered(office)
    second = await ordered(office, role="admin", reason="noch einmal")
    assert (second["id"], second["reason"], second["state"]) == (first["id"], ORDER["reason"], "running")
    assert (second["total"], second["done"]) == (3, 0)
    hold.set()
    await finished(office, first)
    for ticket in tickets:
        assert len(await migrated_events(office, ticket)) == 1


async def test_a_repeated_request_gets_the_first_answer(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    await prepared(office, 1)
    key = {"Idempotency-Key": "m-1"}
    first = await office.call("POST", PATH, ORDER, role="manager", headers=key)
    assert first.status_code == 202, first.text
    await finished(office, first.json()["migration"])
    again = await office.call("POST", PATH, ORDER, role="manager", headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await office.get(PATH))["items"]) == 1


async def test_a_ticket_that_cannot_be_moved_is_named_and_the_others_are_moved(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await open_office("infoniqa")
    tickets = await prepared(office)
    execute = Tickets.execute

    async def refusing(self: Any, meta: Any, ticket: Any, command: Any) -> Any:
        if ticket == tickets[1]:
            raise NotFound("ticket-not-found", "There is no such ticket.")
        if ticket == tickets[2]:
            raise ArithmeticError
        return await execute(self, meta, ticket, command)

    monkeypatch.setattr(Tickets, "execute", refusing)
    done = await finished(office, await ordered(office))
    assert (done["total"], done["done"], done["failed"]) == (3, 1, 2)
    assert {each["ticket"]: each["detail"] for each in done["failures"]} == {
        tickets[1]: "There is no such ticket.",
        tickets[2]: "The service failed on this ticket: ArithmeticError.",
    }


async def test_after_a_crash_it_goes_on_where_it_was(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service dies after moving some tickets and before noting it: they are found moved, the others are moved."""
    monkeypatch.setattr(terms_migrations, "AT_ONCE", 2)
    settings = Settings(var=tmp_path)

    async def dies(*_more: object) -> None:
        await asyncio.sleep(3600)

    async with open_service(settings) as service:
        office = await open_office("infoniqa", at=service)
        tickets = await prepared(office, 5)
        with monkeypatch.context() as patch:
            patch.setattr(MigrationLedger, "note", dies)
            migration = await ordered(office)
            async with asyncio.timeout(10):
                while True:
                    if await migrated_events(office, tickets[1]):
                        break
                    await asyncio.sleep(0.01)
            found = (await office.get(f"{PATH}/{migration['id']}"))["migration"]
            assert (found["state"], found["done"]) == ("running", 0)
    async with open_service(settings) as service:
        office = type(office)(service, office.provider, office.agreement)
        done = await finished(office, migration)
        assert (done["total"], done["done"], done["failed"]) == (5, 5, 0)
        for ticket in tickets:
            assert len(await migrated_events(office, ticket)) == 1


@pytest.mark.parametrize("role", ["agent", "specialist", "billing", "auditor", "service"])
async def test_only_administrators_and_managers_migrate_in_bulk(open_office: OpenOffice, role: str) -> None:
    office = await open_office("infoniqa")
    await office.refused(403, PATH, ORDER, role=role)
    if role != "service":
        assert (await office.get(PATH, role=role))["items"] == []


async def test_another_provider_sees_nothing_of_it(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    (ticket,) = await prepared(office, 1)
    migration = await finished(office, await ordered(office))
    other = await open_office("infoniqa")
    await other.refused(404, f"{PATH}/{migration['id']}", method="GET")
    assert (await other.get(PATH))["items"] == []
    await other.publish("agreements/infoniqa", title="Neu")
    assert (await finished(other, await ordered(other)))["total"] == 0
    assert len(await migrated_events(office, ticket)) == 1
    customer = office.service.bearer(Principal(sub="c", role="customer", provider=office.provider, belongs_to="c-1"))
    assert (await office.service.client.get(PATH, headers=customer)).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (ORDER | {"to_version": 3}, "/to_version"),
        (ORDER | {"from_version": 9}, "/from_version"),
        (ORDER | {"to_version": 1}, "/to_version"),
        (ORDER | {"to_version": 0}, "/to_version"),
        (ORDER | {"to_version": "2"}, "/to_version"),
        (ORDER | {"agreement": "nobody"}, "/agreement"),
        (ORDER | {"agreement": None}, "/agreement"),
        (ORDER | {"calendar": "infoniqa"}, "/agreement"),
        (ORDER | {"reason": " "}, "/reason"),
        (ORDER | {"unknown": 1}, "/unknown"),
        ({}, "/from_version"),
    ],
)
async def test_what_cannot_be_migrated_is_refused_with_the_place(
    open_office: OpenOffice, body: dict[str, Any], pointer: str
) -> None:
    office = await open_office("infoniqa")
    await office.publish("agreements/infoniqa", title="Neu")
    problem = await office.refused(422, PATH, body, role="admin")
    assert pointer in [each["pointer"] for each in problem["errors"]]
    assert (await office.get(PATH))["items"] == []


async def test_migrations_are_listed_page_by_page(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    await prepared(office, 1)
    made = [(await finished(office, await ordered(office)))["id"] for _ in range(3)]
    seen: list[str] = []
    path: str | None = f"{PATH}?limit=2"
    while path is not None:
        answer = await office.call("GET", path)
        seen += [each["id"] for each in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url")
    assert seen == made

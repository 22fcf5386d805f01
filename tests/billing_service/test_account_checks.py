"""Accounts that changed are rated in the background, the newest first and not too many at once, and what fails is parked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from billing_service.application import account_checks
from billing_service.application.account_checks import AT_ONCE, PACE, AccountChecks
from billing_service.application.statements import Statements
from billing_service.domain.facts.account_row import AccountRow
from billing_service.projections.projector import Projector
from billing_service.projections.tables import metadata, parked_accounts
from billing_service.projections.unchecked_accounts import AccountCheckWriter, Checked, UncheckedAccount
from billing_service.queries.account_checks import AccountCheckQueries
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from fristwerk_language.events import Actor, Event, Recorded, decode
from fristwerk_language.events.billing import ChargeDecided, SealedText
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_platform.pacing import Pace
from fristwerk_platform.read_models import Database, open_database
from fristwerk_platform.settings import Settings
from tests.stored_line import stored_line

AT = datetime(2026, 6, 17, 12, tzinfo=UTC)


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    found = open_database(database_settings, "billing", metadata)
    await found.create()
    yield found
    await found.close()


def told(stream: str, version: int, event: Event, minute: int, provider: str = "infoniqa") -> Recorded:
    """An event recorded in a minute after AT."""
    at = AT + timedelta(minutes=minute)
    line = stored_line(
        event,
        stream,
        version,
        at,
        event_id=f"{stream}#{version}",
        provider=provider,
        actor=Actor(id="somebody", role="agent"),
    )
    return decode(line)


def registered(customer: str, minute: int, version: int = 1, **more: Any) -> Recorded:
    event = CustomerRegistered(customer=customer, kind="company", name="Muster AG")
    return told(f"customer-{customer}", version, event, minute, **more)


def signed(contract: str, customer: str, minute: int, **more: Any) -> Recorded:
    terms: dict[str, Any] = {
        "agreement": "nowhere",
        "agreement_version": 1,
        "from_on": date(2026, 1, 1),
    }  # never published
    return told(
        f"contract-{contract}", 1, ContractSigned(contract=contract, customer=customer, **terms), minute, **more
    )


def two_customers() -> list[Recorded]:
    """Two contracts of one customer, one of another, and one of another provider."""
    return [
        registered("c-1", 0),
        registered("c-2", 0),
        registered("c-3", 0, provider="other"),
        signed("k-1", "c-1", 1),
        signed("k-2", "c-1", 3),
        signed("k-3", "c-2", 2),
        signed("k-4", "c-3", 4, provider="other"),
    ]


async def applied(database: Database, events: Sequence[Recorded] = (), own: Sequence[Recorded] = ()) -> None:
    async with database.transaction() as connection:
        await Projector().apply(connection, events)
        await Projector().apply_own(connection, own)


async def unchecked(database: Database, limit: int = 100) -> list[UncheckedAccount]:
    return await AccountCheckQueries(database).unchecked(limit)


async def names(database: Database, limit: int = 100) -> list[str]:
    return [each.account for each in await unchecked(database, limit)]


async def done(database: Database, *failures: str, at: datetime = AT) -> None:
    """Every account that waits was checked; those that are named cannot be rated."""
    found = [
        Checked(unchecked=each, code="no-vat-rate" if each.account in failures else None, error="why")
        for each in await unchecked(database)
    ]
    await AccountCheckWriter(database).store(found, at)


async def parked(database: Database) -> list[tuple[str, str, str, str, datetime]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(parked_accounts).order_by(parked_accounts.c.account))
        return [tuple(row) for row in rows]


async def test_what_changed_last_is_checked_first(database: Database) -> None:
    await applied(database, two_customers())

    assert (await names(database))[:4] == ["k-4", "k-2", "k-3", "k-1"]
    assert await names(database, 2) == ["k-4", "k-2"]


async def test_an_account_waits_once_however_often_it_changes(database: Database) -> None:
    await applied(database, two_customers())
    decided = ChargeDecided(charge="f" * 32, contract="k-1", ticket="t-1", decision="waive", reason=SealedText("?"))
    await applied(database, own=[told("charge-" + "f" * 32, 1, decided, 9)])

    found = await unchecked(database)
    assert [each.account for each in found].count("k-1") == 1
    assert (found[0].account, found[0].event) == ("k-1", "charge-" + "f" * 32 + "#1")


async def test_new_terms_concern_every_account_of_their_provider_and_no_other(database: Database) -> None:
    await applied(database, two_customers())
    await done(database)
    published = AgreementPublished(name="nowhere", version=1, digest="0" * 64, document={})
    await applied(database, [told("agreement-infoniqa.nowhere", 1, published, 9)])

    assert sorted(await names(database)) == ["c-1", "c-2", "k-1", "k-2", "k-3"]


async def test_what_is_recorded_of_a_customer_concerns_its_contracts_and_no_others(database: Database) -> None:
    await applied(database, two_customers())
    await done(database)
    await applied(database, [registered("c-1", 9, version=2)])

    assert sorted(await names(database)) == ["c-1", "k-1", "k-2"]


async def test_an_account_is_parked_with_the_reason_since_the_first_time_and_until_it_can_be_rated(
    database: Database,
) -> None:
    await applied(database, two_customers())
    await done(database, "k-1")
    assert await parked(database) == [("k-1", "infoniqa", "no-vat-rate", "why", AT)]
    assert await names(database) == []

    later = AT + timedelta(days=1)
    await AccountCheckWriter(database).mark_parked(later)
    assert await names(database) == ["k-1"]
    await done(database, "k-1", at=later)
    assert await parked(database) == [("k-1", "infoniqa", "no-vat-rate", "why", AT)]

    await AccountCheckWriter(database).mark_parked(later)
    await done(database)
    assert await parked(database) == []


async def test_a_change_during_a_check_is_left_to_the_next_check(database: Database) -> None:
    await applied(database, two_customers())
    seen = [each for each in await unchecked(database) if each.account == "c-1"]
    await applied(database, [registered("c-1", 9, version=2)])
    found = [Checked(unchecked=each, code="no-vat-rate") for each in seen]

    assert await AccountCheckWriter(database).store(found, AT) == ([], [])
    assert await parked(database) == []
    assert "c-1" in await names(database)


async def test_once_a_day_every_account_is_tried_behind_those_that_changed(database: Database) -> None:
    await applied(database, two_customers())
    await done(database)
    await applied(database, [registered("c-2", 9, version=2)])
    await AccountCheckWriter(database).mark_all("2026-06-18")

    found = await names(database)
    assert sorted(found[:2]) == ["c-2", "k-3"]
    assert sorted(found) == ["c-1", "c-2", "c-3", "k-1", "k-2", "k-3", "k-4"]


def checks_of(database: Database, now: Callable[[], datetime]) -> tuple[AccountChecks, asyncio.Event]:
    statements = Statements(AccountQueries(database), DocumentQueries(database), now)
    changed = asyncio.Event()
    checks = AccountChecks(AccountCheckQueries(database), AccountCheckWriter(database), statements, changed, now)
    return checks, changed


async def until(condition: Callable[[], Any], wanted: Any) -> None:
    async with asyncio.timeout(20):
        while True:
            if await condition() == wanted:
                return
            await asyncio.sleep(0.01)


async def test_it_rests_between_rounds_of_a_few_accounts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_checks, "ROUND_SECONDS", 60)  # on a busy machine a round would end before
    many = [registered(f"c-{number:03d}", number) for number in range(4 * AT_ONCE)]
    await applied(database, many)
    checks, _ = checks_of(database, lambda: AT)
    running = asyncio.create_task(checks.run())

    async def left() -> int:
        return len(await unchecked(database))

    await until(left, 3 * AT_ONCE)
    await asyncio.sleep(0.25)
    assert await left() == 3 * AT_ONCE
    assert (await names(database))[0] == f"c-{3 * AT_ONCE - 1:03d}", "the newest were first"
    running.cancel()


@pytest.mark.parametrize("turns", range(3))
async def test_it_ends_when_it_is_stopped_in_the_moment_in_which_a_batch_arrives(
    turns: int, database: Database
) -> None:
    checks, changed = checks_of(database, lambda: AT)
    running = asyncio.create_task(checks.run())
    await asyncio.sleep(0.05)  # nothing is to be checked: it waits
    changed.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()

    _, still_running = await asyncio.wait([running], timeout=2)
    assert not still_running


async def test_it_finds_what_cannot_be_rated_and_tries_everything_again_on_another_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine a round takes so long that it would rest for a minute.
    monkeypatch.setattr(account_checks, "PACE", Pace(rests=0, least_rests=0, short=0, long=0))
    await applied(database, two_customers())  # no terms of theirs were published
    clock = AT
    checks, changed = checks_of(database, lambda: clock)
    running = asyncio.create_task(checks.run())
    await until(checks.count_parked, 4)
    assert {row[:3] for row in await parked(database)} >= {("k-1", "infoniqa", "account-not-rateable")}

    async with database.transaction() as connection:
        await connection.execute(parked_accounts.delete())
    clock = AT + timedelta(days=1)
    changed.set()
    await until(checks.count_parked, 4)
    running.cancel()


async def test_a_start_tries_again_what_is_parked_as_another_program_may_be_able_to_rate_it(database: Database) -> None:
    await applied(database, two_customers())
    await done(database, "c-1")
    assert await names(database) == []
    checks, _ = checks_of(database, lambda: AT)
    assert await checks.count_parked() == 1

    running = asyncio.create_task(checks.run())
    await until(checks.count_parked, 0)
    running.cancel()


def test_however_long_a_round_takes_checks_have_a_tenth_of_a_processor_at_most() -> None:
    for took in (0.2, 6.0, 3_600.0):
        assert took / (took + PACE.rest_seconds(took)) <= 0.1


async def test_a_round_ends_with_the_account_that_takes_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_checks, "ROUND_SECONDS", 0.05)
    tried: list[str] = []

    class Slow(Statements):
        async def try_to_rate(self, row: AccountRow) -> None:
            tried.append(row.account)
            await asyncio.sleep(0.06 if len(tried) == 2 else 0)

    await applied(database, two_customers())
    statements = Slow(AccountQueries(database), DocumentQueries(database), lambda: AT)
    checks = AccountChecks(
        AccountCheckQueries(database), AccountCheckWriter(database), statements, asyncio.Event(), lambda: AT
    )
    running = asyncio.create_task(checks.run())

    async def left() -> int:
        return len(await names(database))

    await until(left, len(await names(database)) - 2)
    assert len(tried) == 2, "the next round comes after a rest"
    running.cancel()

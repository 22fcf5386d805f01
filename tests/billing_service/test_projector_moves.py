"""A moved ticket in the read model and in an audit: all of its facts stand with every account that had it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select

from billing_service.projections.projector import Projector
from billing_service.projections.tables import facts, metadata, unchecked_accounts
from billing_service.queries.account_checks import AccountCheckQueries
from billing_service.queries.accounts import AccountQueries
from billing_service.replay.collected_logs import CollectedLogs
from fristwerk_language.events import Recorded
from fristwerk_language.events.customers import ContractSigned
from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.events.tickets import TimeLogCorrected
from fristwerk_platform.read_models import sqlite_database
from tests.billing_service.test_projector import story, told


def moved(**to: Any) -> TicketMoved:
    return TicketMoved(
        reference="INF-1",
        from_customer="c-1",
        agreement="infoniqa",
        agreement_version=1,
        calendar="infoniqa",
        calendar_version=1,
        type="normal",
        entitled=True,
        entitled_why="contract",
        **({"customer": "c-1", "sealed_for": "c-1"} | to),
    )


def told_with_moves() -> list[Recorded]:
    """The ticket t-1 goes from the contract k-1 to k-2 and back, and t-2 from the customer c-1 to k-2."""
    signed = ContractSigned(
        contract="k-2", customer="c-1", agreement="infoniqa", agreement_version=1, from_on=date(2026, 1, 1)
    )
    return [
        *story(),
        told("contract-k-2", 1, signed),
        told("ticket-t-1", 4, moved(contract="k-2")),
        told("ticket-t-1", 5, TimeLogCorrected(entry="e-1", minutes=30)),
        told("ticket-t-1", 6, moved(contract="k-1")),
        told("ticket-t-1", 7, TimeLogCorrected(entry="e-1", minutes=20)),
        told("ticket-t-2", 3, moved(contract="k-2")),
    ]


async def stored(path: Path, batches: Sequence[Sequence[Recorded]]) -> tuple[Any, dict[str, set[tuple[str, int]]]]:
    """A read model of these batches, and by account which events of tickets it has."""
    database = sqlite_database(path, metadata)
    await database.create()
    for batch in batches:
        async with database.transaction() as connection:
            await Projector().apply(connection, batch)
    found: dict[str, set[tuple[str, int]]] = {}
    async with database.reading() as connection:
        for account, stream, version in await connection.execute(
            select(facts.c.account, facts.c.stream, facts.c.version)
        ):
            if stream.startswith("ticket-"):
                found.setdefault(account, set()).add((stream.removeprefix("ticket-"), version))
    return database, found


EXPECTED = {
    "k-1": {("t-1", version) for version in (1, 2, 4, 5, 6, 7)},
    "k-2": {("t-1", version) for version in (1, 2, 4, 5, 6)} | {("t-2", version) for version in (1, 2, 3)},
    "c-1": {("t-2", version) for version in (1, 2, 3)},
}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_in_batches_of_any_size_every_account_has_all_facts_so_far(tmp_path: Path, size: int) -> None:
    events = told_with_moves()
    batches = [events[start : start + size] for start in range(0, len(events), size)]
    database, found = await stored(tmp_path / "billing.db", batches)
    await database.close()
    assert found == EXPECTED


async def test_the_account_that_lost_its_only_ticket_can_still_be_billed_and_names_it(tmp_path: Path) -> None:
    database, _ = await stored(tmp_path / "billing.db", [told_with_moves()])
    queries = AccountQueries(database)
    assert [each.account for each in await queries.billable("infoniqa")] == ["c-1", "k-1", "k-2"]
    assert (await queries.ticket("infoniqa", "INF-1")) is not None
    assert await queries.references(["c-1"]) == {"t-2": "INF-1"}
    ticket = await queries.ticket("infoniqa", "t-2")
    assert (ticket and ticket.account) == "k-2"
    await database.close()


async def test_both_accounts_of_a_moved_ticket_are_checked_again(tmp_path: Path) -> None:
    database, _ = await stored(tmp_path / "billing.db", [told_with_moves()[:-1]])
    async with database.transaction() as connection:
        await connection.execute(delete(unchecked_accounts))
        await Projector().apply(connection, told_with_moves()[-1:])
    assert {each.account for each in await AccountCheckQueries(database).unchecked(10)} == {"c-1", "k-2"}
    await database.close()


def test_an_audit_collects_the_same_facts() -> None:
    lines = [_with_position(each, position) for position, each in enumerate(told_with_moves(), start=1)]
    with CollectedLogs() as logs:
        logs.read(lines, len(lines))
        for account, expected in EXPECTED.items():
            heads = [msgspec.json.decode(line) for line in logs.facts.lines(account)]
            kept = [
                (each["stream"].removeprefix("ticket-"), each["version"])
                for each in heads
                if "ticket-" in each["stream"]
            ]
            assert sorted(kept) == sorted(expected), account
        assert {each.account for each in logs.billable("infoniqa")} == {"c-1", "k-1", "k-2"}


def _with_position(recorded: Recorded, position: int) -> bytes:
    return msgspec.json.encode({"position": position} | msgspec.json.decode(recorded.line))


def test_a_move_of_a_ticket_that_nobody_opened_is_of_no_account() -> None:
    line = _with_position(told("ticket-t-9", 1, moved(contract="k-2")), 1)
    with CollectedLogs() as logs:
        logs.read([line], 1)
        assert list(logs.facts.keys()) == []

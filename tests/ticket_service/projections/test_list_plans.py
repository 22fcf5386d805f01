"""Every filter of the lists of tickets and calls finds its page by an index, without reading the provider's others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from fristwerk_platform.read_models import SqlDatabase, sqlite_database
from tests.query_plans import plan_of
from ticket_service.projections.tables import metadata
from ticket_service.queries.calls import CallFilter
from ticket_service.queries.read_model import ReadModel
from ticket_service.queries.search import search_for
from ticket_service.queries.ticket_filters import FILTERS, WantedTickets
from ticket_service.queries.ticket_lists import TicketListReads

NOW: Final = datetime(2026, 6, 9, 8, tzinfo=UTC)
OF_TICKETS: Final = {
    "state": "tickets_in_state",
    "customer": "tickets_of_customer",
    "contract": "tickets_under_contract",
    "severity": "tickets_of_severity",
    "group": "tickets_of_group",
    "assignee": "tickets_of_assignee",
    "department": "tickets_of_department",
    "opened_by": "tickets_opened_by",
}
FEW_VALUES: Final = {"type", "channel", "agreement", "level", "site"}
"""A provider has so few of these that a page in the order of tickets is soon full."""
OF_CALLS: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "call": ("c", ("calls_1",)),
    "numbers": (("n",), ("calls_by_phone",)),
    "ticket": ("t", ("calls_by_ticket",)),
    "customer": ("c", ("calls_by_customer", "calls_by_ticket", "tickets_of_customer")),
    "since": (NOW, ("calls_by_start (provider=? AND started_at>?)",)),
    "before": (NOW, ("calls_by_start (provider=? AND started_at<?)",)),
}
YES_OR_NO: Final = {"open", "voicemail", "abandoned"}
"""A page in the order of calls is soon full of these."""
WHOLE_PROVIDER: Final = ("calls_by_start (provider=?)", "tickets_by_provider", "SCAN")
Plan = Callable[[Callable[[ReadModel], Awaitable[Any]]], Awaitable[str]]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    found = sqlite_database(tmp_path / "tickets.db", metadata)
    await found.create()
    yield found
    await found.close()


def test_every_filter_has_its_row() -> None:
    assert set(FILTERS) == OF_TICKETS.keys() | FEW_VALUES
    assert set(CallFilter.__struct_fields__) == OF_CALLS.keys() | YES_OR_NO


@pytest.mark.parametrize("column", OF_TICKETS)
async def test_a_filtered_page_of_tickets_is_read_in_order_from_an_index(database: SqlDatabase, column: str) -> None:
    """Else a page that few tickets fit looks through all of them."""
    reads, wanted = TicketListReads(database, lambda *_: "d"), WantedTickets(values={column: ("x",)})
    plan = await plan_of(database, lambda: reads.opened("p", wanted, after="a", limit=51))
    index = OF_TICKETS[column]
    assert plan == [f"SEARCH tickets USING INDEX {index} (provider=? AND {column}=? AND ticket>?)"]


@pytest.mark.parametrize("column", sorted(FEW_VALUES))
async def test_a_page_of_what_many_tickets_have_is_read_in_order(database: SqlDatabase, column: str) -> None:
    reads, wanted = TicketListReads(database, lambda *_: "d"), WantedTickets(values={column: ("x",)})
    plan = await plan_of(database, lambda: reads.opened("p", wanted, after="a", limit=51))
    assert plan == ["SEARCH tickets USING INDEX tickets_by_provider (provider=? AND ticket>?)"]


async def test_tickets_without_a_severity_are_read_in_order_from_an_index(database: SqlDatabase) -> None:
    reads, wanted = TicketListReads(database, lambda *_: "d"), WantedTickets(values={"severity": (None,)})
    plan = await plan_of(database, lambda: reads.opened("p", wanted, after="a", limit=51))
    assert plan == ["SEARCH tickets USING INDEX tickets_of_severity (provider=? AND severity=? AND ticket>?)"]


@pytest.mark.parametrize("text", ["word", "two words", "INF-7K3"])
@pytest.mark.parametrize("after", ["", "a"])
async def test_what_is_searched_for_is_found_before_tickets_are_read(
    database: SqlDatabase, text: str, after: str
) -> None:
    """Else a word that few tickets have is looked for in all of the provider's."""
    reads = TicketListReads(database, lambda *_: "d")
    indexes: dict[str, dict[str, tuple[str, ...]]] = {
        "tickets_by_provider (provider=?": {},
        "tickets_of_assignee (provider=? AND assignee=?": {"assignee": ("x",)},
    }
    for index, values in indexes.items():
        wanted = WantedTickets(values=values, search=search_for(text))
        plan = await plan_of(database, lambda: reads.opened("p", wanted, after=after, limit=51))  # noqa: B023
        assert plan[0] == f"SEARCH tickets USING INDEX {index} AND ticket=?)"
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan
        looked_up = [each for each in plan if each.startswith("SEARCH search_words")]
        behind = " AND item>?" if after else ""
        assert (
            f"SEARCH search_words USING COVERING INDEX search_words_by_word (provider=? AND word=?{behind})"
            in looked_up
        )


async def test_what_was_taken_since_a_receipt_is_read_backwards_from_an_index(database: SqlDatabase) -> None:
    reads = TicketListReads(database, lambda *_: "d")
    plan = await plan_of(database, lambda: reads.taken_since("p", NOW, limit=1_001))
    assert plan == ["SEARCH tickets USING INDEX tickets_by_receipt (provider=? AND received_at>?)"]


async def test_the_other_orders_are_read_from_an_index_of_their_own(database: SqlDatabase) -> None:
    reads, some = TicketListReads(database, lambda *_: "d"), WantedTickets(values={"type": ("x", "y")}, changed_after=7)
    first = await plan_of(database, lambda: reads.received("p", WantedTickets(), after=None, limit=51))
    assert first == ["SEARCH tickets USING INDEX tickets_by_receipt (provider=?)"]
    more = await plan_of(database, lambda: reads.received("p", WantedTickets(), after=(NOW, "a"), limit=51))
    assert more == ["SEARCH tickets USING INDEX tickets_by_receipt (provider=? AND (received_at,ticket)>(?,?))"]
    for before, bound in ((None, "position>?"), (9, "position>? AND position<?")):
        plan = await plan_of(database, lambda: reads.updated("p", some, before=before, limit=51))  # noqa: B023
        assert plan == [f"SEARCH tickets USING INDEX tickets_by_position (provider=? AND {bound})"]


@pytest.mark.parametrize("column", OF_TICKETS)
async def test_several_values_are_found_by_an_index(database: SqlDatabase, column: str) -> None:
    reads, wanted = TicketListReads(database, lambda *_: "d"), WantedTickets(values={column: ("x", "y")})
    plan = await plan_of(database, lambda: reads.opened("p", wanted, after="a", limit=51))
    one = f"SEARCH tickets USING COVERING INDEX {OF_TICKETS[column]} (provider=? AND {column}=? AND ticket>?)"
    assert [each for each in plan if each.startswith("SEARCH tickets")] == [
        "SEARCH tickets USING INDEX tickets_by_provider (provider=? AND ticket=?)",
        one,
        one,
    ]


async def test_what_a_customer_or_a_contract_has_is_read_in_order_from_an_index(database: SqlDatabase) -> None:
    model = ReadModel(database)
    for asked, index in (
        (lambda: model.tickets_of("p", customer="c"), "tickets_of_customer (provider=? AND customer=?)"),
        (lambda: model.tickets_of("p", contract="c"), "tickets_under_contract (provider=? AND contract=?)"),
        (lambda: model.open_tickets("p", "c"), "tickets_of_customer (provider=? AND customer=?)"),
    ):
        assert await plan_of(database, asked) == [f"SEARCH tickets USING INDEX {index}"]


@pytest.mark.parametrize("name", OF_CALLS)
async def test_a_filtered_page_of_calls_is_found_by_an_index(database: SqlDatabase, name: str) -> None:
    value, indexes = OF_CALLS[name]
    wanted = CallFilter(**{name: value})
    plan = await plan_of(database, lambda: ReadModel(database).calls("p", wanted, after="", limit=51))
    for index in indexes:
        assert any(index in step for step in plan), plan
    assert not any(each in step for step in plan for each in WHOLE_PROVIDER), plan

"""Every filter of the lists of documents and lines finds its page by an index, without reading the provider's others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import insert

from billing_service.projections import tables
from billing_service.queries.documents import DocumentFilter, DocumentQueries, LineFilter
from fristwerk_platform.read_models import SqlDatabase, sqlite_database
from tests.query_plans import plan_of

OF_DOCUMENTS: Final = {"contract": "document_lines_by_account (account=?)", "customer": "documents_by_customer"}
IN_ORDER: Final = {"from_on": date(2026, 1, 1), "until_on": date(2026, 1, 1)}
"""Days of issue rise with the numbers, by which the lists are read."""
NOT_FILTERS: Final = {"provider", "after", "limit"}
BY_NUMBER: Final = "sqlite_autoindex_documents_1 (provider=? AND number=?)"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    found = sqlite_database(tmp_path / "billing.db", tables.metadata)
    await found.create()
    yield found
    await found.close()


def documents(**wanted: Any) -> DocumentFilter:
    return DocumentFilter(provider="p", **wanted)


def test_every_filter_has_its_row() -> None:
    assert set(DocumentFilter.__struct_fields__) == OF_DOCUMENTS.keys() | IN_ORDER.keys() | NOT_FILTERS
    assert set(LineFilter.__struct_fields__) == {"documents", "event", "number", "after", "limit"}


@pytest.mark.parametrize("name", OF_DOCUMENTS)
async def test_a_filtered_page_of_documents_is_found_by_an_index(database: SqlDatabase, name: str) -> None:
    wanted = documents(after=7, **{name: "x"})
    plan = await plan_of(database, lambda: DocumentQueries(database).listed(wanted))
    assert any(OF_DOCUMENTS[name] in step for step in plan), plan
    assert plan[0] == f"SEARCH documents USING INDEX {BY_NUMBER}"


@pytest.mark.parametrize("name", OF_DOCUMENTS)
async def test_a_page_of_lines_of_few_documents_reads_no_others(database: SqlDatabase, name: str) -> None:
    wanted = LineFilter(documents=documents(**{name: "x"}), after=(7, 3))
    plan = await plan_of(database, lambda: DocumentQueries(database).lines(wanted))
    assert any(OF_DOCUMENTS[name] in step for step in plan), plan
    assert plan[0] == "SEARCH document_lines USING INDEX sqlite_autoindex_document_lines_1 (provider=? AND number=?)"


async def test_lines_of_an_event_and_of_a_number_are_found_by_it(database: SqlDatabase) -> None:
    of_event = LineFilter(documents=documents(), event="e")
    plan = await plan_of(database, lambda: DocumentQueries(database).lines(of_event))
    assert plan[0].endswith("(provider=? AND number=? AND place=?)"), plan
    assert any("line_sources_1 (provider=? AND event=?" in step for step in plan), plan

    of_number = LineFilter(documents=documents(), number=3)
    plan = await plan_of(database, lambda: DocumentQueries(database).lines(of_number))
    assert BY_NUMBER in plan[0], plan


@pytest.mark.parametrize("name", OF_DOCUMENTS)
async def test_what_another_provider_billed_says_nothing_about_ones_own_documents(
    database: SqlDatabase, name: str
) -> None:
    """Both have a document 1; the contract and the customer are the other's."""
    instant, day = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)
    document = {"number": 1, "type": "invoice", "until": day, "issued_on": day, "line": b"{}"}
    line = {"number": 1, "place": 1, "until": day, "occurred_at": instant, "recorded_at": instant, "line": b"{}"}
    async with database.transaction() as connection:
        for provider, theirs in (("p", "y"), ("q", "x")):
            own = {"provider": provider, "account": theirs}
            await connection.execute(insert(tables.documents).values(**document, **own, customer=theirs))
            await connection.execute(insert(tables.document_lines).values(**line, **own))

    assert await DocumentQueries(database).listed(documents(**{name: "x"})) == []
    assert await DocumentQueries(database).lines(LineFilter(documents=documents(**{name: "x"}))) == []

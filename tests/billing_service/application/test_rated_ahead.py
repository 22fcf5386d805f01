"""An account with thousands of facts is rated ahead once it was worked for, where somebody asks for its statements."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from billing_service.application import statements
from billing_service.application.kept_statements import LONG_FACTS
from billing_service.application.statements import Statements
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.rated import Rated, rate_lines
from billing_service.projections.projector import Projector
from billing_service.projections.tables import metadata
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from fristwerk_language.events import Event, Recorded, customers, decode, terms, tickets
from fristwerk_language.terms import agreement_document, canonical, digest
from fristwerk_platform.read_models import Database, sqlite_database
from tests.billing_service.conftest import BARE
from tests.stored_line import stored_line

ROW: Final = AccountRow(account="c-1", provider="p", customer="k-1", kind="contract")
NOON: Final = datetime(2026, 6, 17, 12, tzinfo=UTC)


async def test_an_account_that_somebody_asked_for_is_rated_ahead_once_it_was_worked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated_anew = 0

    def counted(*given: Any, **named: Any) -> Rated | None:
        nonlocal rated_anew
        rated_anew += 1
        return rate_lines(*given, **named)

    monkeypatch.setattr(statements, "rate_lines", counted)
    database = sqlite_database(tmp_path / "billing.db", metadata)
    await database.create()
    rating = Statements(AccountQueries(database), DocumentQueries(database), lambda: NOON)
    await applied(database, [published_terms(), signed_contract(), opened_ticket(), *worked(2, LONG_FACTS)])

    await rating.try_to_rate(ROW)
    assert await rating.rated(ROW) is not None
    assert rated_anew == 2, "nobody had asked for it before"

    await applied(database, worked(LONG_FACTS, LONG_FACTS + 1))
    await rating.try_to_rate(ROW)
    found = await rating.rated(ROW)
    assert rated_anew == 3
    assert found is not None
    assert found.statement.shares.logged == LONG_FACTS - 1
    await database.close()


async def applied(database: Database, events: list[Recorded]) -> None:
    async with database.transaction() as connection:
        await Projector().apply(connection, events)


def fact(stream: str, version: int, event: Event) -> Recorded:
    return decode(stored_line(event, stream, version, NOON, event_id=f"{stream}#{version}", provider=ROW.provider))


def published_terms() -> Recorded:
    document = canonical(agreement_document(BARE))
    event = terms.AgreementPublished(name="bare", version=1, document=document, digest=digest(document))
    return fact("agreement-p.bare", 1, event)


def signed_contract() -> Recorded:
    event = customers.ContractSigned(
        contract=ROW.account, customer=ROW.customer, agreement="bare", agreement_version=1, from_on=date(2026, 1, 1)
    )
    return fact(f"contract-{ROW.account}", 1, event)


def opened_ticket() -> Recorded:
    event = tickets.TicketCreated(
        reference="T-1",
        customer=ROW.customer,
        contract=ROW.account,
        agreement="bare",
        agreement_version=1,
        calendar="bare",
        calendar_version=1,
        type="normal",
        channel="email",
        received_at=NOON,
        entitled=True,
        entitled_by="contract",
        entitled_why="contract",
    )
    return fact("ticket-t-1", 1, event)


def worked(first: int, end: int) -> list[Recorded]:
    """A minute of work for each version."""
    return [
        fact(
            "ticket-t-1",
            version,
            tickets.TimeLogged(entry=f"e{version}", start=NOON, minutes=1, activity="help", agent="agent-1"),
        )
        for version in range(first, end)
    ]

"""Prices by validity: work costs what was in force when it was done, whenever its ticket was opened or the work entered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import tickets
from fristwerk_language.terms import Publication, Validity, agreement_document
from tests.billing_service.conftest import Lines, Story

JULY = date(2026, 7, 1)
Dearer = tuple[Story, Validity]
"""An account, and when the versions of its agreement came into force."""


@pytest.fixture
def dearer_from_july(story: type[Story], bare: dict[str, Any]) -> Dearer:
    """120.00 an hour, and 130.00 from 1 July; a ticket of June."""
    account = story({})
    billing = bare["billing"] | {"hourly": {"rate": "130.00", "increment_minutes": 15}}
    types = [{"id": "normal"}, {"id": "quick_high", "rate_factor": "3"}]
    account.versions[2] = agreement_document(bare | {"billing": billing, "ticket_types": types})
    published_at = datetime(2026, 5, 2, tzinfo=UTC)
    validity = Validity(
        Publication(version=version, published_at=published_at, valid_from=day, timezone="Europe/Berlin")
        for version, day in ((1, None), (2, JULY))
    )
    account.ticket("T", "2026-06-29 09:00", prices="when_done")
    return account, validity


def rated(dearer: Dearer) -> Statement:
    account, validity = dearer
    return account.rate(validity=lambda _: validity)


def test_work_costs_the_price_in_force_when_it_was_done(dearer_from_july: Dearer, lines: Lines) -> None:
    dearer_from_july[0].log("T", "2026-06-30 23:30", 60, recorded="2026-07-03 09:00")
    dearer_from_july[0].log("T", "2026-07-01 00:00", 60)
    statement = rated(dearer_from_july)
    assert lines(statement) == [("hourly", "T", 60, "120.00"), ("hourly", "T", 60, "130.00")]
    assert [line.agreement_version for line in statement.lines] == [1, 2]


def test_the_rate_factor_is_the_one_in_force_when_the_work_was_done(dearer_from_july: Dearer, lines: Lines) -> None:
    dearer_from_july[0].tell("T", tickets.TypeChanged(type="quick_high"), "2026-06-29 10:00")
    dearer_from_july[0].log("T", "2026-06-30 10:00", 60)
    dearer_from_july[0].log("T", "2026-07-01 10:00", 60)
    assert lines(rated(dearer_from_july)) == [("hourly", "T", 60, "240.00"), ("hourly", "T", 60, "390.00")]


def test_a_migration_gives_its_prices_until_another_version_comes_into_force(
    dearer_from_july: Dearer, lines: Lines
) -> None:
    migrated = tickets.TermsMigrated(agreement_version=2, calendar_version=1, reason="agreed")
    dearer_from_july[0].tell("T", migrated, "2026-06-30 12:00")
    dearer_from_july[0].log("T", "2026-06-30 10:00", 60)
    dearer_from_july[0].log("T", "2026-06-30 13:00", 60)
    back = tickets.TermsMigrated(agreement_version=1, calendar_version=1, reason="taken back")
    dearer_from_july[0].tell("T", back, "2026-07-02 09:00")
    dearer_from_july[0].log("T", "2026-07-01 10:00", 60)
    dearer_from_july[0].log("T", "2026-07-02 10:00", 60)
    prices = ["120.00", "130.00", "130.00", "120.00"]
    assert lines(rated(dearer_from_july)) == [("hourly", "T", 60, price) for price in prices]


def test_a_ticket_opened_before_terms_had_a_validity_keeps_the_prices_of_its_version(
    dearer_from_july: Dearer, lines: Lines
) -> None:
    dearer_from_july[0].ticket("old", "2026-06-29 09:00")
    dearer_from_july[0].log("old", "2026-07-01 10:00", 60)
    assert lines(rated(dearer_from_july)) == [("hourly", "old", 60, "120.00")]


def test_what_is_free_or_held_is_decided_by_the_tickets_own_version(
    story: type[Story], bare: dict[str, Any], lines: Lines
) -> None:
    account = story({"cost_approval": {"after_minutes": 30}})
    free = bare["billing"] | {"coverage": [{"activity": "help", "billable": False}]}
    account.versions[2] = agreement_document(bare | {"billing": free})
    published_at = datetime(2026, 7, 1, tzinfo=UTC)
    validity = Validity(
        Publication(version=version, published_at=published_at, valid_from=None, timezone="Europe/Berlin")
        for version in (1, 2)
    )
    account.ticket("T", prices="when_done")
    account.log("T", "2026-07-02 10:00", 60)
    statement = account.rate(validity=lambda _: validity)
    assert lines(statement) == [("hourly", "T", 30, "60.00")]
    assert statement.shares.held == 30

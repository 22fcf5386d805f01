"""What an account was rated from in parts: what is made again, and how long it is kept."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from billing_service.application.kept_statements import KeptStatements
from billing_service.domain.facts import read_facts
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.rated import Cutoff
from billing_service.domain.rating import pricing, rated_parts
from billing_service.domain.rating.grouping import RoundingGroup
from billing_service.domain.rating.rated_parts import RatedParts
from fristwerk_language.terms import agreement_document
from tests.billing_service.application.test_kept_statements import ROW, Kept
from tests.billing_service.conftest import BARE, Story


def test_after_a_new_entry_only_its_own_ticket_is_read_and_priced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, int] = {}

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def call(*given: Any, **named: Any) -> Any:
            made[name] = made.get(name, 0) + 1
            return real(*given, **named)

        monkeypatch.setattr(module, name, call)

    kept = Kept(random.Random(1))  # noqa: S311 - drawn again by the seed
    for number in range(4):
        for of_day in range(3):
            kept.story.log(f"T{number}", f"2026-02-{of_day + 1:02} 1{number}:00", 15)
    kept.rate(Cutoff())
    kept.story.log("T2", "2026-02-20 10:00", 15)
    lines = kept.lines()
    counted(read_facts, "decode")
    counted(rated_parts, "classify_work")
    counted(pricing, "package_lines")
    moment, ledger = Cutoff(), kept.ledger()
    assert kept.found(ROW, lines, moment, ledger) is not None
    assert made == {"decode": 1 + 5, "classify_work": 1, "package_lines": 1}, "the contract and T2 are read"


def test_a_group_is_priced_again_under_another_agreement_of_the_account() -> None:
    first, second = agreement_document(BARE), agreement_document(BARE)
    group = cast("RoundingGroup", SimpleNamespace(ticket="T", key="k"))
    parts = RatedParts()
    lines = parts.priced_lines(group, (), first, list)
    assert RatedParts(parts).priced_lines(group, (), first, list) is lines
    assert RatedParts(parts).priced_lines(group, (), second, list) is not lines


def test_what_an_account_was_made_of_goes_with_its_last_statement() -> None:
    kept = Kept(random.Random(1))  # noqa: S311 - drawn again by the seed
    kept.kept = KeptStatements(long_facts=0, most_facts=1)
    kept.rate(Cutoff())
    assert list(kept.kept._parts) == ["c-1"]
    other = AccountRow(account="k-1", provider="p", customer="k-1", kind="customer")
    kept.story = Story({}, contract=False)
    kept.story.log("U", "2026-02-03 10:00", 30)
    kept.found(other, kept.lines(), Cutoff(), kept.ledger())
    assert list(kept.kept._parts) == ["k-1"]

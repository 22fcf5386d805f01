"""The platform knows no business word, so that it could serve another business as it is."""

from __future__ import annotations

import re
from pathlib import Path

PLATFORM = Path(__file__).parents[2] / "shared" / "platform" / "src" / "fristwerk_platform"
BUSINESS_WORDS = re.compile(
    r"ticket|customer|contract|invoice|agreement|tariff|severity|vendor|billing|(?<![a-z])sla(?![a-z])", re.IGNORECASE
)
EXCEPTIONS = {
    "settings.py": "the settings that name the three services' addresses",
    "startup_report.py": "two of those settings, which it logs",
}
"""Modules that still name the business, each with what it names."""


def test_no_module_of_the_platform_names_the_business_but_for_the_listed_ones() -> None:
    naming = {
        path.relative_to(PLATFORM).as_posix()
        for path in PLATFORM.rglob("*.py")
        if BUSINESS_WORDS.search(path.read_text("utf-8"))
    }

    assert naming == set(EXCEPTIONS)


def test_the_words_are_found_inside_names_and_not_inside_other_words() -> None:
    assert [word for word in ("open_ticket", "TicketId", "sla_service", "SLA") if not BUSINESS_WORDS.search(word)] == []
    assert [word for word in ("translate", "slash", "island", "custom") if BUSINESS_WORDS.search(word)] == []

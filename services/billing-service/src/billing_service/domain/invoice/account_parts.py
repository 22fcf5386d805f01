"""What reading and rating an account gave in parts, from which the next rating of the same account goes on."""

from __future__ import annotations

from billing_service.domain.facts.read_facts import ReadFacts
from billing_service.domain.rating.rated_parts import RatedParts


class AccountParts:
    """The parts of one rating; those of the one ``before`` are left as they are."""

    def __init__(self, before: AccountParts | None = None) -> None:
        self.facts: ReadFacts = ReadFacts(None if before is None else before.facts)
        self.rated: RatedParts = RatedParts(None if before is None else before.rated)

    def settle(self) -> None:
        """Drop what was there before, once the account is rated."""
        self.facts.settle()
        self.rated.settle()

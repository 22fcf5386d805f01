"""Under which circumstances a document was issued: of which accounts, and what was known of them.

The read model may have been any number of events behind the log then, so the event names the last
fact that it had. Older events do not: their facts are cut at the instant of issue first, and then
event by event around it, since another machine's clock may have been a little ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from billing_service.domain.audit.records import AccountRecord, IssuedRecord, PublishedVersions

BEHIND: Final = timedelta(minutes=15)
"""How far the read model may have been behind the log when a document was issued."""
AHEAD: Final = timedelta(minutes=1)
"""How far the clock of the ticket service's machine may be ahead."""
MOST_CUTS: Final = 1_024
"""Cuts tried at most of a document that does not name its last fact."""


def circumstances(
    issued: IssuedRecord, accounts: Sequence[AccountRecord], published: PublishedVersions
) -> Iterator[tuple[Sequence[AccountRecord], int, PublishedVersions]]:
    """Under which the document may have been issued, the likeliest first: its accounts, the position of the last fact, and terms.

    Exactly one where the document says what it was computed from; none where that is not recorded.
    """
    basis = issued.event.basis
    billed: Sequence[AccountRecord]
    if basis is not None:
        billed = [each for each in accounts if each.row.account in basis.accounts]
        facts = (one for each in billed for one in each.facts)
        positions = {each.id: each.position for each in facts} | {
            each.event: each.position for each in published.values()
        }
        if (cut := positions.get(basis.last_fact)) is not None:
            yield billed, cut, {key: each for key, each in published.items() if each.position <= cut}
        return
    contract = issued.document.contract
    own = [each for each in accounts if each.row.account == issued.event.account]
    known = {key: each for key, each in published.items() if each.recorded_at <= issued.recorded.recorded_at + AHEAD}
    # A customer's invoice is over all of its accounts, and that of an invoice run over its own work alone.
    for billed in (accounts, own) if contract is None else (own,):
        for cut in _cuts(issued, billed):
            yield billed, cut, known


def _cuts(issued: IssuedRecord, accounts: Sequence[AccountRecord]) -> Iterator[int]:
    """Positions of the ticket service's log up to which the facts may have been known, the likeliest first."""
    at = issued.recorded.recorded_at
    facts = sorted({(each.position, each.recorded_at) for account in accounts for each in account.facts})
    known = sum(1 for _, recorded in facts if recorded <= at)
    order = sorted(range(len(facts) + 1), key=lambda count: (abs(count - known), count))
    for count in order[:MOST_CUTS]:
        between = facts[min(count, known) : max(count, known)]
        if all(_may_differ(recorded, at) for _, recorded in between):
            yield facts[count - 1][0] if count else 0


def _may_differ(recorded: datetime, at: datetime) -> bool:
    return at - BEHIND <= recorded <= at + AHEAD

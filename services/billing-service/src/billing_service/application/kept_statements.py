"""Statements of long accounts, kept under a digest of everything that they rest on, so that the same facts are rated once.

What is closed is rated once in this way and stays so: a correction, an entry before the cutoff, a
decision or a document changes the bytes that the statement rests on, and with them the digest.
Nothing is ever told to be out of date, so nothing can be forgotten.

Where the facts are others, what was read and rated of the account before is gone on from: most
tickets of a long account are the same.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.account_parts import AccountParts
from billing_service.domain.invoice.rated import Cutoff, Rated, last_day

LONG_FACTS: Final = 2_000
"""Of an account with fewer facts nothing is kept: it is rated faster than a person notices."""
MOST_FACTS: Final = 40_000
"""Statements of so many facts are kept at most, some hundred megabytes; the one asked for last always is."""


class KeptStatements:
    """The statements asked for last; may be used by several threads."""

    def __init__(self, long_facts: int = LONG_FACTS, most_facts: int = MOST_FACTS) -> None:
        self._long_facts = long_facts
        self._most_facts = most_facts
        self._kept: OrderedDict[tuple[bytes, date], tuple[Rated, int]] = OrderedDict()
        self._parts: dict[str, AccountParts] = {}
        """Of the accounts with a kept statement, what the last one was made of."""
        self._lock = threading.Lock()

    def rated(
        self,
        row: AccountRow,
        lines: Sequence[bytes],
        published: Mapping[tuple[str, int], PublishedAgreement],
        moment: Cutoff,
        ledger: Ledger,
        *,
        now: Callable[[], datetime],
        rate: Callable[[AccountParts | None], Rated | None],
    ) -> Rated | None:
        """The statement that ``rate`` gives, which is asked only where it is not kept, with the parts of the account from
        which it goes on where they are worth keeping. Raises what ``rate`` raises.
        """
        if len(lines) < self._long_facts:
            return rate(None)
        digest = _digest(row, lines, published, moment, ledger)
        with self._lock:
            found = self._found(digest, moment, now)
        if found is not None:
            return found
        parts = AccountParts(self._parts.get(row.account))
        rated = rate(parts)
        if rated is not None:
            rated.to_invoice  # noqa: B018 - worked out here, in the caller's thread, and not when it is shown
            parts.settle()
            self._keep((digest, rated.statement.until), rated, len(lines), None if moment.at else parts)
        return rated

    def has(self, account: str) -> bool:
        """Whether a statement of the account is kept, so that somebody is likely to ask for the next."""
        with self._lock:
            return any(rated.row.account == account for rated, _ in self._kept.values())

    def _found(self, digest: bytes, moment: Cutoff, now: Callable[[], datetime]) -> Rated | None:
        """The statement kept under a digest that ends on the day that is asked for, named or not."""
        for key, (rated, _) in self._kept.items():
            if key == (digest, last_day(moment, rated.timezone, now)):
                self._kept.move_to_end(key)
                return rated
        return None

    def _keep(self, key: tuple[bytes, date], rated: Rated, facts: int, parts: AccountParts | None) -> None:
        with self._lock:
            if parts is not None:
                self._parts[rated.row.account] = parts
            self._kept[key] = rated, facts
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._most_facts:
                self._kept.popitem(last=False)
            left = {each.row.account for each, _ in self._kept.values()}
            self._parts = {account: each for account, each in self._parts.items() if account in left}


def _digest(
    row: AccountRow,
    lines: Sequence[bytes],
    published: Mapping[tuple[str, int], PublishedAgreement],
    moment: Cutoff,
    ledger: Ledger,
) -> bytes:
    """SHA-256 of everything but its last day that a statement rests on: an account's facts count in
    whatever order they are read.
    """
    terms = [(name, each.digest, each.publication, each.recorded_at) for name, each in sorted(published.items())]
    head = repr((row, moment.at, moment.known_at, terms)).encode()
    return hashlib.sha256(b"\n".join((head, ledger.digest, *sorted(lines)))).digest()

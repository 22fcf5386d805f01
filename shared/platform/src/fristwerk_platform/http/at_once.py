"""How many requests of a kind one caller may have open at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fristwerk_platform.auth import Principal
from fristwerk_platform.http.problems import Problem

RETRY_AFTER_SECONDS: Final = 5
MAX_LONG: Final = 4
"""Of the requests that read everything (reports, simulations, a log hashed again): they take from
seconds to minutes, and each takes its share of a processor from everybody else.
"""


class AtOnce:
    """The open requests of a kind, by caller: provider, role and subject of the token."""

    def __init__(self, most: int, kind: str) -> None:
        """``kind`` is what a caller has too many of, as the sentence of the 429 says it."""
        self._most = most
        self._kind = kind
        self._open: Counter[tuple[str, str, str]] = Counter()

    @contextmanager
    def one_more(self, principal: Principal) -> Iterator[None]:
        """Raises Problem 429 where the caller has as many as may be."""
        caller = (principal.provider, principal.role, principal.sub)
        if self._open[caller] >= self._most:
            raise Problem(
                429,
                f"{principal.sub} has {self._most} {self._kind} open already.",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]

"""Accounts that cannot be rated are found before somebody asks: whatever changed is rated in the
background, and what fails is parked with the reason.

It takes a small share of a processor: a round ends with the account at which it has taken long
enough, and after it follows a rest many times as long. What changed last comes first, so that a
mistake shows while whoever made it still remembers; once a day every account is tried, as a day
that begins can be one that no rate is known for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from billing_service.application.statements import Statements
from billing_service.domain.errors import Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.projections.unchecked_accounts import (
    AccountCheckWriter,
    Checked,
    CheckedShare,
    Numbers,
    UncheckedAccount,
)
from billing_service.queries.account_checks import AccountCheckQueries
from fristwerk_platform.pacing import Pace

AT_ONCE: Final = 10
ROUND_SECONDS: Final = 0.2
"""No further account is begun in a round that has taken so long."""
GATHERING_SECONDS: Final = 0.5
"""So long changes of one account gather: it is rated for all of them together."""
LONG_REST_SECONDS: Final = 60.0
PACE: Final = Pace(rests=30, least_rests=9, short=GATHERING_SECONDS, long=LONG_REST_SECONDS)
"""Three hundredths of a processor, and a tenth at most, however large an account is."""
RETRY_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 60.0
"""How often it is looked for the changes that another process applied, and for a new day."""
_log = structlog.get_logger()


class AccountChecks:
    """Rates what changed, and counts what cannot be rated."""

    def __init__(
        self,
        queries: AccountCheckQueries,
        writer: AccountCheckWriter,
        statements: Statements,
        changed: asyncio.Event,
        now: Callable[[], datetime],
        share: Callable[[], CheckedShare | None] = lambda: None,
    ) -> None:
        """``changed`` is set by the projections whenever they applied something. ``share``: the
        partitions whose accounts this process checks; None where it checks all.
        """
        self._queries = queries
        self._writer = writer
        self._statements = statements
        self._now = now
        self._changed = changed
        self._day: date | None = None
        self._share = share
        self._tried: Mapping[int, int] = {}

    async def count_parked(self) -> int:
        """How many accounts are parked."""
        return await self._queries.count_parked()

    async def run(self) -> None:
        """Check for ever; while the database does not answer, it is tried again."""
        while True:
            began = time.monotonic()
            try:
                checked = await self._round()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("accounts_not_checked", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if checked:
                await asyncio.sleep(PACE.rest_seconds(time.monotonic() - began))
            else:
                await self._wait()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._changed.wait()
            await asyncio.sleep(GATHERING_SECONDS)
        self._changed.clear()

    async def _round(self) -> int:
        """Check some accounts; returns how many."""
        today = self._now().date()
        share = self._share()
        epochs = {} if share is None else share.epochs
        numbers = None if share is None else list(epochs)
        taken = [each for each, epoch in epochs.items() if self._tried.get(each) != epoch]
        if self._day is None or taken:  # perhaps this program can rate what the last one could not
            await self._writer.mark_parked(self._now(), None if share is None else taken)
        if self._day is not None and self._day < today:
            await self._writer.mark_all(today.isoformat(), numbers)
        self._day, self._tried = today, {**self._tried, **epochs}
        found = await self._some_checked(numbers)
        if found:
            parked, released = await self._writer.store(found, self._now(), share)
            for each in parked:
                _log.error("account_parked", account=each.unchecked.account, code=each.code, because=each.error)
            for each in released:
                _log.info("account_no_longer_parked", account=each.unchecked.account)
        return len(found)

    async def _some_checked(self, numbers: Numbers) -> list[Checked]:
        """As many accounts as fit into a round, one at least if there is one."""
        ends_at, found = time.monotonic() + ROUND_SECONDS, []
        for each in await self._queries.unchecked(AT_ONCE, numbers):
            found.append(await self._checked(each))
            if time.monotonic() >= ends_at:
                break
        return found

    async def _checked(self, unchecked: UncheckedAccount) -> Checked:
        row = AccountRow(
            account=unchecked.account, provider=unchecked.provider, customer=unchecked.customer, kind=unchecked.kind
        )
        try:
            await self._statements.try_to_rate(row)
        except Refusal as refusal:
            return Checked(unchecked=unchecked, code=refusal.code, error=refusal.detail)
        except (SQLAlchemyError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the account is what is to be found
            because = f"{type(error).__name__}: {error}"
            return Checked(unchecked=unchecked, code="account-not-rateable", error=because)
        return Checked(unchecked=unchecked)

"""Next deadlines, as the SLA service derives them: followed there and kept in memory for lists.

Nothing is followed before a list is asked for the first time. What is kept is lost when the service
stops and read again then; it says of which position of the log it is, so that nobody takes an older
deadline for the present one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Final, Literal

import httpx
import msgspec
import structlog

from fristwerk_language.terms import Metric
from ticket_service.application.ordered import Ordered

SCOPES: Final = frozenset({"deadlines"})
"""What this service uses of the SLA service."""
PAGE: Final = 1_000
WAIT_SECONDS: Final = 20.0
PATIENCE_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 0.5
FIRST_SECONDS: Final = 1.0
"""So long the first list after a start waits for deadlines."""
KEPT_ENDED: Final = 100_000
"""Deadlines that are kept after their clocks have ended, those that changed last."""
_PAUSED: Final = 2 * 10**17
NO_DEADLINE: Final = 9 * 10**17
"""Keys of the order by deadline are microseconds of the epoch; those that pause come behind all that run."""
NEVER: Final = 2**62
"""Seconds of the epoch that no clock reaches."""
_log = structlog.get_logger()

DeadlineState = Literal["running", "paused", "met", "missed"]
DeadlineIs = Literal["current", "behind", "parked", "unknown"]


class ShownDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """A timer as a list shows it. ``due_at`` is None where worked minutes are counted that are not used up."""

    timer: str
    metric: Metric
    state: DeadlineState
    started_at: datetime
    due_at: datetime | None
    ended_at: datetime | None

    @property
    def until(self) -> int:
        """The last second of the epoch at which it is shown so, by the time alone."""
        return int(self.due_at.timestamp()) if self.state == "running" and self.due_at is not None else NEVER

    def at(self, now: datetime) -> ShownDeadline:
        """As it stands at an instant: one that runs is missed once its deadline has passed."""
        if self.state != "running" or self.due_at is None or self.due_at >= now:
            return self
        return msgspec.structs.replace(self, state="missed")


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh the deadlines of a list are: ``behind`` where the SLA service has not derived all yet
    that the rows show, ``unavailable`` while it does not answer. ``heard_at`` is when it last did.
    """

    state: Literal["current", "behind", "unavailable"]
    heard_at: datetime | None
    position: int | msgspec.UnsetType = msgspec.UNSET


class DerivedDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """What the SLA service derived last for a ticket; another object once it derives something else."""

    ticket: str
    provider: str
    position: int
    parked: bool
    next: ShownDeadline | None

    def at(self, now: datetime) -> ShownDeadline | None:
        """As it stands at an instant."""
        return None if self.next is None else self.next.at(now)


class _Cursor(msgspec.Struct, frozen=True, kw_only=True):
    position: int = 0
    after: str = ""


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    read_model: int
    items: list[DerivedDeadline]
    next: _Cursor


class Deadlines:
    """The next deadline of each ticket, as of ``position`` of this service's log."""

    def __init__(self, sla_service: httpx.AsyncClient, token: Callable[[], str], now: Callable[[], datetime]) -> None:
        self._sla_service = sla_service
        self._token = token
        self._now = now
        self._wanted = asyncio.Event()
        self._tried = asyncio.Event()
        self._heard_at: datetime | None = None
        self._failing = False
        self._start_over()

    async def run(self) -> None:
        """Follow the SLA service from the first list on until cancelled; what fails is tried again."""
        await self._wanted.wait()
        while True:
            try:
                whole = await self._step()
            except (httpx.HTTPError, msgspec.MsgspecError) as error:
                if not self._failing:
                    _log.warning("deadlines_not_followed", error=type(error).__name__)
                self._failing = True
                self._tried.set()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._failing, self._heard_at = False, self._now()
                if whole:
                    self._tried.set()

    async def asked_for(self) -> None:
        """A list is asked for: the first one after a start waits a moment for what it shows."""
        self._wanted.set()
        if not self._tried.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._tried.wait()

    def of(self, ticket: str, position: int, now: datetime) -> tuple[ShownDeadline | None, DeadlineIs]:
        """A ticket's next deadline, and whether it rests on all that was recorded of the ticket up to
        a position. A parked ticket has none that could be relied on.
        """
        found = self.last(ticket)
        standing = self.standing(found, position)
        return (None if found is None or standing == "parked" else found.at(now)), standing

    def last(self, ticket: str) -> DerivedDeadline | None:
        """What was derived last for a ticket, as far as it is kept."""
        return self._waiting.get(ticket) or self._ended.get(ticket)

    def standing(self, found: DerivedDeadline | None, position: int) -> DeadlineIs:
        """Whether what was derived last rests on all that was recorded of its ticket up to a position."""
        if found is not None and found.parked:
            return "parked"
        if position > self._cursor.position:
            return "behind"
        return "unknown" if found is None else "current"

    def order(self, provider: str) -> Ordered[int]:
        """The provider's tickets whose next deadline is known, the earliest first."""
        return self._orders.get(provider) or Ordered()

    @property
    def position(self) -> int:
        """As of which position of this service's log they are."""
        return self._cursor.position

    def freshness(self, position: int) -> Freshness:
        """How fresh they are for rows as of a position."""
        known = self._cursor.position
        state: Literal["current", "behind", "unavailable"] = "current" if known >= position else "behind"
        if self._failing or self._heard_at is None:
            state = "unavailable"
        return Freshness(state=state, heard_at=self._heard_at, position=known)

    def _start_over(self) -> None:
        self._cursor = _Cursor()
        self._read_model: int | None = None
        self._waiting: dict[str, DerivedDeadline] = {}
        self._ended: OrderedDict[str, DerivedDeadline] = OrderedDict()
        self._orders: dict[str, Ordered[int]] = {}

    async def _step(self) -> bool:
        """Read what has changed next; returns whether that was all."""
        answer = await self._sla_service.get(
            "/v1/deadlines",
            params={
                "position": self._cursor.position,
                "limit": PAGE,
                "wait": WAIT_SECONDS if self._tried.is_set() and not self._failing else 0,
            }
            | ({"after": self._cursor.after} if self._cursor.after else {}),
            headers={"Authorization": f"Bearer {self._token()}"},
            timeout=httpx.Timeout(PATIENCE_SECONDS, read=WAIT_SECONDS + PATIENCE_SECONDS),
        )
        if answer.status_code != HTTPStatus.OK:
            raise httpx.HTTPStatusError("no page", request=answer.request, response=answer)
        page = msgspec.json.decode(answer.content, type=_Page)
        if self._read_model not in (None, page.read_model) or page.position < self._cursor.position:
            self._start_over()  # it was rebuilt, or goes back to an older state: what was read may not hold
            return False
        self._read_model = page.read_model
        for each in page.items:
            self._keep(each)
        self._cursor = page.next
        return len(page.items) < PAGE

    def _keep(self, changed: DerivedDeadline) -> None:
        self._waiting.pop(changed.ticket, None)
        self._ended.pop(changed.ticket, None)
        key = _key(changed.next)
        order = self._orders.setdefault(changed.provider, Ordered())
        order.place({} if key is None else {changed.ticket: key}, [changed.ticket])
        if changed.next is not None and changed.next.ended_at is None:
            self._waiting[changed.ticket] = changed
            return
        self._ended[changed.ticket] = changed
        if len(self._ended) > KEPT_ENDED:
            self._ended.popitem(last=False)


def _key(deadline: ShownDeadline | None) -> int | None:
    if deadline is None or deadline.ended_at is not None or deadline.due_at is None:
        return None
    return (_PAUSED if deadline.state == "paused" else 0) + int(deadline.due_at.timestamp()) * 1_000_000

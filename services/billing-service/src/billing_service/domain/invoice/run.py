"""An invoice run: the accounts it covers, and the result of each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

RunItemOutcome = Literal["issued", "skipped", "failed"]


class NewInvoiceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as requested. ``request_digest`` tells a different request with the same key apart."""

    run: str
    provider: str
    until: date
    occurred_at: datetime
    started_at: datetime
    actor: str
    role: str
    correlation_id: str
    request_digest: str


class RunItem(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was dealt with: the number issued, or the stable code and sentence of why
    there is none.
    """

    account: str
    outcome: RunItemOutcome
    number: int | None = None
    code: str | None = None
    detail: str | None = None


class InvoiceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its progress: ``items`` are the accounts dealt with so far, in order."""

    begun: NewInvoiceRun
    ended_at: datetime | None
    total: int
    items: tuple[RunItem, ...]

"""What the operations answer, as types that describe it for OpenAPI; no answer passes through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fristwerk_language.events import BILLING
from fristwerk_language.events.described import described_events
from fristwerk_language.examples import fed_line
from fristwerk_platform.http.feed_routes import FeedLines

if TYPE_CHECKING:
    Event = Any  # a type that is made when the service starts
else:
    Event = described_events(BILLING.values())
    """One event of this service's log."""
LINES: Final = FeedLines(fed_line("InvoicePaid"), Event)

"""Pages of the next deadlines that have changed, for a reader that waits for more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fristwerk_platform.read_models import Database
from fristwerk_platform.unless_ended import EndedError, unless_ended
from sla_service.notices.change_signal import ChangeSignal
from sla_service.queries.next_deadlines import DeadlineCursor, DeadlinePage, read_changed

POLL_SECONDS: Final = 1.0
"""How often a waiting reader looks without being woken: another process may have derived something."""


class NextDeadlines:
    """Reads what has changed; a reader who has all of it waits for ``signal``.

    ``version`` gives the number of the read model in use, ``stopped`` returns when the service ends.
    """

    def __init__(
        self,
        database: Database,
        signal: ChangeSignal,
        version: Callable[[], int],
        stopped: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._database = database
        self._signal = signal
        self._version = version
        self._stopped = stopped

    async def page(self, provider: str | None, cursor: DeadlineCursor, limit: int, wait_seconds: float) -> DeadlinePage:
        """The next changes of a provider's tickets, or of everybody's (None). Where the log has not
        been followed beyond the cursor, it waits up to ``wait_seconds`` for that.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wait_seconds
        while True:
            seen = self._signal.count
            page = await read_changed(self._database, self._version(), provider, cursor, limit)
            left = ends_at - loop.time()
            if page.position != cursor.position or len(page.items) == limit or left <= 0:
                return page
            try:
                await unless_ended(self._signal.wait_after(seen, min(left, POLL_SECONDS)), self._stopped())
            except EndedError:
                return page

"""Forgets again, before the first request, whom a restored backup has brought back: whoever is on
the list and has a key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata
from ticket_service.application.customers import Customers
from ticket_service.personal_data import PersonalData

ACTOR: Final = "restore"
_log = structlog.get_logger()


class ForgettingAgain:
    """A part of the start."""

    def __init__(
        self,
        personal: PersonalData,
        customers: Customers,
        now: Callable[[], datetime],
        new_id: Callable[[datetime], str],
    ) -> None:
        self._personal = personal
        self._customers = customers
        self._now = now
        self._new_id = new_id

    async def run(self) -> None:
        """Record the forgetting where the log does not know of it, and delete the key.

        Raises OSError for a list that cannot be read.
        """
        back = sorted(await self._personal.brought_back())
        for subject in back:
            await self._customers.forget_again(subject, self._metadata)
        if back:
            _log.warning("forgotten_again", subjects=len(back), sentence="A restored backup had brought them back.")

    def _metadata(self, provider: str) -> CommandMetadata:
        now = self._now()
        return CommandMetadata(
            principal=Principal(sub=ACTOR, role="service", provider=provider),
            now=now,
            occurred_at=now.replace(microsecond=0),
            occurred_at_given=False,
            correlation_id=self._new_id(now),
        )

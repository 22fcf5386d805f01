"""The whole application as its routes see it: one place for every command and every question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from billing_service.application.decisions import Decisions
from billing_service.application.statements import Statements
from billing_service.read_model import ReadModel
from shared.event_log import EventLog
from shared.feed import Follower
from shared.problems import Problem

CATCH_UP_SECONDS: Final = 5.0


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Everything wired (see ``app``)."""

    now: Callable[[], datetime]
    log: EventLog
    read_model: ReadModel
    own: Follower
    statements: Statements
    decisions: Decisions

    async def current(self) -> ReadModel:
        """The read model, once it reflects every decision already answered. Raises Problem 503 if that takes too long."""
        if not await self.own.reached(await self.log.last_position(), CATCH_UP_SECONDS):
            raise Problem(503, "The read model is behind the log at the moment.", headers={"Retry-After": "1"})
        return self.read_model

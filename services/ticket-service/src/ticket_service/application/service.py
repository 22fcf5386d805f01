"""The whole application as its routes see it: one place for every command and every question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from shared.event_log import EventLog
from shared.feed import Follower
from shared.problems import Problem
from ticket_service.application.calls import Calls
from ticket_service.application.customers import Customers
from ticket_service.application.recording import Recording
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.application.worklist import Worklist
from ticket_service.personal_data import PersonalData
from ticket_service.read_model import ReadModel

CATCH_UP_SECONDS: Final = 5.0


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Everything wired (see ``app``)."""

    now: Callable[[], datetime]
    log: EventLog
    recording: Recording
    personal_data: PersonalData
    read_model: ReadModel
    follower: Follower
    terms: Terms
    customers: Customers
    tickets: Tickets
    calls: Calls
    worklist: Worklist

    async def current(self) -> ReadModel:
        """The read model, once it reflects every command already answered. Raises Problem 503 if that takes too long."""
        if not await self.follower.reached(await self.log.last_position(), CATCH_UP_SECONDS):
            raise Problem(503, "The read model is behind the log at the moment.", headers={"Retry-After": "1"})
        return self.read_model

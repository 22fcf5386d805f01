"""What the SLA service keeps: each ticket's history as recorded, the terms it rests on, the timers derived from both."""

from __future__ import annotations

from sla_service.read_model.queries import ReadModel, StoredTicket, TimerQuery
from sla_service.read_model.tables import following, metadata

__all__ = ["ReadModel", "StoredTicket", "TimerQuery", "following", "metadata"]

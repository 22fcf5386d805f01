"""What the SLA service keeps: each ticket's history as recorded, the terms it rests on, the timers derived from both."""

from __future__ import annotations

from sla_service.read_model.answers import KeptAnswers
from sla_service.read_model.queries import ListedTimer, ReadModel, Received, StoredTicket, TimerQuery
from sla_service.read_model.shelf import TermsShelf
from sla_service.read_model.tables import following, metadata

__all__ = [
    "KeptAnswers",
    "ListedTimer",
    "ReadModel",
    "Received",
    "StoredTicket",
    "TermsShelf",
    "TimerQuery",
    "following",
    "metadata",
]

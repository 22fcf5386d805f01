"""What all commands to a ticket share, and the records of what a customer said."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec


class TicketCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command to a ticket that exists."""

    word: ClassVar[str] = ""


class AgreementRecord(msgspec.Struct, frozen=True, kw_only=True):
    """With whom at the customer, by which channel and when something was agreed."""

    contact: str
    channel: str
    at: datetime


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Staff enters a customer's decision: who gave it, by which channel and when."""

    contact: str
    channel: str
    at: datetime

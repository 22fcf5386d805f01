"""The invented customers, tickets and people that the examples are about, and how an example is told."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec

from fristwerk_language.events.encoding import new_event_id
from fristwerk_language.events.envelope import Actor
from fristwerk_language.events.event_types import Event


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One example: the event, where it stands, when it happened, and whether it has a sealed personal part.

    ``entered_at`` is when the log took it, where that was later than it happened.
    """

    event: Event
    provider: str
    stream: str
    version: int
    at: datetime
    actor: Actor
    personal: bool = False
    entered_at: datetime | None = None


def instant(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of the year 2026 in UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def identity(name: str, at: datetime) -> str:
    """The UUIDv7 of a thing of the examples, always the same."""
    return new_event_id(at, hashlib.sha256(name.encode()).digest())


NEW_YEAR = instant(1, 1, 8)
MUSTER = identity("customer Muster Treuhand AG", NEW_YEAR)
MUSTER_CONTRACT = identity("contract of Muster Treuhand AG", NEW_YEAR)
MUSTER_PACKAGE = identity("package of Muster Treuhand AG", instant(6, 30, 7))
HANSA = identity("customer Hansa Druck GmbH", NEW_YEAR)
HANSA_DEVICE = identity("device SN-4711", NEW_YEAR)
GROSS_CONTRACT = identity("contract of Gross & Gut SE", instant(6, 1, 8))

PAYROLL = identity("ticket Lohnlauf bricht ab", instant(6, 3, 14, 30))
YEAR_END = identity("ticket Jahresabschluss begleiten", instant(6, 10, 7))
PRINTER = identity("ticket Gerät druckt nicht", instant(5, 13, 13, 50))
SECOND_PRINTER = identity("ticket Gerät druckt immer noch nicht", instant(5, 13, 14, 20))
TONER = identity("ticket Toner bestellen", instant(5, 13, 13, 50))
OFFLINE = identity("ticket Shop offline", instant(6, 26, 14))
QUESTION = identity("ticket Stillstand", instant(6, 19, 7))
CALL = identity("call about the printer", instant(5, 13, 13, 50))
VOICEMAIL = identity("call that reached nobody", instant(6, 19, 7, 5))
KEPT_CALL = identity("call without a ticket", instant(6, 19, 7, 15))
WRONG_NUMBER = identity("call for somebody else", instant(6, 19, 7, 20))
ENTRY = identity("time entry on the payroll run", instant(6, 5, 7, 50))
SECOND_ENTRY = identity("time entry on the second report of the printer", instant(5, 13, 14, 40))
SESSION_ENTRY = identity("time entry of the remote session", instant(6, 29, 9))
TIMER = f"{PAYROLL}:first_response"
CHARGE = identity("charge for the cancelled appointment", instant(6, 24, 8))

ADMIN = Actor(id="admin-1", role="admin")
AGENT = Actor(id="agent-3", role="agent")
SPECIALIST = Actor(id="specialist-2", role="specialist")
MANAGER = Actor(id="manager-1", role="manager")
CUSTOMER = Actor(id="portal-muster", role="customer")
CLERK = Actor(id="clerk-1", role="billing")
SLA_SERVICE = Actor(id="sla-service", role="service")

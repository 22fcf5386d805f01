"""What is imported of a ticket: the form of a line of NDJSON, and what every mapping ends in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

PastInstant = Annotated[datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PastMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the customer or the vendor wrote or said at ``at``; ``id`` is the old system's, unique in its ticket."""

    id: Id
    at: PastInstant
    sender: Literal["customer", "vendor"]
    text: str
    channel: str | None = None


class PastTimeEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work of ``minutes`` from ``start`` on."""

    id: Id
    start: PastInstant
    minutes: Annotated[int, msgspec.Meta(ge=1)]
    activity: str
    agent: str
    note: str = ""


class PastTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ticket with what happened to it. ``customer`` is a customer's id here, or a name; ``channel`` also holds for its
    messages that name none.
    """

    id: Id
    customer: Id
    received_at: PastInstant
    channel: str = "email"
    type: str = "normal"
    subject: str = ""
    description: str = ""
    severity: str | None = None
    contract: str | None = None
    messages: tuple[PastMessage, ...] = ()
    time_entries: tuple[PastTimeEntry, ...] = ()
    resolved_at: PastInstant | None = None
    resolution: str = ""


class FactCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that records one fact: ``name`` says which of the ticket's, ``path`` follows the ticket's."""

    name: str
    kind: Literal["message", "response", "time entry", "resolution"]
    at: datetime
    path: str
    body: dict[str, Any]


def opening(ticket: PastTicket, customer: str, system: str) -> dict[str, Any]:
    """The body of the command that opens the ticket for the customer of that id."""
    body = {
        "customer": customer,
        "received_at": ticket.received_at,
        "channel": ticket.channel,
        "type": ticket.type,
        "subject": ticket.subject,
        "description": ticket.description,
        "source": {"system": system, "id": ticket.id},
    }
    named = {"severity": ticket.severity, "contract": ticket.contract}
    return body | {name: value for name, value in named.items() if value is not None}


def commands(ticket: PastTicket, system: str) -> list[FactCommand]:
    """What happened to the ticket after it was opened, in the order of time."""
    return sorted(_commands(ticket, system), key=lambda each: each.at)


def _commands(ticket: PastTicket, system: str) -> Iterator[FactCommand]:
    for each in ticket.messages:
        said = {"channel": each.channel or ticket.channel, "text": each.text, "occurred_at": each.at}
        name = f"message {each.id}"
        if each.sender == "customer":
            body = said | {"source": {"system": system, "id": f"{ticket.id}/{each.id}"}}
            yield FactCommand(name=name, kind="message", at=each.at, path="messages", body=body)
        else:
            yield FactCommand(name=name, kind="response", at=each.at, path="responses", body=said)
    for entry in ticket.time_entries:
        ended_at = entry.start + timedelta(minutes=entry.minutes)
        body = {
            "start": entry.start,
            "minutes": entry.minutes,
            "activity": entry.activity,
            "agent": entry.agent,
            "note": entry.note,
            "occurred_at": ended_at,
        }
        yield FactCommand(name=f"time entry {entry.id}", kind="time entry", at=ended_at, path="time-entries", body=body)
    if ticket.resolved_at is not None:
        body = {"text": ticket.resolution or "–", "occurred_at": ticket.resolved_at}
        yield FactCommand(name="resolution", kind="resolution", at=ticket.resolved_at, path="resolution", body=body)

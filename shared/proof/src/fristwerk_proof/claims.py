"""What a bundle claims: whose timers, charges and invoices it shows, and what of an answer it keeps."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

_SEALED: Final = frozenset({"reason", "name", "address", "vat_id"})
"""What services open for who may read it, and what no bundle holds."""
_KINDS: Final = {"AgreementPublished": "agreement", "CalendarPublished": "calendar"}
_NEEDED: Final = (b'"TicketCreated"', b'"CustomerRegistered"', b'"AgreementPublished"', b'"CalendarPublished"')


class ServiceAnswer(NamedTuple):
    """What a service answered; ``headers`` by their names in lower case."""

    status: int
    content: bytes
    headers: dict[str, str]


class Subjects(NamedTuple):
    """Of whom services are asked: ids in the order in which they were recorded, and the terms that were published."""

    tickets: list[str]
    customers: list[str]
    terms: list[tuple[str, str, int, Any]]


def subjects_in(events: Path, known_at: str) -> Subjects:
    """The subjects that the stored lines in a file name, as far as they were recorded by an instant."""
    found = Subjects([], [], [])
    known = datetime.fromisoformat(known_at)
    with events.open("rb") as lines:
        for line in lines:
            if not any(each in line for each in _NEEDED):
                continue
            event = json.loads(line)
            kind, data = event["type"], event["data"]
            subject = event["stream"].partition("-")[2]
            if kind in _KINDS:
                found.terms.append((_KINDS[kind], data["name"], data["version"], data["document"]))
            elif datetime.fromisoformat(event["recorded_at"]) > known:
                continue
            elif kind == "TicketCreated":
                found.tickets.append(subject)
            elif kind == "CustomerRegistered":
                found.customers.append(subject)
    return found


def shown(answer: ServiceAnswer) -> dict[str, Any]:
    """What is kept of an answer: what it shows without what is sealed in the logs, or why it shows nothing."""
    body = json.loads(answer.content)
    if answer.status != HTTPStatus.OK:
        return {"refused": body.get("type"), "detail": body.get("detail")}
    return {"shown": _kept(body)}


def stored_line(served: bytes) -> bytes:
    """A line as it is stored: without the position that a feed puts in front."""
    before, comma, rest = served.partition(b",")
    return b"{" + rest if before.startswith(b'{"position":') and comma else served


def _kept(value: Any, within: str = "") -> Any:
    if isinstance(value, dict):
        return {
            key: _kept(each, key)
            for key, each in value.items()
            if not (key in _SEALED and within in {"invoice", "basis", "buyer"})
        }
    if isinstance(value, list):
        return [_kept(each, within) for each in value]
    return value

"""What users do: requests that open tickets, answer, log time and read, each with what is bare about it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from measuring.services import Name, Services

ANSWER = {"channel": "email", "text": "Wir schauen es uns an und melden uns heute noch bei Ihnen."}
PREPARED = 4_000
"""Different requests of a kind that are made ready; more than are sent in a round."""
CLERKS = 64
"""Who ask for previews, of which one may have four open at once."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that users do: its requests to which services, and what is bare about it."""

    what: str
    names: Sequence[Name]
    requests: Sequence[bytes]
    bare: Sequence[bytes]
    writes: bool = False
    ratios: Mapping[int, float] = {}
    """The ratio to the bare application to reach, by clients."""
    milliseconds: Mapping[int, float] = {}
    """The processors' time a request to reach, by clients."""


def kinds(running: Services, tickets: Sequence[str]) -> list[Kind]:
    """All that is measured."""
    chosen = random.Random(1)  # noqa: S311 - which tickets are asked for, not a secret
    shuffled = chosen.sample(list(tickets), len(tickets))
    return [*writing(running, shuffled), *reading(running, shuffled)]


def writing(running: Services, tickets: Sequence[str]) -> list[Kind]:
    """What users record, beside one row that is inserted."""
    now = datetime.now(UTC).replace(microsecond=0)
    insert = [running.request("POST", "/answers", ANSWER, None)]
    work = {"start": (now - timedelta(hours=2)).isoformat(), "minutes": 15, "activity": "help", "agent": "agent"}
    answers = [running.request("POST", f"/v1/tickets/{each}/responses", ANSWER) for each in tickets]
    entries = [running.request("POST", f"/v1/tickets/{each}/time-entries", work) for each in tickets]
    asked = {1: 0.4, 8: 0.6, 64: 0.9}
    return [
        Kind(
            what="open a ticket",
            names=["ticket"],
            requests=[running.request("POST", "/v1/tickets", opening(running, each, now)) for each in range(PREPARED)],
            bare=insert,
            writes=True,
            ratios={1: 0.35, 8: 0.5, 64: 0.6},
            milliseconds={1: 3, 8: 1.5},
        ),
        Kind(
            what="answer",
            names=["ticket"],
            requests=answers,
            bare=insert,
            writes=True,
            ratios=asked,
            milliseconds={1: 2, 8: 1},
        ),
        Kind(what="log time", names=["ticket"], requests=entries, bare=insert, writes=True, ratios=asked),
    ]


def opening(running: Services, number: int, now: datetime) -> dict[str, str]:
    """The body that opens one more ticket."""
    return {
        "customer": running.customers[number % len(running.customers)],
        "received_at": (now - timedelta(seconds=number % 600)).isoformat(),
        "channel": "email",
        "subject": f"Anliegen {number}",
        "description": "Es geht nicht.",
        "severity": "hoch",
    }


def reading(running: Services, tickets: Sequence[str]) -> list[Kind]:
    """What users look at."""
    parts = ("", "/events", "/timers")
    clerks = [f"Bearer {running.token(subject=f'agent-{number}')}" for number in range(CLERKS)]
    return [
        Kind(
            what="read a ticket, its history and timers",
            names=["ticket", "ticket", "sla"],
            requests=[running.request("GET", f"/v1/tickets/{each}{part}") for each in tickets for part in parts],
            bare=[running.request("GET", f"/tickets/{number}/whole", role=None) for number in range(1, 5_001)],
            ratios={1: 0.4, 8: 0.4},
        ),
        Kind(
            what=f"worklist, 50 of {len(tickets):,}",
            names=["ticket"],
            requests=[running.request("GET", "/v1/worklist?limit=50")],
            bare=[running.request("GET", "/tickets", role=None)],
        ),
        Kind(
            what="preview of a customer",
            names=["billing"],
            requests=[
                running.request("GET", f"/v1/customers/{each}/preview", Authorization=clerks[number % CLERKS])
                for number, each in enumerate(running.customers)
            ],
            bare=[],
        ),
    ]

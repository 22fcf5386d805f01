"""A year of five providers, drawn by a seeded generator that knows their terms, and written into the log as it was recorded.

Tickets are answered in time and late, wait for customers, change their severity, are worked on, corrected, resolved, reopened and
closed; work lies in and outside of packages.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Any, Final

from fristwerk_language.events import Event, customers, new_event_id, terms, tickets, type_name
from fristwerk_language.terms import (
    AgreementDocument,
    agreement_document,
    calendar_document,
    canonical,
    digest,
    read_yaml,
)
from fristwerk_platform.event_log import NewEvent, open_log
from fristwerk_platform.settings import Settings
from tests.stored_line import stored_line
from ticket_service.holidays import materialise

TERMS: Final = Path(__file__).parents[2] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
CALENDARS: Final = {
    "digidesk": ("digidesk",),
    "fluxpunkt": ("fluxpunkt",),
    "hamburg": ("hamburg", "woking"),
    "infoniqa": ("infoniqa",),
    "liveagent": ("always", "liveagent-office"),
}
CONTRACTS: Final[dict[str, dict[str, Any]]] = {
    "digidesk": {"plan": "standard"},
    "fluxpunkt": {"plan": "service_and_maintenance", "group": "contract"},
    "hamburg": {"plan": "maintenance", "site": "hamburg"},
    "infoniqa": {"plan": "m", "package_hours": 4},
    "liveagent": {"plan": "all_inclusive"},
}
PROVIDERS: Final = tuple(CALENDARS)
BEGINNING: Final = datetime(2026, 1, 5, 7, tzinfo=UTC)
DAYS: Final = 300
EVENTS_OF_A_TICKET: Final = 10
TICKETS_OF_A_CONTRACT: Final = 25
BATCH: Final = 1_000
Dated = tuple[datetime, int, NewEvent]


class Year:
    """One provider's events, in the order of their instants."""

    def __init__(self, provider: str, seed: int) -> None:
        self._provider = provider
        self._random = random.Random(f"{provider} {seed}")  # noqa: S311 - the same year each time
        self._number = 0
        self._versions: dict[str, int] = {}
        self._agreement = agreement_document(read_yaml((TERMS / f"agreements/{provider}.yaml").read_bytes()))
        self._calendar = self._agreement.calendar or CALENDARS[provider][0]

    def events(self, number: int) -> list[Dated]:
        """About so many events."""
        found = [*self._terms()]
        for ticket in range(number // EVENTS_OF_A_TICKET):
            contract, rest = divmod(ticket, TICKETS_OF_A_CONTRACT)
            name = f"{self._provider}-k{contract}"
            if rest == 0:
                found += self._contract(name)
            begins = BEGINNING + timedelta(seconds=self._random.randrange(DAYS * 86_400))
            found += self._ticket(f"{self._provider}-t{ticket}", name, begins)
        return sorted(found, key=lambda each: each[:2])

    def _told(self, stream: str, event: Event, at: datetime) -> Dated:
        at = at.replace(microsecond=0)
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        self._number += 1
        line = stored_line(
            event,
            stream,
            version,
            at,
            event_id=new_event_id(at, f"{self._provider[:3]}{self._number:07}".encode()),
            provider=self._provider,
        )
        return at, self._number, NewEvent(stream=stream, version=version, type=type_name(event), line=line)

    def _terms(self) -> Iterator[Dated]:
        for name in CALENDARS[self._provider]:
            document = calendar_document(read_yaml((TERMS / f"calendars/{name}.yaml").read_bytes()))
            yield self._told(f"calendar-{self._provider}.{name}", materialise(document, 1), BEGINNING)
        agreement = canonical(self._agreement)
        published = terms.AgreementPublished(
            name=self._provider, version=1, document=agreement, digest=digest(agreement)
        )
        yield self._told(f"agreement-{self._provider}.{self._provider}", published, BEGINNING)

    def _contract(self, name: str) -> Iterator[Dated]:
        company = customers.CustomerRegistered(
            customer=f"c{name}", kind="company", country="DE", language="de", name=f"Firma {name}"
        )
        yield self._told(f"customer-c{name}", company, BEGINNING)
        signed = customers.ContractSigned(
            contract=name,
            customer=f"c{name}",
            agreement=self._provider,
            agreement_version=1,
            from_on=date(2026, 1, 1),
            **CONTRACTS[self._provider],
        )
        yield self._told(f"contract-{name}", signed, BEGINNING)

    def _ticket(self, name: str, contract: str, at: datetime) -> Iterator[Dated]:
        """From its receipt to its end, with what lies between drawn."""
        drawn, stream = self._random, f"ticket-{name}"
        chosen = CONTRACTS[self._provider]
        created = tickets.TicketCreated(
            reference=name.upper(),
            customer=f"c{contract}",
            contract=contract,
            agreement=self._provider,
            agreement_version=1,
            calendar=self._calendar,
            calendar_version=1,
            type="normal",
            channel="email",
            received_at=at,
            entitled=True,
            entitled_by="contract",
            entitled_why=f"contract {contract} is in force",
            plan=chosen.get("plan"),
            group=chosen.get("group"),
            site=chosen.get("site"),
        )
        yield self._told(stream, created, at)
        yield self._told(stream, tickets.SeveritySet(severity=self._severity()), at)
        for event in self._facts(name):
            at += timedelta(minutes=drawn.choice((5, 20, 60, 180, 700, 2_000)))
            if isinstance(event, tickets.TimeLogged):
                start = at - timedelta(minutes=event.minutes)
                yield self._told(stream, tickets.TimeLogged(**{**_fields(event), "start": start}), at)
            else:
                yield self._told(stream, event, at)

    def _facts(self, name: str) -> Iterator[Event]:
        drawn = self._random
        yield tickets.Responded(channel="email")
        if drawn.random() < 0.3:
            yield tickets.InformationRequested()
            yield tickets.InformationReceived()
        for entry in range(drawn.randrange(1, 5)):
            yield self._work(f"{name}-{entry}")
            if drawn.random() < 0.1:
                yield tickets.TimeLogCorrected(entry=f"{name}-{entry}", minutes=drawn.randrange(5, 60))
        if drawn.random() < 0.2:
            yield tickets.SeveritySet(severity=self._severity())
        yield tickets.CustomerMessageReceived(channel="email")
        yield tickets.Responded(channel="email")
        yield tickets.Resolved()
        if drawn.random() < 0.1:
            yield tickets.Reopened()
            yield self._work(f"{name}-again")
            yield tickets.Resolved()
        yield tickets.Closed()

    def _work(self, entry: str) -> Event:
        return tickets.TimeLogged(
            entry=entry, start=BEGINNING, minutes=self._random.randrange(5, 120), activity="help", agent="agent-1"
        )

    def _severity(self) -> str:
        document: AgreementDocument = self._agreement
        return self._random.choice(document.severities).id


def _fields(event: tickets.TimeLogged) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


async def fill(settings: Settings, number: int, seed: int) -> int:
    """Write about so many events of five providers into the log that the services will find; how many there are."""
    log = open_log(settings, "tickets-log")
    part: list[NewEvent] = []
    written = 0
    years = [Year(provider, seed).events(number // len(PROVIDERS)) for provider in PROVIDERS]
    for _, _, event in merge(*years, key=lambda each: each[0]):
        part.append(event)
        if len(part) == BATCH:
            await log.append(part)
            written, part = written + len(part), []
    if part:
        await log.append(part)
    await log.close()
    return written + len(part)

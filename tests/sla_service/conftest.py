"""What the tests of the SLA service's domain build on: the shipped terms, published, and ticket stories told as events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import Actor, Envelope, Event, Recorded, tickets, type_name
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.roles import Role
from fristwerk_language.terms import agreement_document, calendar_document, canonical, digest, read_yaml, zone
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import Timer, TimerSet
from ticket_service.holidays import materialise

SHIPPED = Path(__file__).parents[2] / "deploy/local/src/fristwerk_local/terms"
ZONES = {
    "test": "Europe/Berlin",
    "infoniqa": "Europe/Zurich",
    "fluxpunkt": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "digidesk": "Europe/Berlin",
    "liveagent": "Europe/Berlin",
}

Published = Mapping[str, AgreementPublished | CalendarPublished]
"""The shipped terms as events, by ``calendars/NAME`` and ``agreements/NAME``."""


def publish_agreement(document: dict[str, Any], version: int = 1) -> AgreementPublished:
    canonical_document = canonical(agreement_document(document))
    return AgreementPublished(
        name=canonical_document["agreement"],
        version=version,
        document=canonical_document,
        digest=digest(canonical_document),
    )


def publish_calendar(document: dict[str, Any], version: int = 1) -> CalendarPublished:
    return materialise(calendar_document(document), version)


@pytest.fixture(scope="session")
def shipped() -> dict[str, dict[str, Any]]:
    """The shipped documents as plain data, by ``calendars/NAME`` and ``agreements/NAME``."""
    files = sorted(SHIPPED.glob("*/*.yaml"))
    return {f"{path.parent.name}/{path.stem}": read_yaml(path.read_bytes()) for path in files}


@pytest.fixture(scope="session")
def published(shipped: dict[str, dict[str, Any]]) -> Published:
    return {
        name: publish_calendar(document) if name.startswith("calendars/") else publish_agreement(document)
        for name, document in shipped.items()
    }


@pytest.fixture
def terms(published: Published) -> PublishedTerms:
    """The shipped terms, each as version 1; a test may publish more."""
    return PublishedTerms(published.values())


@pytest.fixture(scope="session")
def calendars(published: Published) -> Callable[[str], Calendar]:
    """A shipped calendar by name."""
    known = {
        event.name: Calendar.published(event) for event in published.values() if isinstance(event, CalendarPublished)
    }
    return known.__getitem__


class Story:
    """A ticket's events as the ticket service would record them; local times are those of the agreement's zone."""

    def __init__(self, terms: PublishedTerms, agreement: str, received_at: str, **created: object) -> None:
        self.terms = terms
        self.zone = zone(ZONES.get(agreement, "UTC"))
        self.ticket = "t-1"
        self.recorded: list[Recorded] = []
        fields: dict[str, Any] = {
            "reference": "TST-0000-0001",
            "customer": "c-1",
            "contract": "k-1",
            "agreement": agreement,
            "agreement_version": 1,
            "calendar": agreement,
            "calendar_version": 1,
            "type": "normal",
            "channel": "email",
            "entitled": True,
            "entitled_by": "contract",
            "entitled_why": "The contract is in force.",
            "received_at": self.instant(received_at),
        }
        self.at(received_at, tickets.TicketCreated(**(fields | created)))

    def instant(self, text: str) -> datetime:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    def at(self, moment: str, event: Event, role: Role = "agent") -> Story:
        """``event`` happened at a local time; it is recorded after everything told so far."""
        version = len(self.recorded) + 1
        occurred_at = self.instant(moment)
        envelope = Envelope(
            position=version,
            id=f"e-{version}",
            type=type_name(event),
            schema=1,
            provider="p",
            stream=f"ticket-{self.ticket}",
            version=version,
            occurred_at=occurred_at,
            recorded_at=occurred_at + timedelta(seconds=1),
            actor=Actor(id=f"{role}-1", role=role),
            correlation_id=None,
            causation_id=None,
            data=msgspec.Raw(b"{}"),
            personal=None,
        )
        self.recorded.append(Recorded(envelope=envelope, event=event))
        return self

    def work(
        self, start: str, minutes: int, activity: str = "help", logged_at: str | None = None, **entered: Any
    ) -> Story:
        """A time entry, logged when its work ended unless said otherwise."""
        begin = self.instant(start)
        moment = logged_at or (begin + timedelta(minutes=minutes)).isoformat()
        entry = f"w-{len(self.recorded)}"
        logged = tickets.TimeLogged(
            entry=entry, start=begin, minutes=minutes, activity=activity, agent="agent-1", **entered
        )
        return self.at(moment, logged)

    def answer(self, moment: str) -> Story:
        return self.at(moment, tickets.Responded(channel="email"))

    def severity(self, moment: str, severity: str) -> Story:
        return self.at(moment, tickets.SeveritySet(severity=severity))

    def measured(self) -> TimerSet:
        return derive_timers(read_timeline(self.recorded), self.terms)

    def timers(self, metric: str) -> list[Timer]:
        return [timer for timer in self.measured().timers if timer.metric == metric]

    def timer(self, metric: str) -> Timer:
        (timer,) = self.timers(metric)
        return timer

    def absent(self) -> dict[str, str]:
        return {each.metric: each.reason for each in self.measured().absent}


OpenStory = Callable[..., Story]


@pytest.fixture
def story(terms: PublishedTerms) -> OpenStory:
    """``story(agreement, received_at, **fields of TicketCreated)`` opens a ticket."""

    def opened(agreement: str, received_at: str, **created: object) -> Story:
        return Story(terms, agreement, received_at, **created)

    return opened


@pytest.fixture
def agreed(terms: PublishedTerms) -> Callable[..., OpenStory]:
    """``agreed(*lines, **document)`` publishes an agreement ``test`` on the calendar ``digidesk`` (Monday to Friday, 09-17)."""

    def publish(*lines: dict[str, Any], version: int = 1, **more: object) -> OpenStory:
        document: dict[str, Any] = {
            "agreement": "test",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "calendar": "digidesk",
            "severities": [{"id": "high", "name": "High"}, {"id": "low", "name": "Low"}],
            "channels": ["email", "phone"],
            "ticket_types": [{"id": "quick"}, {"id": "consulting", "service": "consulting"}],
            "service_levels": list(lines),
        }
        terms.publish(publish_agreement(document | more, version))

        def opened(received_at: str, **created: object) -> Story:
            return Story(terms, "test", received_at, calendar="digidesk", **created)

        return opened

    return publish

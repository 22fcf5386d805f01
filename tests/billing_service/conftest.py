"""What the tests of billing's domain build on: the shipped terms, and accounts told as recorded events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from billing_service.domain.facts.account import Account
from billing_service.domain.facts.from_events import account
from billing_service.domain.rating.rating import rate
from billing_service.domain.statement.ledger import NOTHING, Invoiced
from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import Actor, Envelope, Event, Recorded, billing, customers, tickets, type_name
from fristwerk_language.terms import AgreementDocument, agreement_document, read_yaml, zone

SHIPPED = Path(__file__).parents[2] / "deploy/local/src/fristwerk_local/terms/agreements"
BARE: dict[str, Any] = {
    "agreement": "bare",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "calendar": "bare",
    "severities": [{"id": "normal", "name": "Normal"}],
    "channels": ["email"],
    "ticket_types": [
        {"id": "normal"},
        {"id": "quick_normal", "rate_factor": "1.5"},
        {"id": "quick_high", "rate_factor": "2"},
    ],
    "billing": {"plans": {"m": {}}, "hourly": {"rate": "120.00", "increment_minutes": 15}},
}


class Story:
    """One account's events as they are told, in local time; recorded when they occur unless said otherwise."""

    def __init__(self, agreement: AgreementDocument | dict[str, Any], *, contract: bool = True, **signed: Any) -> None:
        document = agreement if isinstance(agreement, AgreementDocument) else agreement_document(BARE | agreement)
        self.versions = {1: document}
        self.home = zone(document.timezone)
        self.contract = "c-1" if contract else None
        self.events: list[Recorded] = []
        if contract:
            terms: dict[str, Any] = {"plan": None, "from_on": date(2026, 1, 1)} | signed
            self.add(
                "contract-c-1",
                customers.ContractSigned(
                    contract="c-1", customer="k-1", agreement=document.agreement, agreement_version=1, **terms
                ),
                "2026-01-01 00:00",
            )

    @property
    def id(self) -> str:
        return self.contract or "k-1"

    def instant(self, local: str) -> datetime:
        return datetime.fromisoformat(local).replace(tzinfo=self.home).astimezone(UTC)

    def add(self, stream: str, event: Event, at: str, *, recorded: str | None = None, actor: str = "agent-1") -> str:
        """Tells one event; returns its id."""
        version = sum(each.envelope.stream == stream for each in self.events) + 1
        event_id = f"{stream}-{version}"
        envelope = Envelope(
            id=event_id,
            type=type_name(event),
            schema=1,
            provider="p",
            stream=stream,
            version=version,
            occurred_at=self.instant(at),
            recorded_at=self.instant(recorded or at),
            actor=Actor(id=actor, role="agent"),
            correlation_id=None,
            causation_id=None,
            data=msgspec.Raw(b"{}"),
            personal=None,
        )
        self.events.append(Recorded(envelope=envelope, event=event))
        return event_id

    def ticket(self, name: str, at: str = "2026-01-01 08:00", **created: Any) -> None:
        """Opens a ticket under the agreement's first version."""
        given: dict[str, Any] = {"type": "normal", "agreement_version": 1, "plan": None} | created
        self.add(
            f"ticket-{name}",
            tickets.TicketCreated(
                reference=name,
                customer="k-1",
                contract=self.contract,
                agreement=self.versions[1].agreement,
                calendar="c",
                calendar_version=1,
                channel="email",
                received_at=self.instant(at),
                entitled=True,
                entitled_why="contract",
                **given,
            ),
            at,
        )

    def tell(self, ticket: str, event: Event, at: str, **how: Any) -> str:
        """Tells an event of a ticket."""
        return self.add(f"ticket-{ticket}", event, at, **how)

    def log(self, ticket: str, start: str, minutes: int, **how: Any) -> str:
        """Logs work; opens the ticket if it was not yet."""
        if not any(each.envelope.stream == f"ticket-{ticket}" for each in self.events):
            self.ticket(ticket)
        recorded = how.pop("recorded", None)
        given: dict[str, Any] = {"activity": "help", "entry": f"{ticket}-{len(self.events)}"} | how
        logged = tickets.TimeLogged(start=self.instant(start), minutes=minutes, agent="agent-1", **given)
        return self.tell(ticket, logged, start, recorded=recorded)

    def late_cancellation(self, ticket: str, preparation: int, *, start: str = "2026-05-12 09:00") -> None:
        """An appointment is prepared and called off an hour before."""
        self.ticket(ticket)
        self.tell(ticket, tickets.AppointmentBooked(appointment=1, start=self.instant(start)), "2026-05-01 09:00")
        if preparation:
            self.log(ticket, "2026-05-08 10:00", preparation, activity="preparation", appointment=1)
        an_hour_before = (datetime.fromisoformat(start) - timedelta(hours=1)).isoformat()
        self.tell(ticket, tickets.AppointmentCancelled(appointment=1, by="customer"), an_hour_before)

    def decide(self, charge: str, decision: Literal["charge", "waive"], at: str, reason: str = "agreed") -> None:
        """The billing clerk decides."""
        decided = billing.ChargeDecided(
            charge=charge, contract=self.id, ticket="t", decision=decision, reason=billing.SealedText(reason)
        )
        self.add(f"charge-{charge}", decided, at, actor="clerk-1")

    def account(self, events: list[Recorded] | None = None) -> Account:
        return account(self.id, self.events if events is None else events)

    def terms(self, _: str, version: int) -> AgreementDocument:
        return self.versions[version]

    def rate(
        self, until: str = "2026-12-31", *, known_at: str | None = None, invoiced: Invoiced = NOTHING, **options: Any
    ) -> Statement:
        known = None if known_at is None else self.instant(known_at)
        return rate(self.account(), self.terms, date.fromisoformat(until), known_at=known, invoiced=invoiced, **options)


@pytest.fixture(scope="session")
def story() -> type[Story]:
    return Story


@pytest.fixture(scope="session")
def shipped() -> dict[str, AgreementDocument]:
    """The five providers' agreements."""
    return {path.stem: agreement_document(read_yaml(path.read_bytes())) for path in sorted(SHIPPED.glob("*.yaml"))}


@pytest.fixture(scope="session")
def bare() -> dict[str, Any]:
    """The keys of a small agreement, to be changed."""
    return BARE


Lines = Callable[[Statement], list[tuple[str, str | None, int | Decimal, str]]]


def _lines(statement: Statement) -> list[tuple[str, str | None, int | Decimal, str]]:
    return [(line.kind, line.ticket, line.minutes, str(line.amount.amount)) for line in statement.lines]


@pytest.fixture(scope="session")
def lines() -> Lines:
    """Lines as (kind, ticket, minutes, amount)."""
    return _lines

"""Tickets for tests of the domain: given events, when a command, then events or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from fristwerk_language.events import Actor, Event, Recorded, tickets
from fristwerk_language.examples import example
from fristwerk_language.roles import Role
from fristwerk_language.terms import AgreementDocument, agreement_document, read_yaml
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, Refusal
from ticket_service.domain.ticket.commands import Command
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Caller, Context, DatingRules, Destination
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.state import Ticket

TERMS = Path(__file__).parents[3] / "deploy" / "local" / "src" / "fristwerk_local" / "terms" / "agreements"
RECEIVED_AT = datetime(2026, 6, 3, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 6, 10, 7, 0, tzinfo=UTC)
NOW = datetime(2026, 7, 31, 12, 0, tzinfo=UTC)
STORIES = DatingRules(customers_may_date=True)
AGENT = Actor(id="agent-3", role="agent")


def recorded(event: Event, version: int, at: datetime) -> Recorded:
    """An event of the ticket ``t-1`` as the log has it."""
    envelope = msgspec.structs.replace(
        example("TicketCreated").envelope, stream="ticket-t-1", version=version, occurred_at=at, actor=AGENT
    )
    return Recorded(envelope=envelope, event=event)


class Outcome:
    """What became of a command: facts and the ticket after them, or a refusal."""

    def __init__(self, ticket: Ticket, facts: list[DecidedEvent], refusal: Refusal | None) -> None:
        self.facts = facts
        self.refusal = refusal
        self.ticket = ticket

    def then(self, *events: Event) -> Outcome:
        assert self.refusal is None
        assert [fact.event for fact in self.facts] == list(events)
        return self

    def sealing(self, *personal: dict[str, Any] | None) -> Outcome:
        assert [fact.personal for fact in self.facts] == list(personal)
        return self

    def refused(self, kind: type[Refusal], code: str, *pointers: str) -> Refusal:
        assert self.refusal is not None, f"expected {code}, got {self.facts}"
        assert (type(self.refusal), self.refusal.code) == (kind, code)
        errors = self.refusal.errors if isinstance(self.refusal, NotAcceptable) else []
        assert [pointer for pointer, _ in errors] == list(pointers)
        return self.refusal


class Given:
    """A ticket with its history so far, under an agreement."""

    def __init__(self, agreement: AgreementDocument, ticket: Ticket) -> None:
        self.agreement = agreement
        self.ticket = ticket

    def having(self, *events: Event, at: datetime = RECEIVED_AT) -> Given:
        ticket = self.ticket
        for event in events:
            after = evolve(ticket, recorded(event, ticket.version + 1, at))
            assert after is not None
            ticket = after
        return Given(self.agreement, ticket)

    def when(
        self,
        command: Command,
        by: str = "agent",
        at: datetime = LATER,
        customer: str | None = "muster",
        **looked_up: Any,
    ) -> Outcome:
        caller = Caller(id=f"{by}-3", role=cast("Role", by), customer=customer if by == "customer" else None)
        surroundings = {"dating": STORIES} | looked_up
        context = Context(now=NOW, occurred_at=at, actor=caller, agreement=self.agreement, **surroundings)
        try:
            facts = decide(self.ticket, command, context)
        except Refusal as refusal:
            return Outcome(self.ticket, [], refusal)
        return Outcome(self.having(*(fact.event for fact in facts), at=at).ticket, facts, None)


def elsewhere(agreement: AgreementDocument, **changes: Any) -> Destination:
    """Where a ticket is moved to: another customer's contract under the agreement."""
    facts: dict[str, Any] = {
        "reference": "HAM-0000-0000",
        "customer": "bedarf",
        "contract": "c-9",
        "plan": "m",
        "agreement": agreement.agreement,
        "agreement_version": 3,
        "calendar": agreement.calendar_for("email", None),
        "calendar_version": 2,
        "type": "normal",
        "channel": "email",
        "received_at": RECEIVED_AT,
        "entitled": True,
        "entitled_by": "contract",
        "entitled_why": "contract c-9 is in force on 2026-06-03",
    }
    opened = tickets.TicketCreated(**(facts | changes))
    return Destination(opened=opened, agreement=agreement, sealed_for="bedarf~1")


Agreements = Callable[..., AgreementDocument]
GivenTicket = Callable[..., Given]


@pytest.fixture(scope="session")
def terms() -> Agreements:
    """The agreement of a provider, with keys changed where a test needs other terms."""

    @cache
    def read(name: str) -> Any:
        return read_yaml((TERMS / f"{name}.yaml").read_bytes())

    @cache
    def unchanged(name: str) -> AgreementDocument:
        return agreement_document(read(name))

    def load(name: str, **changes: Any) -> AgreementDocument:
        return agreement_document(read(name) | changes) if changes else unchanged(name)

    return load


@pytest.fixture(scope="session")
def given(terms: Agreements) -> GivenTicket:
    """A ticket under the agreement of that name, in which the events have happened."""

    def build(agreement: str | AgreementDocument, *events: Event, created: dict[str, Any] | None = None) -> Given:
        document = terms(agreement) if isinstance(agreement, str) else agreement
        facts: dict[str, Any] = {
            "reference": "HAM-7K3Q-9F2M",
            "customer": "muster",
            "contract": "c-1",
            "agreement": document.agreement,
            "agreement_version": 1,
            "calendar": document.calendar_for("email", None),
            "calendar_version": 1,
            "type": "normal",
            "channel": "email",
            "received_at": RECEIVED_AT,
            "entitled": True,
            "entitled_by": "contract",
            "entitled_why": "contract c-1 is in force on 2026-06-03",
        }
        event = tickets.TicketCreated(**(facts | (created or {})))
        ticket = evolve(None, recorded(event, 1, event.received_at))
        assert ticket is not None
        return Given(document, ticket).having(*events, at=event.received_at + timedelta(minutes=5))

    return build

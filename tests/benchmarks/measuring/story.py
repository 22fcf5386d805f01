"""A log told without a service: one provider's terms, contracts, and tickets that are answered, worked on and resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from fristwerk_language.events import Actor, Event, customers, encode_line, new_event_id, terms, tickets, type_name
from fristwerk_language.terms import agreement_document, calendar_document, canonical, digest, read_yaml
from fristwerk_platform.event_log import NewEvent, open_log
from fristwerk_platform.settings import Settings
from ticket_service.holidays import materialise

TERMS = Path(__file__).parents[3] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
PROVIDER = "bench"
BEGINNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
EVENTS_OF_A_TICKET = 10
TICKETS_OF_A_CONTRACT = 20
BATCH = 1_000


class Story:
    """Events of one provider under the terms of ``infoniqa``, each stream's versions one after the other."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._count = 0

    def told(self, stream: str, event: Event, at: datetime = BEGINNING) -> NewEvent:
        """The next event of a stream."""
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        self._count += 1
        line = encode_line(
            event_id=new_event_id(at, self._count.to_bytes(10, "big")),
            type=type_name(event),
            schema=1,
            provider=PROVIDER,
            stream=stream,
            version=version,
            occurred_at=at,
            recorded_at=at,
            actor=Actor(id="agent-1", role="agent"),
            correlation_id=None,
            causation_id=None,
            data=event,
            personal=None,
        )
        return NewEvent(stream=stream, version=version, type=type_name(event), line=line)

    def agreement(self) -> NewEvent:
        """The agreement's publication."""
        document = canonical(agreement_document(read_yaml((TERMS / "agreements/infoniqa.yaml").read_bytes())))
        published = terms.AgreementPublished(name="infoniqa", version=1, document=document, digest=digest(document))
        return self.told(f"agreement-{PROVIDER}.infoniqa", published)

    def calendar(self) -> NewEvent:
        """The calendar's publication."""
        calendar = calendar_document(read_yaml((TERMS / "calendars/infoniqa.yaml").read_bytes()))
        return self.told(f"calendar-{PROVIDER}.infoniqa", materialise(calendar, 1))

    def contract(self, name: str) -> Iterator[NewEvent]:
        """A company and its prepaid contract."""
        company = customers.CustomerRegistered(customer=f"c{name}", kind="company", country="CH", name=name)
        yield self.told(f"customer-c{name}", company)
        signed = customers.ContractSigned(
            contract=name,
            customer=f"c{name}",
            agreement="infoniqa",
            agreement_version=1,
            plan="m",
            package_hours=16,
            from_on=date(2026, 1, 1),
        )
        yield self.told(f"contract-{name}", signed)

    def opened(self, ticket: str, contract: str, at: datetime = BEGINNING) -> NewEvent:
        """A ticket's receipt."""
        created = tickets.TicketCreated(
            reference=ticket,
            customer=f"c{contract}",
            contract=contract,
            agreement="infoniqa",
            agreement_version=1,
            calendar="infoniqa",
            calendar_version=1,
            plan="m",
            type="normal",
            channel="email",
            received_at=at,
            entitled=True,
            entitled_by="contract",
            entitled_why="contract",
        )
        return self.told(f"ticket-{ticket}", created, at)

    def worked(self, ticket: str, entry: str, start: datetime, minutes: int) -> NewEvent:
        """Time logged at its end."""
        logged = tickets.TimeLogged(entry=entry, start=start, minutes=minutes, activity="help", agent="agent-1")
        return self.told(f"ticket-{ticket}", logged, start + timedelta(minutes=minutes))

    def ticket(self, name: str, contract: str, at: datetime) -> Iterator[tuple[datetime, NewEvent]]:
        """Ten events from a ticket's receipt to its resolution, seven hours later, each with its instant."""
        stream = f"ticket-{name}"
        yield at, self.opened(name, contract, at)
        yield at, self.told(stream, tickets.SeveritySet(severity="mittel"), at)
        facts: list[Event] = [
            tickets.Responded(channel="email"),
            tickets.InformationRequested(),
            tickets.InformationReceived(),
            tickets.Responded(channel="email"),
        ]
        for hour, fact in enumerate(facts, start=1):
            now = at + timedelta(hours=hour)
            yield now, self.told(stream, fact, now)
            if hour > 1:
                yield now + timedelta(minutes=25), self.worked(name, f"{name}-{hour}", now, 25)
        now = at + timedelta(hours=7)
        yield now, self.told(stream, tickets.Resolved(), now)

    def events(self, number: int) -> Iterator[NewEvent]:
        """About so many events in the order of their instants: a new ticket every minute, some hundred open at a time."""
        yield self.calendar()
        yield self.agreement()
        coming: list[tuple[datetime, int, NewEvent]] = []
        order = count()
        for ticket in range(number // EVENTS_OF_A_TICKET):
            contract, rest = divmod(ticket, TICKETS_OF_A_CONTRACT)
            if rest == 0:
                yield from self.contract(f"k{contract}")
            at = BEGINNING + timedelta(minutes=ticket)
            for instant, event in self.ticket(f"t{ticket}", f"k{contract}", at):
                heappush(coming, (instant, next(order), event))
            while coming[0][0] <= at:
                yield heappop(coming)[-1]
        while coming:
            yield heappop(coming)[-1]

    def all_opened_first(self, number: int) -> Iterator[NewEvent]:
        """About so many events: all tickets are opened, then have their second event one after the other, then their third:
        the worst order for who derives tickets, since each event touches another ticket than those before.
        """
        yield self.calendar()
        yield self.agreement()
        lives: list[Iterator[tuple[datetime, NewEvent]]] = []
        for ticket in range(number // EVENTS_OF_A_TICKET):
            contract, rest = divmod(ticket, TICKETS_OF_A_CONTRACT)
            if rest == 0:
                yield from self.contract(f"k{contract}")
            life = self.ticket(f"t{ticket}", f"k{contract}", BEGINNING + timedelta(minutes=ticket))
            yield next(life)[-1]
            lives.append(life)
        for turn in zip(*lives, strict=True):
            yield from (event for _, event in turn)


async def fill(
    settings: Settings, number: int, told: Callable[[Story, int], Iterator[NewEvent]] = Story.events
) -> None:
    """Write the log that the services will find."""
    log = open_log(settings, "tickets-log")
    part: list[NewEvent] = []
    for event in told(Story(), number):
        part.append(event)
        if len(part) == BATCH:
            await log.append(part)
            part = []
    if part:
        await log.append(part)
    await log.close()

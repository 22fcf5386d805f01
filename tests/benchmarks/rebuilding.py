"""How fast a read model is rebuilt beside the running services, how long writing waits for the switch, on both databases."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fristwerk_local.client import connected
from fristwerk_local.folder import occupied
from fristwerk_local.postgres import PostgresServer
from fristwerk_local.services import SERVICE_NAMES, environment
from fristwerk_local.supervisor import Stack
from shared.event_log import open_log
from shared.events import (
    Actor,
    Event,
    NewEvent,
    catalogue,
    customers,
    encode_line,
    new_event_id,
    tickets,
    type_name,
)
from shared.settings import Settings
from shared.terms import agreement_document, calendar_document, canonical, digest, read_yaml
from ticket_service.holidays import materialise

TERMS = Path(__file__).parents[2] / "deploy/local/src/fristwerk_local/terms"
PROVIDER = "bench"
BEGINNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
EVENTS_OF_A_TICKET = 10
TICKETS_OF_A_CONTRACT = 20
PORT = 18_700


class Story:
    """A log of one provider: contracts, and tickets that are answered, worked on and resolved."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._count = 0

    def told(self, stream: str, event: Event, at: datetime = BEGINNING) -> NewEvent:
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

    def events(self, number: int) -> Iterator[NewEvent]:
        """About so many events."""
        document = canonical(agreement_document(read_yaml((TERMS / "agreements/infoniqa.yaml").read_bytes())))
        calendar = calendar_document(read_yaml((TERMS / "calendars/infoniqa.yaml").read_bytes()))
        yield self.told(f"calendar-{PROVIDER}.infoniqa", materialise(calendar, 1))
        yield self.told(
            f"agreement-{PROVIDER}.infoniqa",
            catalogue.AgreementPublished(name="infoniqa", version=1, document=document, digest=digest(document)),
        )
        for ticket in range(number // EVENTS_OF_A_TICKET):
            contract, rest = divmod(ticket, TICKETS_OF_A_CONTRACT)
            if rest == 0:
                yield from self.contract(f"k{contract}")
            yield from self.ticket(f"t{ticket}", f"k{contract}", BEGINNING + timedelta(minutes=ticket % 100_000))

    def contract(self, name: str) -> Iterator[NewEvent]:
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

    def ticket(self, name: str, contract: str, at: datetime) -> Iterator[NewEvent]:
        stream = f"ticket-{name}"
        yield self.told(stream, _created(name, contract, at), at)
        yield self.told(stream, tickets.SeveritySet(severity="mittel"), at)
        yield self.told(stream, tickets.Responded(channel="email"), at + timedelta(hours=1))
        for number in range(3):
            start = at + timedelta(hours=1 + number)
            worked = tickets.TimeLogged(
                entry=f"{name}-{number}", start=start, minutes=25, activity="help", agent="agent-1"
            )
            yield self.told(stream, worked, start + timedelta(minutes=25))
        yield self.told(stream, tickets.InformationRequested(), at + timedelta(hours=4))
        yield self.told(stream, tickets.InformationReceived(), at + timedelta(hours=5))
        yield self.told(stream, tickets.Responded(channel="email"), at + timedelta(hours=6))
        yield self.told(stream, tickets.Resolved(), at + timedelta(hours=7))


def _created(ticket: str, contract: str, at: datetime) -> tickets.TicketCreated:
    return tickets.TicketCreated(
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


async def filled(settings: Settings, number: int) -> None:
    """Write the log that the services will find."""
    log = open_log(settings, "tickets-log")
    part: list[NewEvent] = []
    for event in Story().events(number):
        part.append(event)
        if len(part) == 1_000:
            await log.append(part)
            part = []
    if part:
        await log.append(part)
    await log.close()


async def rebuilt(service: str, surroundings: dict[str, str]) -> tuple[float, float, str]:
    """Rebuild; in how many seconds, of which how many on a processor, and what was said."""
    began, used = time.perf_counter(), processor_seconds()
    command = (sys.executable, "-m", f"{service}_service", "rebuild")
    process = await asyncio.create_subprocess_exec(*command, env=surroundings, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    return time.perf_counter() - began, processor_seconds() - used, told.decode()


def processor_seconds() -> float:
    """What the processes that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def measured(table: Table, title: str, settings: Settings, number: int) -> None:
    await filled(settings, number)
    with occupied(settings.var):
        stack = Stack(settings.var, PORT, print)
        await stack.start()
        began = time.perf_counter()
        async with connected(settings.var, PORT) as client:
            assert await client.caught_up(600)
        table.add_row(
            title,
            "services catch up from nothing, all at once",
            f"{number / (time.perf_counter() - began):,.0f}",
            "",
            "",
        )
        for service in SERVICE_NAMES:
            seconds, used, told = await rebuilt(service, environment(os.environ, settings.var, PORT))
            compared = re.findall(r"compared at .*: (.*) \(", told)[0]
            waited = re.findall(r"waited (\d+) ms", told)[0]
            table.add_row(
                title,
                f"{service}-service rebuild",
                f"{number / seconds:,.0f}",
                f"{number / used:,.0f}",
                compared,
                waited,
            )
        await stack.stop()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    table = Table(
        "database", f"{number:,} events", "events/s, all told", "a processor second", "compared", "writing waited, ms"
    )
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(table, "SQLite", Settings(var=Path(folder)), number))
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory())
        data = closing.enter_context(tempfile.TemporaryDirectory())
        Path(data).chmod(0o755)
        server = PostgresServer(Path(data)).start()
        closing.callback(server.stop)
        os.environ["FRISTWERK_DATABASE_URL"] = server.url()
        settings = Settings(var=Path(folder), database_url=server.url())
        asyncio.run(measured(table, "PostgreSQL", settings, number))
    Console(width=120, highlight=False).print(table)


if __name__ == "__main__":
    main()

"""A log that several processes of billing apply together, and what must come out of it whoever did what."""

from __future__ import annotations

import random
from datetime import date

from sqlalchemy import select

from billing_service.projections import tables
from fristwerk_language.events import Event
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import Responded, TicketCreated, TimeLogged
from fristwerk_language.terms import agreement_document, canonical, digest, read_yaml
from fristwerk_platform.read_models import Database
from fristwerk_platform.subscriptions import with_position
from tests.billing_service.conftest import SHIPPED
from tests.billing_service.test_projector import AT, CREATED, told
from tests.billing_service.test_projector_moves import moved

COMPARED = ("accounts", "agreements", "facts", "followed_streams", "tickets")


class SharedLog:
    """Lines with their positions, in the order they are told."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._versions: dict[str, int] = {}

    def add(self, stream: str, event: Event) -> None:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        self.lines.append(with_position(len(self.lines) + 1, told(stream, version, event).line))


def busy_accounts(number: int) -> SharedLog:
    """So many tickets of customers with two contracts each, whose events lie among each other's: one
    of seven tickets is moved to the customer's other contract, some of them and back.
    """
    lot, log = random.Random(number), SharedLog()  # noqa: S311 - drawn again by the seed
    document = canonical(agreement_document(read_yaml((SHIPPED / "infoniqa.yaml").read_bytes())))
    published = AgreementPublished(name="infoniqa", version=1, digest=digest(document), document=document)
    log.add("agreement-infoniqa.infoniqa", published)
    at: dict[int, int] = {}
    for each in range(number):
        customer = each // 10
        if each % 10 == 0:
            name = f"c{customer}"
            log.add(f"customer-{name}", CustomerRegistered(customer=name, kind="company", name="Muster AG"))
            for contract in (1, 2):
                signed = ContractSigned(
                    contract=f"k{customer}-{contract}",
                    customer=name,
                    agreement="infoniqa",
                    agreement_version=1,
                    from_on=date(2026, 1, 1),
                )
                log.add(f"contract-k{customer}-{contract}", signed)
        at[each] = 1
        opened = TicketCreated(reference=f"R-{each}", customer=f"c{customer}", contract=f"k{customer}-1", **CREATED)
        log.add(f"ticket-t{each}", opened)
        for _ in range(3):
            _something(log, lot, lot.choice(list(at)[-20:]), at)
    return log


def _something(log: SharedLog, lot: random.Random, ticket: int, at: dict[int, int]) -> None:
    stream = f"ticket-t{ticket}"
    if lot.randrange(7) == 0:
        at[ticket] = 3 - at[ticket]
        customer = f"c{ticket // 10}"
        contract = f"k{ticket // 10}-{at[ticket]}"
        log.add(stream, moved(customer=customer, sealed_for=customer, contract=contract))
    elif lot.randrange(4):
        entry = f"e{len(log.lines)}"
        log.add(stream, TimeLogged(entry=entry, start=AT, minutes=15, activity="help", agent="agent-1"))
    else:
        log.add(stream, Responded(channel="email"))


async def derived_rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """The rows of what was derived, by table, and which accounts are to be checked."""
    found: dict[str, list[tuple[object, ...]]] = {}
    async with database.reading() as connection:
        for table in tables.metadata.sorted_tables:
            if table.name in COMPARED:
                statement = select(table).order_by(*table.primary_key.columns)
                found[table.name] = [tuple(row) for row in await connection.execute(statement)]
        marked = select(tables.unchecked_accounts.c.account).order_by(tables.unchecked_accounts.c.account)
        found["unchecked"] = [tuple(row) for row in await connection.execute(marked)]
    return found

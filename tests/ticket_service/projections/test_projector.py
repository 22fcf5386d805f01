"""The read model follows the log: applied once, whatever is repeated, whatever is unknown, in batches of any size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from fristwerk_language.events import Actor, decode, new_event_id
from fristwerk_language.events.customers import ContactAssigned, ContractSigned, CustomerRegistered, PersonForgotten
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.events.tickets import Resolved, SeveritySet, TicketCreated
from fristwerk_platform.read_models import sqlite_database
from tests.stored_line import stored_line
from ticket_service import personal_data
from ticket_service.personal_data import PersonalData
from ticket_service.projections import tables
from ticket_service.projections.projector import Projector
from ticket_service.projections.writer import CONTRACT_STATES, CUSTOMER_STATES, TICKET_STATES
from ticket_service.queries.read_model import ReadModel

START = datetime(2026, 6, 3, 8, tzinfo=UTC)


class Told:
    """Events as the feed has them, and a read model that is told them."""

    def __init__(self, database: Any, personal: Any) -> None:
        self.database, self.personal = database, personal
        self.projector, self.model = Projector(personal), ReadModel(database)
        self.events: list[Any] = []
        self.versions: dict[str, int] = {}

    async def event(self, stream: Any, event: Any, sealed: Any = None, subject: Any = None, type_: Any = None) -> Any:
        """The next event of a stream."""
        position = len(self.events) + 1
        self.versions[stream] = version = self.versions.get(stream, 0) + 1
        event_id = new_event_id(START, position.to_bytes(10, "big"))
        line = stored_line(
            event,
            stream,
            version,
            START + timedelta(minutes=position),
            event_id=event_id,
            provider="p",
            actor=Actor(id="a", role="agent"),
            type=type_,
            personal=await self.personal.seal(subject, event_id, sealed) if sealed else None,
        )
        self.events.append(decode(b'{"position":%d,' % position + line[1:]))
        return self.events[-1]

    async def story(self) -> None:
        """A customer with a contract and two tickets, one of them resolved; all of it once forgotten."""
        customer = CustomerRegistered(customer="k", kind="person")
        await self.event("customer-k", customer, {"name": "Anna", "contact": {"phone": "+41 41 1"}}, "k")
        await self.event("customer-c", CustomerRegistered(customer="c", kind="company", name="C"))
        document = {"default": True}
        published = AgreementPublished(name="a", version=1, document=document, digest="sha256:1")
        await self.event("agreement-p.a", published)
        signed = ContractSigned(contract="v", customer="k", agreement="a", agreement_version=1, from_on=START.date())
        await self.event("contract-v", signed)
        for name in ("t1", "t2"):
            await self.event(f"ticket-{name}", created(name), {"subject": "Geheim"}, "k")
        await self.event("ticket-t1", SeveritySet(severity="high"))
        await self.event("ticket-t2", Resolved(), {"text": "Behoben"}, "k")
        await self.event("customer-k", ContactAssigned(customer="k", role="dedicated_agent", agent="agent-9"))

    async def apply(self, *sizes: Any) -> None:
        """Apply what was told in batches of these sizes, the rest at once."""
        rest = list(self.events)
        for size in (*sizes, len(rest)):
            batch, rest = rest[:size], rest[size:]
            async with self.database.transaction() as connection:
                await self.projector.apply(connection, batch)

    async def rows(self) -> Any:
        """All rows of all tables."""
        found = {}
        every = (
            tables.terms,
            tables.customers,
            tables.registrations,
            tables.contracts,
            tables.dedicated,
            tables.tickets,
        )
        async with self.database.reading() as connection:
            for table in every:
                rows = await connection.execute(select(table).order_by(*table.primary_key))
                found[table.name] = [dict(row) for row in rows.mappings()]
        return found


def created(name: Any, **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "reference": f"P-{name}",
        "customer": "k",
        "contract": "v",
        "agreement": "a",
        "agreement_version": 1,
        "calendar": "c",
        "calendar_version": 1,
        "type": "normal",
        "channel": "email",
        "received_at": START,
        "entitled": True,
        "entitled_by": "contract",
        "entitled_why": "contract v",
    }
    return TicketCreated(**(facts | changes))


@pytest.fixture
async def told(tmp_path: Path) -> Any:
    database = sqlite_database(tmp_path / "tickets.db", tables.metadata)
    keys = sqlite_database(tmp_path / "keys.db", personal_data.metadata)
    await database.create()
    await keys.create()
    yield Told(database, PersonalData(keys, bytes(32)))
    await database.close()
    await keys.close()


async def test_what_happened_is_found_by_what_it_is(told: Any) -> None:
    await told.story()
    await told.apply()
    model = told.model
    assert [each.id for each in await model.tickets("p", {"severity": "high"}, after="", limit=9)] == ["t1"]
    assert [each.id for each in await model.open_tickets("p", "k")] == ["t1"]
    assert [each.id for each in await model.contracts_of("k")] == ["v"]
    assert [(row.name, row.is_default) for row in await model.terms("p", "agreement")] == [("a", True)]
    assert [each.id for each in (await model.placed_after("p", 0))[0]] == ["t1"]


async def test_any_cut_into_batches_gives_the_same_rows(told: Any, tmp_path: Path) -> None:
    await told.story()
    await told.apply()
    expected = await told.rows()
    for number, sizes in enumerate([(1,) * 9, (2, 3, 1), (5,), (8,)]):
        database = sqlite_database(tmp_path / f"again-{number}.db", tables.metadata)
        await database.create()
        again = Told(database, told.personal)
        again.events = told.events
        await again.apply(*sizes)
        assert await again.rows() == expected
        await database.close()


async def test_states_that_commands_made_are_taken_as_they_are_and_the_rows_are_the_same(
    told: Any, tmp_path: Path
) -> None:
    await told.story()
    await told.apply()
    expected = await told.rows()
    states: dict[tuple[str, int], Any] = {}
    for kind in (TICKET_STATES, CUSTOMER_STATES, CONTRACT_STATES):
        state = dict.fromkeys(told.versions)
        for each in told.events:
            stream, version = each.envelope.stream, each.envelope.version
            if kind.category.includes(stream):
                states[stream, version] = state[stream] = kind.evolve(state[stream], each)
    asked: list[tuple[str, int]] = []

    def kept_at(category: Any, stream: str, version: int) -> Any:
        assert category.includes(stream)
        asked.append((stream, version))
        return states[stream, version]

    database = sqlite_database(tmp_path / "again.db", tables.metadata)
    await database.create()
    again = Told(database, told.personal)
    again.projector, again.events = Projector(told.personal, kept_at), told.events
    await again.apply(3, 4)
    assert await again.rows() == expected
    assert len(asked) == len(set(asked)) > 4, "each stream of a batch once, at its last version there"
    await database.close()


async def test_a_batch_applied_again_changes_nothing(told: Any) -> None:
    """The follower never does it; a rebuild from an older position might."""
    await told.story()
    await told.apply()
    expected = await told.rows()
    await told.apply()
    assert await told.rows() == expected


async def test_an_event_of_an_unknown_type_in_a_stream_it_knows_is_skipped(told: Any) -> None:
    await told.story()
    await told.apply()
    before = await told.model.tickets_with(["t1"])

    class Applauded(msgspec.Struct):
        loudness: int

    told.events = [await told.event("ticket-t1", Applauded(loudness=3), type_="Applauded")]
    await told.apply()
    after = await told.model.tickets_with(["t1"])
    assert msgspec.structs.replace(after["t1"].state, version=0, last_activity_at=START) == msgspec.structs.replace(
        before["t1"].state, version=0, last_activity_at=START
    )


async def test_forgetting_takes_the_person_out_of_every_table_and_the_key_with_it(told: Any) -> None:
    await told.story()
    await told.event("customer-k", PersonForgotten(customer="k"))
    await told.apply(3)
    rows = await told.rows()
    assert rows["registrations"] == []
    assert rows["dedicated_agents"] == []
    assert not await told.personal.has_sealed("k")
    assert len(rows["tickets"]) == 2


async def test_a_company_keeps_its_agent_when_its_contact_is_forgotten(told: Any) -> None:
    await told.event("customer-c", CustomerRegistered(customer="c", kind="company", name="C"), {"contact": {}}, "c")
    await told.event("customer-c", ContactAssigned(customer="c", role="dedicated_agent", agent="agent-9"))
    await told.event("customer-c", PersonForgotten(customer="c"))
    await told.apply(1)
    rows = await told.rows()
    assert [(each["customer"], each["agent"]) for each in rows["dedicated_agents"]] == [("c", "agent-9")]
    assert rows["registrations"] == []


async def test_two_tickets_with_one_reference_never_stop_the_projection(told: Any) -> None:
    """A log that is older than its index may hold one reference twice; the older ticket keeps the name."""
    for name in ("t1", "t2"):
        await told.event(f"ticket-{name}", created(name, reference="P-SAME"))
    await told.apply()
    assert len((await told.rows())["tickets"]) == 2

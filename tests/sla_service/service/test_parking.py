"""A ticket whose timers cannot be derived is parked: the others go on, everybody is told, and it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import (
    Actor,
    Event,
    Recorded,
    decode,
    decode_tolerantly,
    encode_line,
    new_event_id,
    tickets,
    type_name,
)
from fristwerk_platform.event_log import NewEvent, SqliteEventLog
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms, TermsLookup
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timer import TimerSet
from sla_service.projections import projector, writer
from sla_service.projections.tables import parked, timers
from tests.sla_service.conftest import Published
from tests.sla_service.service.conftest import Clock, Desk, OpenPair, Service

UNPUBLISHED = 99


async def parked_tickets(service: Service) -> dict[str, str]:
    async with service.database.reading() as connection:
        return {row.ticket: row.error for row in await connection.execute(select(parked))}


def unreadable(each: Recorded) -> Recorded:
    """The event as one that this version of the product cannot read."""
    return decode_tolerantly(each.line.replace(b'"channel":"email"', b'"channel":["email"]'))


@pytest.fixture
def break_ticket(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Callable[[], None]]:
    """Lets the derivation of one ticket fail, as a mistake in the code would; what it gives corrects the mistake."""

    def broken(ticket: str) -> Callable[[], None]:
        def derive(timeline: Timeline, terms: TermsLookup) -> TimerSet:
            if timeline.ticket == ticket:
                raise ZeroDivisionError("the mistake")
            return derive_timers(timeline, terms)

        monkeypatch.setattr("sla_service.projections.projector.derive_timers", derive)
        return monkeypatch.undo

    return broken


async def test_a_ticket_under_terms_that_were_never_published_waits_for_them(
    service: Service, clock: Clock, published: Published
) -> None:
    service.log.ticket("bad", "2026-06-09 06:00", agreement_version=9).ticket("good", "2026-06-09 06:00")
    position = len(service.log.lines) - 1
    await service.apply()

    assert [each.timer for each in await service.told()] == ["good:first_response"]
    async with service.database.reading() as connection:
        (row,) = (await connection.execute(select(parked))).all()
    assert row._mapping == {
        "ticket": "bad",
        "provider": "p",
        "customer": "c-1",
        "reference": "TST-BAD",
        "error": "UnknownTermsError: There is no version 9 of the agreement infoniqa.",
        "since": clock.now.replace(day=9, hour=6),
        "position": position,
    }

    service.log.publish(msgspec.structs.replace(published["agreements/infoniqa"], version=9))
    await service.apply()
    assert await service.types("bad:first_response") == ["TimerStarted"]
    assert await parked_tickets(service) == {}


async def test_many_tickets_that_wait_for_terms_are_derived_some_at_once_and_the_terms_read_once_each_time(
    service: Service, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, stored_terms = 0, writer.stored_terms

    async def counted(connection: AsyncConnection, provider: str) -> PublishedTerms:
        nonlocal reads
        reads += 1
        return await stored_terms(connection, provider)

    monkeypatch.setattr(projector, "DERIVED_AT_ONCE", 2)
    monkeypatch.setattr(writer, "stored_terms", counted)
    names = [f"t{number}" for number in range(7)]
    for each in names:
        service.log.ticket(each, "2026-06-09 06:00", agreement_version=9)
    await service.apply()
    assert sorted(await parked_tickets(service)) == names
    assert reads == 1 + 4, "once at first, and once more for each two"

    service.log.publish(msgspec.structs.replace(published["agreements/infoniqa"], version=9))
    service.log.answer("t3", "2026-06-09 07:00")
    await service.apply()
    assert await parked_tickets(service) == {}
    assert reads == 6
    assert await service.types("t3:first_response") == ["TimerStarted", "TimerMet"]
    assert [await service.types(f"{each}:first_response") for each in ("t0", "t6")] == [["TimerStarted"]] * 2


async def test_an_event_that_cannot_be_read_parks_its_ticket_alone_and_its_history_grows(service: Service) -> None:
    service.log.ticket("bad", "2026-06-09 06:00").ticket("good", "2026-06-09 06:00")
    await service.apply()
    service.log.answer("bad", "2026-06-09 07:00").answer("good", "2026-06-09 07:00")
    of_bad, of_good = service.log.news()
    await service.apply([unreadable(of_bad), of_good])
    service.log.severity("bad", "2026-06-09 08:00", "hoch")
    await service.apply()

    assert list(await parked_tickets(service)) == ["bad"]
    assert await service.types("good:first_response") == ["TimerStarted", "TimerMet"]
    assert await service.types("bad:first_response") == ["TimerStarted"]

    await service.apply([of_bad])  # as the version that can read it would have stored it
    assert await parked_tickets(service) == {}
    assert await service.types("bad:first_response") == ["TimerStarted", "TimerMet"]


async def test_what_could_be_derived_again_is_as_if_it_had_never_been_parked(
    service: Service, break_ticket: Any
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").ticket("t2", "2026-06-09 06:00")
    await service.apply()
    correct = break_ticket("t1")
    service.log.answer("t1", "2026-06-09 07:00").answer("t2", "2026-06-09 07:00")
    await service.apply()
    assert list(await parked_tickets(service)) == ["t1"]

    assert await service.projector.retry_parked(service.database) == (1, 1)
    correct()
    assert await service.projector.retry_parked(service.database) == (1, 0)

    async with service.database.reading() as connection:
        rows = [row._mapping for row in await connection.execute(select(timers).order_by(timers.c.timer))]
    first, second = ({**row} for row in rows)
    assert first.pop("document").replace(b"t1", b"t2") == second.pop("document")
    assert {name for name in first if first[name] != second[name]} == {"timer", "ticket"}
    assert await service.types("t1:first_response") == await service.types("t2:first_response")


async def test_since_when_it_is_parked_stays_as_it_was(service: Service, break_ticket: Any) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    break_ticket("t1")
    await service.apply()
    async with service.database.reading() as connection:
        before = (await connection.execute(select(parked.c.since, parked.c.position))).one()
    service.log.answer("t1", "2026-06-09 07:00")
    await service.apply()
    async with service.database.reading() as connection:
        assert (await connection.execute(select(parked.c.since, parked.c.position))).one() == before


async def test_no_alarm_of_a_parked_ticket_rings_and_its_miss_is_told_once_it_is_derived(
    service: Service, clock: Clock, break_ticket: Any
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").ticket("t2", "2026-06-09 06:00")
    await service.apply()
    correct = break_ticket("t1")
    service.log.severity("t1", "2026-06-09 06:30", "kritisch")
    await service.apply()

    clock.set("2026-06-12 06:00")
    await service.look()
    assert [each.timer for each in await service.told("TimerMissed")] == ["t2:first_response"]

    correct()
    await service.projector.retry_parked(service.database)
    await service.look()
    missed = [each for each in await service.told("TimerMissed") if each.timer == "t1:first_response"]
    assert [(each.data["missed_at"], each.data["detected_at"]) for each in missed] == [
        ("2026-06-09T08:00:00Z", "2026-06-12T06:00:00Z")
    ]


async def test_terms_that_cannot_be_compiled_park_the_tickets_under_them_only(
    service: Service, published: Published
) -> None:
    broken = msgspec.structs.replace(published["agreements/infoniqa"], version=2, document={"agreement": "infoniqa"})
    service.log.publish(broken)
    service.log.ticket("new", "2026-06-09 06:00", agreement_version=2).ticket("old", "2026-06-09 06:00")
    await service.apply()

    assert list(await parked_tickets(service)) == ["new"]
    assert [each.timer for each in await service.told()] == ["old:first_response"]


@pytest.fixture
async def append(day: Desk) -> Callable[[str, Event], Awaitable[None]]:
    """Appends to the ticket service's log behind its back, what it would never have recorded itself."""

    async def add(stream: str, event: Event) -> None:
        log = SqliteEventLog(day.stack.settings.var / "tickets-log.db")
        last = decode((await log.read_stream(stream))[-1].line).envelope
        now = datetime.now(UTC)
        line = encode_line(
            event_id=new_event_id(now, stream.encode()[-10:]),
            type=type_name(event),
            schema=1,
            provider=last.provider,
            stream=stream,
            version=last.version + 1,
            occurred_at=now,
            recorded_at=now,
            actor=Actor(id="somebody", role="admin"),
            correlation_id=None,
            causation_id=None,
            data=event,
            personal=None,
        )
        await log.append([NewEvent(stream=stream, version=last.version + 1, type=type_name(event), line=line)])
        await log.close()
        await day.caught_up()

    return add


async def test_everybody_who_asks_is_told_and_the_service_is_degraded_until_it_can_be_derived(
    day: Desk, append: Any, published: Published
) -> None:
    ticket = day.id("lohnlauf")
    before = await day.read(f"/v1/tickets/{ticket}/timers")
    await append(
        f"ticket-{ticket}", tickets.TermsMigrated(agreement_version=UNPUBLISHED, calendar_version=1, reason="?")
    )

    answer = await day.ask(f"/v1/tickets/{ticket}/timers")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    problem = answer.json()
    assert problem["type"] == "/problems/ticket-parked"
    assert problem["detail"].startswith(f"The timers of ticket {ticket} cannot be derived since 2")
    assert (await day.ask(f"/v1/tickets/{ticket}/timers", at="2026-06-03T15:00:00Z")).status_code == 503
    assert (await day.ask(f"/v1/timers/{before['items'][0]['id']}/explanation")).status_code == 503
    assert (await day.of("fluxpunkt").ask(f"/v1/tickets/{ticket}/timers")).status_code == 404
    stranger = await day.ask(f"/v1/tickets/{ticket}/timers", role="customer", as_customer="another-company")
    assert stranger.status_code == 404
    assert (await day.ask(f"/v1/tickets/{day.id('import')}/timers")).status_code == 200
    assert (await day.ask("/v1/timers")).status_code == 200
    changed = {each["ticket"]: each for each in (await day.read("/v1/deadlines"))["items"]}
    assert (changed[ticket]["parked"], changed[ticket]["next"]) == (True, None)

    sla = day.stack.clients["sla"]
    health = await sla.get("/health/ready")
    assert health.status_code == 200
    assert (health.json()["status"], health.json()["parked_tickets"]) == ("degraded", 1)
    assert "fristwerk_parked_tickets 1.0" in (await sla.get("/metrics")).text

    fixed = msgspec.structs.replace(published["agreements/infoniqa"], version=UNPUBLISHED)
    await append("agreement-infoniqa.infoniqa", fixed)
    after = await day.read(f"/v1/tickets/{ticket}/timers")
    assert [each["id"] for each in after["items"]] == [each["id"] for each in before["items"]]
    news = await day.read("/v1/deadlines", position=changed[ticket]["position"] + 1)
    assert [(each["ticket"], each["parked"]) for each in news["items"]] == [(ticket, False)]
    assert (await sla.get("/health/ready")).json()["status"] == "ready"
    assert "fristwerk_parked_tickets 0.0" in (await sla.get("/metrics")).text


async def test_a_restart_tries_again(day: Desk, append: Any, open_pair: OpenPair, break_ticket: Any) -> None:
    ticket = day.id("lohnlauf")
    correct = break_ticket(ticket)
    await append(f"ticket-{ticket}", tickets.ProgressReported(channel="email"))
    assert (await day.ask(f"/v1/tickets/{ticket}/timers")).status_code == 503

    correct()
    async with open_pair(day.stack.settings.var) as restarted:
        headers = restarted.headers("agent", "infoniqa")
        for _ in range(1000):
            answer = await restarted.clients["sla"].get(f"/v1/tickets/{ticket}/timers", headers=headers)
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.01)
        assert answer.status_code == 200
